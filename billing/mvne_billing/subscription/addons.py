"""Add-ons a subscription has bought: more allowance for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, select, update

from mvne_billing.rating.result import Rule
from mvne_billing.sql import upsert
from mvne_billing.subscription.subscription import Subscription, SubscriptionConflict, touch
from mvne_billing.tables import addon as table
from mvne_billing.tables import allowance
from mvne_plans.canonical import dumps, loads
from mvne_plans.catalogue import Addon
from mvne_plans.period import Every, Period, boundary
from mvne_plans.tariff import Bucket

_OF = (
    select(table)
    .where(table.c.brand == bindparam("brand"), table.c.subscription.in_(bindparam("subscriptions", expanding=True)))
    .order_by(table.c.starts, table.c.id)
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An add-on bought by a subscription, as it was sold, and the time it is good for."""

    id: str
    subscription: str
    addon: Addon
    valid: Period
    invoice: str | None = None

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Its allowances, each with an id of this purchase's own."""
        return tuple(replace(bucket, id=f"{self.id}:{bucket.id}") for bucket in self.addon.buckets)


def buy(
    conn: Connection, brand: str, purchase_id: str, owner: Subscription, every: Every, bought: Addon, at: datetime
) -> Purchase:
    """Record a purchase at `at`, good until the period ends or for as long as the add-on lasts.

    The same purchase again is left alone; raises `SubscriptionConflict` when the id is taken by another.
    """
    period = owner.period(every, owner.number_at(every, at))
    local = at.astimezone(ZoneInfo(owner.timezone))
    row = {
        "brand": brand,
        "id": purchase_id,
        "subscription": owner.id,
        "addon": bought.id,
        "content": dumps(bought),
        "starts": at,
        "ends": period.end if bought.lasts is None else boundary(local, bought.lasts, 1),
    }
    query = select(table).where(table.c.brand == brand, table.c.id == purchase_id)
    is_new = conn.execute(query).one_or_none() is None
    upsert(conn, table, [row])
    stored = conn.execute(query).one()
    if (stored.subscription, stored.content) != (owner.id, row["content"]):
        raise SubscriptionConflict(f"purchase {purchase_id} exists with other content; give the new one another id")
    if is_new:
        _open_again(conn, brand, owner, bought, period.start)
        touch(conn, brand, owner.id)
    return _purchase(stored)


def _open_again(conn: Connection, brand: str, owner: Subscription, bought: Addon, since: datetime) -> None:
    """Forget that the allowance was used up: when the add-on is, too, that is a mark to pass once more."""
    beyond = [f"{rule}:{bucket.kind}" for rule in (Rule.SLOW, Rule.STOP) for bucket in bought.buckets]
    mine = (allowance.c.brand == brand, allowance.c.subscription == owner.id)
    marks = update(allowance).where(*mine, allowance.c.bucket.in_(beyond), allowance.c.period_start == since)
    conn.execute(marks.values(used=0))


def billed(conn: Connection, brand: str, ids: Sequence[str], invoice: str) -> None:
    """Note which document has these purchases on it."""
    if ids:
        conn.execute(update(table).where(table.c.brand == brand, table.c.id.in_(ids)).values(invoice=invoice))


def purchases(conn: Connection, brand: str, subscriptions: Sequence[str]) -> Mapping[str, list[Purchase]]:
    """Return all purchases of these subscriptions, oldest first."""
    found: dict[str, list[Purchase]] = {}
    for row in conn.execute(_OF, {"brand": brand, "subscriptions": subscriptions}):
        found.setdefault(row.subscription, []).append(_purchase(row))
    return found


def _purchase(row: Row[tuple[Any, ...]]) -> Purchase:
    return Purchase(row.id, row.subscription, loads(Addon, row.content), Period(row.starts, row.ends), row.invoice)
