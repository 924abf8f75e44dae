"""Looking for orphans: rooms refer to each other by id, so a row that names what is not there is found here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, select, true

from mvne.lines import BY_IMSI
from mvne.tables import item, line, number_use, subscriber
from mvne_billing.charging.recording import PAID_LIVE
from mvne_billing.ledger.billed import NOTHING_DUE
from mvne_billing.mediation.desk import BRAND
from mvne_billing.mediation.paying import PAID
from mvne_billing.tables import (
    addon,
    allowance,
    balance,
    credit,
    invoice,
    own_number,
    payment,
    pool_member,
    refund,
    rerating,
    rerating_line,
    subscription,
    topup,
    transfer,
    usage,
    usage_batch,
    usage_correction,
    usage_past,
    voucher,
    voucher_attempt,
    voucher_batch,
)
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number as number
from mvne_provisioning.tables import provisioning_order as order
from mvne_provisioning.tables import provisioning_profile as profile

_EVERY = true()


@dataclass(frozen=True)
class Reference:
    """Columns of one table whose values, where they are set and `when` holds, are `keys` of a row `among` another's."""

    source: Table
    columns: tuple[str, ...]
    target: Table
    keys: tuple[str, ...] = ("id",)
    when: ColumnElement[bool] = _EVERY
    among: ColumnElement[bool] = _EVERY


#: What stands for an invoice where none has it: nothing was due, or a wallet paid it as it was used.
_NO_INVOICE = (NOTHING_DUE, PAID_LIVE, PAID)
_IS_PLAN = item.c.kind == "plan"

#: Who refers to whom. A line and its subscription bear one id, so each must have the other.
REFERENCES: tuple[Reference, ...] = (
    Reference(line, ("subscriber",), subscriber),
    Reference(line, ("id",), subscription),
    Reference(line, ("msisdn",), number, ("msisdn",)),
    Reference(line, ("iccid",), profile, ("iccid",)),
    Reference(number_use, ("line",), line),
    Reference(number_use, ("msisdn",), number, ("msisdn",)),
    Reference(order, ("line_id",), line),
    Reference(order, ("msisdn",), number, ("msisdn",)),
    Reference(order, ("iccid",), profile, ("iccid",)),
    Reference(number, ("holder",), line, when=number.c.state == PoolState.ASSIGNED),
    Reference(profile, ("holder",), line, when=profile.c.state == PoolState.ASSIGNED),
    Reference(subscription, ("id",), line),
    Reference(subscription, ("customer",), subscriber),
    Reference(subscription, ("plan", "version"), item, ("id", "version"), among=_IS_PLAN),
    Reference(usage, ("subscription",), line),
    Reference(usage, ("plan", "version"), item, ("id", "version"), among=_IS_PLAN),
    Reference(usage, ("msisdn",), number, ("msisdn",), when=usage.c.msisdn.not_like(f"{BY_IMSI}%")),
    Reference(usage, ("batch",), usage_batch),
    Reference(usage, ("invoice",), invoice, when=usage.c.invoice.not_in(_NO_INVOICE)),
    Reference(usage_past, ("id",), usage),
    Reference(usage_correction, ("record",), usage),
    Reference(usage_correction, ("subscription",), subscription),
    Reference(usage_correction, ("billed_on",), invoice, when=usage_correction.c.billed_on.not_in(_NO_INVOICE)),
    Reference(usage_correction, ("invoice",), invoice, when=usage_correction.c.invoice.not_in(_NO_INVOICE)),
    Reference(rerating_line, ("rerating",), rerating),
    Reference(pool_member, ("subscription",), subscription),
    Reference(pool_member, ("owner",), subscription),
    Reference(own_number, ("subscription",), subscription),
    Reference(own_number, ("list",), item, among=item.c.kind == "group"),
    Reference(allowance, ("subscription",), subscription, when=allowance.c.subscription != BRAND),
    Reference(addon, ("subscription",), subscription),
    Reference(addon, ("addon",), item, among=item.c.kind == "addon"),
    Reference(addon, ("invoice",), invoice, when=addon.c.invoice.not_in(_NO_INVOICE)),
    Reference(balance, ("subscription",), subscription),
    Reference(credit, ("subscription",), balance, ("subscription",)),
    Reference(topup, ("subscription",), balance, ("subscription",)),
    Reference(voucher, ("batch",), voucher_batch),
    Reference(voucher, ("redeemed_by",), balance, ("subscription",)),
    Reference(voucher_attempt, ("subscription",), balance, ("subscription",)),
    Reference(invoice, ("subscription",), subscription),
    Reference(invoice, ("customer",), subscriber),
    Reference(payment, ("invoice",), invoice),
    Reference(refund, ("payment",), payment),
    Reference(refund, ("credit_note",), invoice),
    Reference(transfer, ("subscription",), subscription),
)


def orphans(conn: Connection, brand: str) -> list[str]:
    """Return in words every reference of a brand's rows that leads nowhere; an empty list is good news."""
    return [words for reference in REFERENCES for words in _lost(conn, brand, reference)]


def _lost(conn: Connection, brand: str, one: Reference) -> Iterator[str]:
    source, target = one.source.c, one.target.c
    named = [source[column] for column in one.columns]
    same = [target[key] == column for key, column in zip(one.keys, named, strict=True)]
    found = exists().where(target.brand == brand, *same, one.among)
    is_set = and_(*(column.is_not(None) for column in named))
    query = select(*named).where(source.brand == brand, is_set, one.when, ~found).distinct().order_by(*named)
    for row in conn.execute(query):
        where = f"{one.source.name}.{' and '.join(one.columns)}"
        yield f"{where} names {' '.join(map(str, row))}, which {one.target.name} does not have"
