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


def order(platform: Platform, brand: str, order_id: str, request: AnyRequest, at: datetime) -> Order:
    """Place an order and run it to its end; the same order again finishes what was left.

    Raises `OrderFailed` with the other side's reason, `OrderInterrupted` when there is no answer: call again.
    """
    with platform.store.transact() as conn:
        place_order(conn, brand, order_id, request, at)
    done = _run(platform, brand, order_id, at)
    if done.state is OrderState.FAILED:
        raise OrderFailed(f"order {order_id} failed: {done.reason}")
    return done


def finish_open_orders(platform: Platform, brand: str, at: datetime) -> None:
    """Run every order that an interruption left open; a line has one at a time."""
    with platform.store.read() as conn:
        left = open_orders(conn, brand)
    for order_id in left:
        _run(platform, brand, order_id, at)


def cancel_activation(platform: Platform, brand: str, line_id: str, at: datetime) -> None:
    """Undo the order that made a line ready: its phone never came."""
    order_id = f"{line_id}:activate"
    with platform.store.transact() as conn:
        cancel_order(conn, brand, order_id, at, at + QUARANTINE)
    _run(platform, brand, order_id, at)


def _run(platform: Platform, brand: str, order_id: str, at: datetime) -> Order:
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
            lines.move(conn, brand, line, LineState.ACTIVE)
            subscription.move(conn, brand, line, SubscriptionState.ACTIVE)
    elif done.state is OrderState.COMPLETED:
        _completed(conn, done, at)


def _completed(conn: Connection, done: Order, at: datetime) -> None:
    brand, line = done.brand, done.line_id
    if done.kind is OrderKind.NUMBER_CHANGE:
        lines.change(conn, brand, line, msisdn=done.msisdn)
        lines.hold_number(conn, brand, line, str(done.msisdn), at)
    elif done.kind is OrderKind.BARRING:
        lines.change(conn, brand, line, barrings=",".join(sorted(done.barrings)))
    elif done.kind is OrderKind.THROTTLE:
        lines.change(conn, brand, line, bits_per_second=done.bits_per_second)
    elif done.kind is OrderKind.TERMINATION:
        lines.leave_number(conn, brand, line, at)
        lines.change(conn, brand, line, activation_code=None)


#: Identifiers of people and cards: events go far, so only the end of each is told.
_PERSONAL = ("iccid", "imsi", "msisdn", "old_iccid", "old_imsi", "old_msisdn")


def _masked(content: Mapping[str, object]) -> dict[str, object]:
    return {name: _end(value) if name in _PERSONAL else value for name, value in content.items()}


def _end(value: object) -> str | None:
    return None if value is None else f"…{str(value)[-4:]}"
