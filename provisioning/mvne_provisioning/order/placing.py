"""Placing, finding and cancelling orders: all of it in the caller's transaction; nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.order.errors import LineBusy, OrderConflict, OrderNotCancellable, UnknownOrder
from mvne_provisioning.order.journal import Journal
from mvne_provisioning.order.record import Order, order_from
from mvne_provisioning.order.requests import AnyRequest, columns_of
from mvne_provisioning.statements import insert_or_ignore, select_in
from mvne_provisioning.states import OPEN_ORDER, OrderKind, OrderState
from mvne_provisioning.tables import provisioning_order as _orders

_GIVES_PROFILE = frozenset({OrderKind.ACTIVATION, OrderKind.SIM_SWAP})
_UNDONE = frozenset({OrderState.FAILED, OrderState.CANCELLED})

_ORDER = select(_orders).where(_orders.c.brand == bindparam("brand"), _orders.c.order_id == bindparam("order_id"))


def place_order(conn: Connection, brand: str, order_id: str, request: AnyRequest, at: datetime) -> Order:
    """Write down what is asked for a line; placing the same order again changes nothing.

    Raise `OrderConflict` when the id was used for another request, `LineBusy` when the line has an order under way.
    """
    asked = columns_of(request)
    row = {"brand": brand, "order_id": order_id, "state": OrderState.PLACED, "placed_at": at, "changed_at": at}
    placed = insert_or_ignore(conn, _orders).returning(_orders)
    if new := conn.execute(placed, {**row, **asked}).first():
        return order_from(new)
    return _placed_before(conn, brand, order_id, asked)


def find_order(conn: Connection, brand: str, order_id: str) -> Order:
    """Return an order; raise `UnknownOrder`."""
    row = conn.execute(_ORDER, {"brand": brand, "order_id": order_id}).first()
    if row is None:
        raise UnknownOrder(f"{brand} has no order {order_id!r}")
    return order_from(row)


def open_orders(conn: Connection, brand: str, line_id: str | None = None) -> list[str]:
    """Return the ids of the orders, of one line if named, that have work left, oldest first: to run after a crash."""
    query = select(_orders.c.order_id).where(_orders.c.brand == brand, _orders.c.state.in_(OPEN_ORDER))
    if line_id is not None:
        query = query.where(_orders.c.line_id == line_id)
    return list(conn.execute(query.order_by(_orders.c.placed_at, _orders.c.order_id)).scalars())


def lines_by_imsi(conn: Connection, brand: str, imsis: Iterable[Imsi]) -> dict[Imsi, str]:
    """Return which line each IMSI belongs to or last belonged to, ended lines too; those of no line are left out.

    A profile that a phone had is never given to another line, so an IMSI names one line for ever.
    """
    mine = (_orders.c.brand == brand, _orders.c.kind.in_(_GIVES_PROFILE), _orders.c.state.not_in(_UNDONE))
    return {Imsi(row.imsi): row.line_id for row in select_in(conn, _orders.c.imsi, imsis, *mine)}


def cancel_order(conn: Connection, brand: str, order_id: str, at: datetime, quarantine_until: datetime) -> Order:
    """Begin to undo an order; `run_order` does the work. A number that was live rests until `quarantine_until`.

    Cancelling again changes nothing. Raise `OrderNotCancellable` once the phone has the profile or the order has ended;
    an order about a living line can be cancelled only before it runs. Raise `UnknownOrder`.
    """
    journal = Journal(conn, brand, order_id, at)
    order = journal.order
    if order.outcome is OrderState.CANCELLED:
        return order
    if not _is_cancellable(order):
        had = "was downloaded" if order.downloaded_at else f"is {order.state}"
        raise OrderNotCancellable(f"the {order.kind} {order_id!r} {had}; a line is ended by its own order")
    journal.move(
        OrderState.COMPENSATING,
        outcome=OrderState.CANCELLED,
        reason="cancelled",
        quarantine_until=quarantine_until,
    )
    return journal.order


def _is_cancellable(order: Order) -> bool:
    if order.downloaded_at is not None:
        return False
    if order.state is OrderState.PLACED:
        return True
    return order.kind is OrderKind.ACTIVATION and order.state in (OrderState.RUNNING, OrderState.READY)


def _placed_before(conn: Connection, brand: str, order_id: str, asked: dict[str, object]) -> Order:
    row = conn.execute(_ORDER, {"brand": brand, "order_id": order_id}).first()
    if row is None:
        raise LineBusy(f"the line {asked['line_id']!r} has another order under way; run that first")
    if any(row._mapping[column] != value for column, value in asked.items()):
        raise OrderConflict(f"the order {order_id!r} was placed with another request; take a new id")
    return order_from(row)
