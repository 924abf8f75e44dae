"""What happens to a line after it was bought: suspended, resumed, swapped, topped up, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from mvne import jobs, lines, outbox, versions
from mvne.bills import issue_for
from mvne.lines import Line, LineEnded, LineMoveNotAllowed
from mvne.ordering import QUARANTINE, cancel_activation, end_line, finish_open_orders, order
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.states import LINE_MOVES, LineState
from mvne_billing.invoice import issuing
from mvne_billing.payments import attempts
from mvne_billing.states import SubscriptionState
from mvne_billing.subscription import addons, subscription
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.catalogue import Addon, Pay, Plan
from mvne_provisioning.order.requests import Resume, Suspend, SwapSim, Terminate
from mvne_provisioning.states import OrderKind, OrderState

#: Why a line is suspended when its subscriber or an operator asks for it.
REQUESTED = "requested"


def suspend(platform: Platform, brand: str, line_id: str, cause: str, at: datetime) -> Line:
    """Stop a line for a while; its number and its contract go on. Suspended already is fine."""
    known = _usable(platform, brand, line_id, at)
    if known.state is LineState.SUSPENDED:
        return known
    _allow(known, LineState.SUSPENDED)
    order(platform, brand, f"{line_id}:suspend:{at.isoformat()}", Suspend(line_id), at, cause)
    return _get(platform, brand, line_id)


def resume(platform: Platform, brand: str, line_id: str, at: datetime) -> Line:
    """Make a suspended line active again. Active already is fine."""
    known = _usable(platform, brand, line_id, at)
    if known.state is LineState.ACTIVE:
        return known
    _allow(known, LineState.ACTIVE)
    order(platform, brand, f"{line_id}:resume:{at.isoformat()}", Resume(line_id), at)
    return _get(platform, brand, line_id)


def swap_sim(platform: Platform, brand: str, line_id: str, at: datetime) -> Line:
    """Give a line a new eSIM; the old one stops. The caller has made sure that its owner wants it, just now."""
    left = finish_open_orders(platform, brand, at, line_id)
    known = _usable(platform, brand, line_id, at)
    if known.state not in (LineState.ACTIVE, LineState.SUSPENDED):
        raise LineMoveNotAllowed(f"line {line_id} is {known.state}; only a line in service can change its eSIM")
    # A swap that an interruption had left half done is the one that was asked for: one new eSIM, not two.
    if not any(one.kind is OrderKind.SIM_SWAP and one.state is OrderState.READY for one in left):
        order(platform, brand, f"{line_id}:swap:{at.isoformat()}", SwapSim(line_id), at)
    return _get(platform, brand, line_id)


#: Called in the transaction of a purchase that is new, with what the brand sells and the line's contract.
Bought = Callable[[Connection, Selling, Subscription, Purchase], None]


def on_next_bill(conn: Connection, sold: Selling, owner: Subscription, purchase: Purchase) -> None:
    """Leave a purchase to the next bill run."""


def buy_addon(
    platform: Platform,
    brand: str,
    line_id: str,
    addon_id: str,
    purchase_id: str,
    at: datetime,
    settle: Bought = on_next_bill,
) -> Purchase:
    """Add an add-on to a line, and lift what held it. Raises `NotSold`, and what `settle`, which has it paid, does.

    The same purchase again changes nothing.
    """
    _usable(platform, brand, line_id, at)
    with platform.store.transact() as conn:
        sold = selling(conn, brand)
        owner = subscription.get(conn, brand, line_id, lock=True)
        for known in addons.purchases(conn, brand, [line_id]).get(line_id, []):
            if known.id == purchase_id and known.addon.id == addon_id:
                return known
        bought = sold.addon(addon_id, owner.plan)
        purchase = add_to_line(conn, brand, owner, bought, purchase_id, at)
        settle(conn, sold, owner, purchase)
        return purchase


def add_to_line(
    conn: Connection, brand: str, owner: Subscription, bought: Addon, purchase_id: str, at: datetime
) -> Purchase:
    """Write down that a line has an add-on and ask for what held it to be lifted."""
    purchase = addons.buy(conn, brand, purchase_id, owner, _plan(conn, brand, owner).every, bought, at)
    content = {"line": owner.id, "kinds": sorted({bucket.kind for bucket in bought.buckets})}
    jobs.ask(conn, brand, f"{owner.id}:lift:{purchase_id}", "lift", content, at)
    outbox.emit(conn, brand, "addon.bought", owner.id, {"addon": bought.id, "purchase": purchase_id}, at)
    return purchase


def cancel(platform: Platform, brand: str, line_id: str, at: datetime, now: bool = False) -> datetime:
    """Cancel a line and return when it ends: when what is paid for runs out, or, `now`, at once.

    A line that never came into service ends at once too, and what it was billed and has not paid is credited. The end
    bills what was used and frees number and card.
    """
    known = _usable(platform, brand, line_id, at)
    with platform.store.transact() as conn:
        owner = subscription.get(conn, brand, line_id, lock=True)
        at_once = now or known.state in (LineState.ORDERED, LineState.READY)
        ends_at = at if at_once else _paid_until(owner, _plan(conn, brand, owner), at)
        before, owner = owner.ends_at, subscription.cancel(conn, brand, line_id, ends_at)
        ends_at = owner.ends_at or ends_at
        if before != ends_at:
            outbox.emit(conn, brand, "line.cancelled", line_id, {"ends_at": ends_at.isoformat()}, at)
        if known.state is LineState.ORDERED:
            _credit_unpaid(conn, brand, line_id, at)
        sold = selling(conn, brand)
    if ends_at <= at:
        issue_for(platform, sold, line_id, at)
    return ends_at


def terminate(platform: Platform, brand: str, line_id: str, job_id: str, at: datetime) -> None:
    """End a line at the network; its number rests, its card is gone. Ended already is fine."""
    finish_open_orders(platform, brand, at, line_id)
    known = _get(platform, brand, line_id)
    if known.state is LineState.READY:
        cancel_activation(platform, brand, line_id, at)
    elif known.state is LineState.ORDERED:
        with platform.store.transact() as conn:
            end_line(conn, brand, line_id, at)
    elif known.state is not LineState.ENDED:
        order(platform, brand, job_id, Terminate(line_id, at + QUARANTINE), at)


def end_unpaid(platform: Platform, brand: str, line_id: str, invoice_id: str, at: datetime) -> None:
    """End a line whose bill was not paid; one that was paid in the last moment is no reason any more.

    A prepaid period that was not had is not owed: its invoice is credited.
    """
    with platform.store.transact() as conn:
        owner = subscription.get(conn, brand, line_id, lock=True)
        credited = issuing.credit_of(conn, brand, invoice_id) is not None
        if not credited and attempts.due(conn, brand, invoice_id).minor <= 0:
            return
        if not credited and _plan(conn, brand, owner).pay is Pay.PREPAID:
            issuing.credit(conn, brand, f"credit:{invoice_id}", invoice_id, at)
    if owner.state is not SubscriptionState.ENDED:
        cancel(platform, brand, line_id, at, now=True)


def _usable(platform: Platform, brand: str, line_id: str, at: datetime) -> Line:
    """Return a line that has not ended, with no order under way."""
    finish_open_orders(platform, brand, at, line_id)
    known = _get(platform, brand, line_id)
    if known.state is LineState.ENDED:
        raise LineEnded(f"line {line_id} has ended; a new one is bought with: mvne subscriber add")
    return known


def _get(platform: Platform, brand: str, line_id: str) -> Line:
    with platform.store.read() as conn:
        return lines.get(conn, brand, line_id)


def _credit_unpaid(conn: Connection, brand: str, line_id: str, at: datetime) -> None:
    for document in issuing.of_subscription(conn, brand, line_id):
        if document.kind == "invoice" and attempts.due(conn, brand, document.id).minor > 0:
            issuing.credit(conn, brand, f"credit:{document.id}", document.id, at)


def _allow(known: Line, to: LineState) -> None:
    if known.state not in (LineState.ACTIVE, LineState.SUSPENDED) or to not in LINE_MOVES[known.state]:
        raise LineMoveNotAllowed(f"line {known.id} is {known.state}; it cannot become {to}")


def _paid_until(owner: Subscription, plan: Plan, at: datetime) -> datetime:
    term = owner.number_at(plan.every, at) // owner.term_periods
    return owner.starts_period(plan.every, (term + 1) * owner.term_periods)


def _plan(conn: Connection, brand: str, owner: Subscription) -> Plan:
    return versions.plan_version(conn, brand, owner.plan, owner.version)
