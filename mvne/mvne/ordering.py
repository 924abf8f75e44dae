"""Orders to the network for a line, and what the house makes of their outcome, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mvne import lines, outbox
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.selling import selling
from mvne.states import LineState
from mvne_billing.states import SubscriptionState
from mvne_billing.subscription import subscription
from mvne_provisioning.order.errors import LineBusy, UnknownOrder
from mvne_provisioning.order.events import Emit
from mvne_provisioning.order.placing import cancel_order, find_order, open_orders, place_order
from mvne_provisioning.order.record import Order
from mvne_provisioning.order.requests import AnyRequest
from mvne_provisioning.order.running import run_order
from mvne_provisioning.states import OrderKind, OrderState

#: How long a number rests before somebody else gets it.
QUARANTINE = timedelta(days=90)


class OrderFailed(MvneError):
    """The network or the SM-DP+ refused, and what had been done was undone."""


def order(
    platform: Platform, brand: str, order_id: str, request: AnyRequest, at: datetime, cause: str | None = None
) -> Order:
    """Place an order and run it to its end; the same order again finishes what was left, or tries anew what failed.

    A line has one order at a time: what an interruption left of another is finished first. `cause` is why the line will
    stand where the order takes it. Raises `OrderFailed` with the other side's reason, `OrderInterrupted` when there is
    no answer: call again.
    """
    try:
        name = _place(platform, brand, order_id, request, at, cause)
    except LineBusy:
        finish_open_orders(platform, brand, at, request.line_id)
        name = _place(platform, brand, order_id, request, at, cause)
    done = finish_order(platform, brand, name, at)
    if done.state is OrderState.FAILED:
        raise OrderFailed(f"order {name} failed: {done.reason}")
    return done


def _place(platform: Platform, brand: str, order_id: str, request: AnyRequest, at: datetime, cause: str | None) -> str:
    """Write an order down and return the id it got."""
    with platform.store.transact() as conn:
        name = _attempt(conn, brand, order_id)
        place_order(conn, brand, name, request, at)
        if cause is not None:
            lines.change(conn, brand, request.line_id, cause=cause)
    return name


def finish_open_orders(platform: Platform, brand: str, at: datetime, line: str | None = None) -> list[Order]:
    """Run every order that an interruption left open, of one line if named, and return them as they ended."""
    with platform.store.read() as conn:
        left = open_orders(conn, brand, line)
    return [finish_order(platform, brand, order_id, at) for order_id in left]


def cancel_activation(platform: Platform, brand: str, line_id: str, at: datetime) -> None:
    """Undo the order that made a line ready: its phone never came, so the line has ended."""
    with platform.store.transact() as conn:
        order_id = _attempt(conn, brand, f"{line_id}:activate")
        cancel_order(conn, brand, order_id, at, at + QUARANTINE)
    finish_order(platform, brand, order_id, at)


def end_line(conn: Connection, brand: str, line_id: str, at: datetime) -> None:
    """Write down that a line has ended: it has no number, nothing to scan."""
    lines.leave_number(conn, brand, line_id, at)
    lines.change(conn, brand, line_id, activation_code=None)
    lines.move(conn, brand, line_id, LineState.ENDED, "cancelled")
    outbox.emit(conn, brand, "line.ended", line_id, {}, at)


def _attempt(conn: Connection, brand: str, order_id: str) -> str:
    """Return the id to order under: each attempt that failed has used up one (`a`, `a:2`, `a:3`)."""
    name, number = order_id, 1
    while _has_failed(conn, brand, name):
        number += 1
        name = f"{order_id}:{number}"
    return name


def _has_failed(conn: Connection, brand: str, order_id: str) -> bool:
    try:
        return find_order(conn, brand, order_id).state is OrderState.FAILED
    except UnknownOrder:
        return False


def finish_order(platform: Platform, brand: str, order_id: str, at: datetime) -> Order:
    """Do what is left to do of an order and return it; raise `OrderInterrupted` or `CompensationRefused`."""
    with platform.store.read() as conn:
        market = selling(conn, brand).settings.market
    ports = platform.ports(market)
    return run_order(platform.store.transact, brand, order_id, ports, at, told(brand, at))


def told(brand: str, at: datetime) -> Emit:
    """Return what listens to a brand's orders: it brings the line up to date and writes the event."""

    def emit(conn: Connection, name: str, content: Mapping[str, object]) -> None:
        known = find_order(conn, brand, str(content["order_id"]))
        _bring_up_to_date(conn, known, at)
        outbox.emit(conn, brand, name, known.line_id, _masked(content), at)

    return emit


def _bring_up_to_date(conn: Connection, done: Order, at: datetime) -> None:
    brand, line = done.brand, done.line_id
    if done.state is OrderState.READY:
        code = str(done.activation_code)
        lines.change(conn, brand, line, iccid=done.iccid, imsi=done.imsi, msisdn=done.msisdn, activation_code=code)
        if done.kind is OrderKind.ACTIVATION:
            lines.move(conn, brand, line, LineState.READY)
            lines.hold_number(conn, brand, line, str(done.msisdn), at)
    elif done.state is OrderState.ACTIVE:
        if done.kind is OrderKind.ACTIVATION:
            _move(conn, brand, line, LineState.ACTIVE)
    elif done.state is OrderState.COMPLETED:
        _completed(conn, done, at)
    elif done.kind is OrderKind.ACTIVATION and done.state is OrderState.CANCELLED:
        # The card goes back to the pool: somebody else may get it, so this line never had it.
        lines.change(conn, brand, line, msisdn=None, iccid=None, imsi=None)
        end_line(conn, brand, line, at)
    elif done.kind is OrderKind.SUSPENSION and done.state is OrderState.FAILED:
        lines.change(conn, brand, line, cause=None)


def _completed(conn: Connection, done: Order, at: datetime) -> None:
    brand, line = done.brand, done.line_id
    if done.kind is OrderKind.NUMBER_CHANGE:
        lines.change(conn, brand, line, msisdn=done.msisdn)
        lines.hold_number(conn, brand, line, str(done.msisdn), at)
    elif done.kind is OrderKind.BARRING:
        lines.change(conn, brand, line, barrings=",".join(sorted(done.barrings)))
    elif done.kind is OrderKind.THROTTLE:
        lines.change(conn, brand, line, bits_per_second=done.bits_per_second)
    elif done.kind is OrderKind.SUSPENSION:
        cause = lines.get(conn, brand, line).cause
        _move(conn, brand, line, LineState.SUSPENDED, cause)
        outbox.emit(conn, brand, "line.suspended", line, {"cause": cause}, at)
    elif done.kind is OrderKind.RESUMPTION:
        _move(conn, brand, line, LineState.ACTIVE)
        outbox.emit(conn, brand, "line.resumed", line, {}, at)
    elif done.kind is OrderKind.TERMINATION:
        end_line(conn, brand, line, at)


#: How a subscription stands while its line does.
_BILLED_AS = {LineState.ACTIVE: SubscriptionState.ACTIVE, LineState.SUSPENDED: SubscriptionState.SUSPENDED}


def _move(conn: Connection, brand: str, line: str, to: LineState, cause: str | None = None) -> None:
    """Move a line and its subscription; a contract that has ended stays so, its line follows when it is terminated."""
    lines.move(conn, brand, line, to, cause)
    if subscription.get(conn, brand, line, lock=True).state is not SubscriptionState.ENDED:
        subscription.move(conn, brand, line, _BILLED_AS[to])


#: Identifiers of people and cards: events go far, so only the end of each is told.
_PERSONAL = ("iccid", "imsi", "msisdn", "old_iccid", "old_imsi", "old_msisdn")


def _masked(content: Mapping[str, object]) -> dict[str, object]:
    return {name: _end(value) if name in _PERSONAL else value for name, value in content.items()}


def _end(value: object) -> str | None:
    return None if value is None else f"…{str(value)[-4:]}"
