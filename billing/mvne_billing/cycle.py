"""Closing and opening periods: the bill run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select, update

from mvne_billing.invoice import correcting, unused
from mvne_billing.invoice.drafting import Used, draft
from mvne_billing.invoice.invoice import Invoice, Line, LineKind
from mvne_billing.invoice.issuing import Form, find, issue
from mvne_billing.ledger import accounts
from mvne_billing.ledger.billed import NOTHING_DUE
from mvne_billing.ledger.transfer import Entry, move, post
from mvne_billing.sql import Transact
from mvne_billing.states import SubscriptionState, UsageState
from mvne_billing.subscription import addons, subscription
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.tables import allowance, usage
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.catalogue import Plan
from mvne_plans.money import round_record, total
from mvne_plans.period import Every, Unit
from mvne_plans.quantity import Kind

_OPEN = (
    usage.c.brand == bindparam("its_brand"),
    usage.c.subscription == bindparam("its_subscription"),
    usage.c.invoice.is_(None),
    usage.c.start < bindparam("before"),
    usage.c.state.in_((UsageState.RATED, UsageState.LIVE)),
)
_SUMS = (
    select(usage.c.kind, func.sum(usage.c.amount), func.sum(usage.c.charge_micro)).where(*_OPEN).group_by(usage.c.kind)
)
_BILLED = update(usage).where(*_OPEN).values(invoice=bindparam("its_invoice"))


@dataclass(frozen=True)
class Biller:
    """What billing needs from outside: plan versions, the form of a customer's invoices, the host's agreements."""

    plan: Callable[[Connection, str, int], Plan]
    form: Callable[[Connection, Subscription], Form]
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True)
class Billed:
    """What one step of billing did, and when: the period it opened (None: it ended), the invoice if there is one."""

    subscription: Subscription
    at: datetime
    opened: int | None
    invoice: Invoice | None


#: Called inside the transaction of each step.
Noticed = Callable[[Connection, Billed], None]


def run(transact: Transact, brand: str, biller: Biller, as_of: datetime, noticed: Noticed) -> Iterator[Billed]:
    """Bill everything due by `as_of`, one short transaction per subscription and period; yields each step.

    Interrupted, it is run again: what has been billed is not due any more.
    """
    after = ""
    while True:
        with transact() as conn:
            ids = subscription.due(conn, brand, as_of, after)
        if not ids:
            return
        for one in ids:
            yield from bill(transact, brand, one, biller, as_of, noticed)
        after = ids[-1]


def bill(
    transact: Transact, brand: str, subscription_id: str, biller: Biller, as_of: datetime, noticed: Noticed
) -> Iterator[Billed]:
    """Bill one subscription up to `as_of`, period by period."""
    while True:
        with transact() as conn:
            step = _step(conn, brand, subscription_id, biller, as_of)
            if step is not None:
                noticed(conn, step)
        if step is None:
            return
        yield step


def _step(conn: Connection, brand: str, subscription_id: str, biller: Biller, as_of: datetime) -> Billed | None:
    owner = subscription.get(conn, brand, subscription_id, lock=True)
    at = owner.next_bill_at
    if at is None or at > as_of:
        return None
    plan = biller.plan(conn, owner.plan, owner.version)
    ending = owner.state is SubscriptionState.ENDED or (owner.ends_at is not None and owner.ends_at <= at)
    used, purchases = (
        _unbilled_use(conn, brand, owner, at),
        _unbilled_addons(conn, brand, owner, None if ending else at),
    )
    lines = draft(owner, plan, used, purchases, ending)
    lines += _unused(conn, brand, owner, plan, lines, at, ending)
    bill = total([line.amount for line in lines], plan.tariff.currency)
    corrections = correcting.due(conn, brand, owner.id, bill, ending)
    lines += correcting.lines(corrections, bill.currency)
    document = None
    if lines:
        name = _name(conn, brand, owner, ending)
        document = issue(conn, brand, name, owner, lines, biller.form(conn, owner), at)
    _mark_billed(conn, brand, owner, at, purchases, document.id if document else NOTHING_DUE)
    correcting.take(conn, brand, corrections, document.id if document else NOTHING_DUE)
    if ending:
        owner = subscription.move(conn, brand, owner.id, SubscriptionState.ENDED)
    else:
        _accrue_line(conn, brand, owner, plan, biller, lines, at)
    advanced = subscription.billed(conn, brand, owner, plan.every)
    return Billed(advanced, at, None if ending else owner.next_period, document)


def _name(conn: Connection, brand: str, owner: Subscription, ending: bool) -> str:
    """Return the id of the invoice of a period, or of the end; what comes after the last bill has bills of its own."""
    name = f"inv:{owner.id}:{'end' if ending else owner.next_period}"
    if not ending or find(conn, brand, name) is None:
        return name
    return next(one for place in count(2) if find(conn, brand, one := f"{name}:{place}") is None)


def _unbilled_use(conn: Connection, brand: str, owner: Subscription, before: datetime) -> Mapping[Kind, Used]:
    found = conn.execute(_SUMS, {"its_brand": brand, "its_subscription": owner.id, "before": before})
    return {Kind(kind): Used(int(units), int(micro)) for kind, units, micro in found}


def _unbilled_addons(conn: Connection, brand: str, owner: Subscription, before: datetime | None) -> Sequence[Purchase]:
    bought = addons.purchases(conn, brand, [owner.id]).get(owner.id, [])
    unpaid = [purchase for purchase in bought if purchase.invoice is None]
    return [purchase for purchase in unpaid if before is None or purchase.valid.start < before]


def _unused(
    conn: Connection, brand: str, owner: Subscription, plan: Plan, lines: Sequence[Line], at: datetime, ending: bool
) -> list[Line]:
    """Return the credit for what closing periods left of allowances that give it back."""
    if all(bucket.credit is None for bucket in plan.tariff.buckets):
        return []
    periods = unused.closed_periods(owner, plan, at, ending)
    mine = (allowance.c.brand == brand, allowance.c.subscription == owner.id)
    gone = {
        (row.bucket, row.period_start): row.used + row.reserved for row in conn.execute(select(allowance).where(*mine))
    }
    return list(unused.credit_lines(owner, plan, periods, gone, sum(line.amount.micro for line in lines)))


def _mark_billed(
    conn: Connection, brand: str, owner: Subscription, at: datetime, purchases: Sequence[Purchase], invoice: str
) -> None:
    named = {"its_brand": brand, "its_subscription": owner.id, "before": at}
    conn.execute(_BILLED, {**named, "its_invoice": invoice})
    addons.billed(conn, brand, [purchase.id for purchase in purchases], invoice)


def _accrue_line(
    conn: Connection, brand: str, owner: Subscription, plan: Plan, biller: Biller, lines: Sequence[Line], at: datetime
) -> None:
    """Note what the host charges for the line over the period that opens, and its share of the price of a term."""
    agreement = in_force(biller.agreements, at.astimezone(ZoneInfo(owner.timezone)).date())
    if agreement is None:
        return
    micro = round_record(Fraction(agreement.line_micro) * _ratio(plan.every, agreement.line_every))
    like = Entry(agreement.currency, "line", at, owner.id, owner.id)
    name = f"line:{owner.id}:{owner.next_period}"
    transfers = list(move(name, accounts.LINE_COST, accounts.HOST, micro, like))
    if agreement.retail_share is not None:
        retail = sum(line.amount.micro for line in lines if line.kind is LineKind.RECURRING)
        share = round_record(retail * agreement.retail_share)
        transfers += move(f"retail:{owner.id}:{owner.next_period}", accounts.LINE_COST, accounts.HOST, share, like)
    post(conn, brand, transfers)


def _ratio(every: Every, unit: Every) -> Fraction:
    """Return how many of `unit` fit into `every`; between days and months, a year of 365 days has 12 months.

    >>> from mvne_plans.period import MONTH
    >>> _ratio(Every.parse("3 months"), MONTH), _ratio(Every.parse("30 days"), MONTH)
    (Fraction(3, 1), Fraction(72, 73))
    """
    days = {Unit.DAY: Fraction(1), Unit.MONTH: Fraction(365, 12)}
    return every.count * days[every.unit] / (unit.count * days[unit.unit])
