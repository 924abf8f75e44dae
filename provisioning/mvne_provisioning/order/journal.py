"""One order, locked for the length of one transaction: what is known of it, and how to write down what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, UpdateBase, bindparam, insert, select, update

from mvne_provisioning.moves import MoveNotAllowed, sources
from mvne_provisioning.order.errors import UnknownOrder
from mvne_provisioning.order.events import EVENTS, Emit, content_of
from mvne_provisioning.order.record import Order, order_from
from mvne_provisioning.states import ORDER_MOVES, STEP_MOVES, OrderState, StepState
from mvne_provisioning.tables import provisioning_order as _orders
from mvne_provisioning.tables import provisioning_order_step as _steps

# Statements are built once: an order is read and written in every transaction of its run.
_ITSELF = (_orders.c.brand == bindparam("its_brand"), _orders.c.order_id == bindparam("its_id"))
_ITS_STEPS = (_steps.c.brand == bindparam("its_brand"), _steps.c.order_id == bindparam("its_id"))
_LOCKED_ORDER = select(_orders).where(*_ITSELF).with_for_update()
_BEGIN_STEP = insert(_steps)
_STEPS = select(_steps).where(*_ITS_STEPS)


@cache
def _change_order(to: OrderState | None) -> UpdateBase:
    """Return the statement that changes an order, guarded by the table of moves when it moves."""
    guard = () if to is None else (_orders.c.state.in_(sources(ORDER_MOVES, to)),)
    return update(_orders).where(*_ITSELF, *guard).returning(_orders)


@cache
def _move_step(to: StepState) -> Update:
    guard = _steps.c.state.in_(sources(STEP_MOVES, to))
    return update(_steps).where(*_ITS_STEPS, _steps.c.step == bindparam("its_step"), guard)


class Journal:
    """The order and its steps, read under a lock; every UPDATE is guarded by the tables of moves."""

    def __init__(self, conn: Connection, brand: str, order_id: str, at: datetime) -> None:
        self.conn = conn
        self.at = at
        self._named = {"its_brand": brand, "its_id": order_id}
        row = conn.execute(_LOCKED_ORDER, self._named).first()
        if row is None:
            raise UnknownOrder(f"{brand} has no order {order_id!r}")
        self.order: Order = order_from(row)
        stored = conn.execute(_STEPS, self._named).all()
        self._states = {row.step: StepState(row.state) for row in stored}
        self._refusals: dict[str, int] = {row.step: row.refusals for row in stored}

    def state_of(self, step: str) -> StepState | None:
        """Return where a step stands; None if it was never begun."""
        return self._states.get(step)

    def undo_refusals(self, step: str) -> int:
        """Return how often undoing a step was refused: each refusal uses up its key, so the next try needs another."""
        return self._refusals.get(step, 0)

    def begin(self, step: str, position: int, key: str, state: StepState, reason: str | None = None) -> None:
        """Write down a step for the first time, with the key of its call."""
        names = {"brand": self.order.brand, "order_id": self.order.order_id, "step": step, "position": position}
        moments = {"started_at": self.at, "changed_at": self.at}
        row = {**names, **moments, "key": key, "state": state, "reason": reason, "refusals": 0}
        self.conn.execute(_BEGIN_STEP, row)
        self._states[step] = state

    def mark(self, step: str, to: StepState, reason: str | None = None) -> None:
        """Move a step on."""
        values = {"state": to, "reason": reason, "changed_at": self.at}
        if self.conn.execute(_move_step(to), {**self._named, "its_step": step, **values}).rowcount == 0:
            raise MoveNotAllowed(f"the step {step} of order {self.order.order_id}", str(self._states.get(step)), to)
        self._states[step] = to

    def note_undo_refused(self, step: str, reason: str) -> None:
        """Write down why a step could not be undone, without moving it."""
        noted = update(_steps).where(*_ITS_STEPS, _steps.c.step == step).values(refusals=_steps.c.refusals + 1)
        self.conn.execute(noted, {**self._named, "reason": reason, "changed_at": self.at})

    def learn(self, facts: Mapping[str, object]) -> None:
        """Write down what came to be known of the order: columns and their values."""
        if facts:
            self._write({**facts, "changed_at": self.at})

    def move(self, to: OrderState, emit: Emit | None = None, **values: object) -> None:
        """Move the order on and tell of it. States of which `EVENTS` tells nothing need no `emit`."""
        self._write({"state": to, "changed_at": self.at, **values}, to)
        if to in EVENTS:
            self.tell(EVENTS[to], emit)

    def tell(self, event: str, emit: Emit | None) -> None:
        """Put an event about the order as it is now into the outbox."""
        assert emit is not None, f"{event} must be told"
        emit(self.conn, event, content_of(self.order, self.at))

    def _write(self, values: Mapping[str, object], to: OrderState | None = None) -> None:
        row: Row[Any] | None = self.conn.execute(_change_order(to), {**self._named, **values}).first()
        if row is None:
            raise MoveNotAllowed(f"the order {self.order.order_id}", self.order.state, str(to))
        self.order = order_from(row)
