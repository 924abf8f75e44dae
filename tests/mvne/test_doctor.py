"""Orphans: a row that names what is not there is found, whichever of the references it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, insert
from sqlalchemy.types import TypeDecorator

from mvne.doctor import REFERENCES, Reference, orphans
from mvne_billing.tables import addon
from tests.mvne.house import AT, House, Stores, open_house

BRAND = "tilleul"

#: Values that tables insist on, where just any text would not do.
FITTING: dict[str, Any] = {
    "mvne_line.state": "ordered",
    "provisioning_number.state": "assigned",
    "provisioning_profile.state": "assigned",
    "provisioning_order.kind": "suspension",
    "provisioning_order.state": "completed",
    "provisioning_order.outcome": None,
    "provisioning_number.quarantined_until": None,
    "billing_subscription.state": "pending",
    "billing_payment.state": "created",
    "billing_refund.state": "created",
    "billing_invoice.kind": "invoice",
    "billing_invoice.tax_minor": 0,
    "billing_transfer.credit": "another",
    "billing_balance.floor_micro": 0,
    "billing_credit.kind": "topup",
    "billing_topup.source": "cash",
    "billing_topup.state": "succeeded",
    "billing_usage.state": "rated",
    "billing_usage.came": "in_order",
    "billing_pool_member.owner": "another",
    "billing_rerating.kind": "rerate",
}

#: Columns that are set together.
TOGETHER = {"redeemed_by": "redeemed_at"}


def value(column: Column[Any]) -> Any:
    """Return something that a column takes."""
    name = f"{column.table.name}.{column.name}"
    if name in FITTING:
        return FITTING[name]
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | BigInteger):
        return 1
    if isinstance(kind, DateTime | Date) or "UtcDateTime" in repr(column.type):
        return AT
    return "nobody"[: getattr(kind, "length", None) or 10]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, stores: Stores) -> Iterator[House]:
    """A house on an empty store, in which nothing is kept."""
    with stores.copy(request.param) as url, open_house(url) as house:
        yield house


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda one: f"{one.source.name}.{'+'.join(one.columns)}")
def test_a_reference_that_leads_nowhere_is_found(reference: Reference, empty: House) -> None:
    source = reference.source
    row = {column.name: value(column) for column in source.columns if not column.nullable or column.name == "holder"}
    set_too = [TOGETHER[column] for column in reference.columns if column in TOGETHER]
    row |= {column: value(source.columns[column]) for column in (*reference.columns, *set_too)} | {"brand": BRAND}
    with empty.platform.store.engine.connect() as conn:
        conn.execute(insert(source).values(row))
        found = orphans(conn, BRAND)
        assert orphans(conn, "rival") == []
        conn.rollback()
    named = " ".join(str(row[column]) for column in reference.columns)
    words = (
        f"{source.name}.{' and '.join(reference.columns)} names {named}, which {reference.target.name} does not have"
    )
    assert words in found


def test_a_store_that_was_lived_in_has_none(tilleul: House) -> None:
    line = tilleul.join("ada").id
    tilleul.use(line, "sms", 1, "+33199009999")
    tilleul.collect_usage()
    with tilleul.platform.store.read() as conn:
        assert orphans(conn, BRAND) == []


def test_a_plan_is_not_taken_for_an_addon_of_the_same_name(tilleul: House) -> None:
    line = tilleul.join("ada").id
    moment: datetime = tilleul.now
    row = {"brand": BRAND, "id": "x", "subscription": line, "addon": "douceur", "content": "", "starts": moment}
    with tilleul.platform.store.transact() as conn:
        conn.execute(insert(addon).values(**row, ends=moment))
        assert orphans(conn, BRAND) == ["billing_addon.addon names douceur, which mvne_item does not have"]
