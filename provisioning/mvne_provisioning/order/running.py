"""Running an order: one short transaction, one call, one short transaction, until nothing is left to do.

Each transaction writes down what the last call answered and the key of the next call; the call itself is made outside
any transaction. So after a crash anywhere the next run finds the key, repeats the call (which has no second effect) and
goes on. When a step is refused, the steps before it are undone, last first. A step of which it is not known whether it
happened is first repeated with its key, so that what is undone is known to be done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.network.port import HostRefused, HostUnavailable
from mvne_provisioning.order.errors import CompensationRefused, OrderInterrupted
from mvne_provisioning.order.events import Emit
from mvne_provisioning.order.flows import FLOWS
from mvne_provisioning.order.journal import Journal
from mvne_provisioning.order.record import Order, known
from mvne_provisioning.order.steps import Facts, LocalStep, Ports, Remote, RemoteStep
from mvne_provisioning.smdp.port import Es2Failed, SmdpUnavailable
from mvne_provisioning.states import OrderState, StepState

Transact = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make: what, with which key, for which order; doing a step or undoing it."""

    step: str
    action: Remote
    key: str
    order: Order
    undoes: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call answered: facts, or why it was refused."""

    call: Call
    facts: Facts = field(default_factory=dict)
    refusal: str | None = None


def run_order(transact: Transact, brand: str, order_id: str, ports: Ports, at: datetime, emit: Emit) -> Order:
    """Do what is left to do of an order and return it; an order with nothing left is returned as it is.

    `transact` opens one short transaction and commits it. An order that was refused comes back `failed`, one that was
    cancelled comes back `cancelled`. Raise `OrderInterrupted` when the other side gives no answer (run it again),
    `CompensationRefused` when it refuses to undo, `UnknownOrder`.
    """
    heard: Heard | None = None
    while True:
        with transact() as conn:
            journal = Journal(conn, brand, order_id, at)
            if heard:
                _write_down(journal, heard)
            stuck = heard is not None and heard.call.undoes and heard.refusal is not None
            call = None if stuck else _next_call(journal, emit)
        if stuck and heard:
            raise CompensationRefused(f"order {order_id!r}, undoing {heard.call.step}: {heard.refusal}")
        if call is None:
            return journal.order
        heard = _make(call, ports)


def _make(call: Call, ports: Ports) -> Heard:
    try:
        return Heard(call, call.action(ports, call.key, call.order))
    except (HostRefused, Es2Failed) as refusal:
        return Heard(call, refusal=str(refusal))
    except (HostUnavailable, SmdpUnavailable) as outage:
        raise OrderInterrupted(f"order {call.order.order_id!r}, step {call.step}: {outage}; run it again") from outage


def _write_down(journal: Journal, heard: Heard) -> None:
    """Record an answer, unless another run of the same order has recorded it meanwhile."""
    step = heard.call.step
    if journal.state_of(step) is not (StepState.UNDOING if heard.call.undoes else StepState.STARTED):
        return
    if heard.refusal is None:
        journal.learn(heard.facts)
        journal.mark(step, StepState.UNDONE if heard.call.undoes else StepState.DONE)
    elif heard.call.undoes:
        journal.note_undo_refused(step, heard.refusal)
    else:
        journal.mark(step, StepState.REFUSED, heard.refusal)
        _fail(journal, heard.refusal)


def _fail(journal: Journal, reason: str) -> None:
    """Turn round; an order that is being undone already keeps its reason."""
    if journal.order.state is OrderState.RUNNING:
        journal.move(OrderState.COMPENSATING, outcome=OrderState.FAILED, reason=reason)


def _next_call(journal: Journal, emit: Emit) -> Call | None:
    """Do all that can be done here and return the call to make next, or None when the order needs no more."""
    if journal.order.state is OrderState.PLACED:
        journal.move(OrderState.RUNNING)
    if journal.order.state is OrderState.RUNNING and (call := _forward(journal, emit)):
        return call
    if journal.order.state is OrderState.COMPENSATING:
        return _backward(journal, emit)
    return None


def _forward(journal: Journal, emit: Emit) -> Call | None:
    flow = FLOWS[journal.order.kind]
    for position, step in enumerate(flow.steps):
        state = journal.state_of(step.name)
        if state is StepState.DONE:
            continue
        if isinstance(step, RemoteStep):
            if state is None:
                journal.begin(step.name, position, _key(journal.order, step.name), StepState.STARTED)
            return _do(journal.order, step)
        if not _did(journal, position, step):
            return None
    journal.move(flow.ends, emit)
    if flow.ends is OrderState.READY and journal.order.installed_at is not None:
        # The phone was faster than our own record of its order.
        journal.move(OrderState.ACTIVE, emit)
    return None


def _did(journal: Journal, position: int, step: LocalStep) -> bool:
    """Carry out a local step; one that is refused leaves nothing behind and turns the order round."""
    key = _key(journal.order, step.name)
    try:
        with journal.conn.begin_nested():
            facts = step.do(journal.conn, journal.order, journal.at)
    except ProvisioningError as refusal:
        journal.begin(step.name, position, key, StepState.REFUSED, str(refusal))
        _fail(journal, str(refusal))
        return False
    journal.learn(facts)
    journal.begin(step.name, position, key, StepState.DONE)
    return True


def _backward(journal: Journal, emit: Emit) -> Call | None:
    for step in reversed(FLOWS[journal.order.kind].steps):
        state = journal.state_of(step.name)
        if state is StepState.STARTED and isinstance(step, RemoteStep):
            return _do(journal.order, step)
        if state in (StepState.DONE, StepState.UNDOING) and (call := _undo(journal, step, state)):
            return call
    journal.move(known(journal.order.outcome), emit)
    return None


def _undo(journal: Journal, step: LocalStep | RemoteStep, state: StepState) -> Call | None:
    if isinstance(step, RemoteStep) and step.undo:
        if state is StepState.DONE:
            journal.mark(step.name, StepState.UNDOING)
        key = _key(journal.order, step.name, "undo", str(journal.undo_refusals(step.name)))
        return Call(step.name, step.undo, key, journal.order, undoes=True)
    if isinstance(step, LocalStep) and step.undo:
        journal.learn(step.undo(journal.conn, journal.order, journal.at))
    journal.mark(step.name, StepState.UNDONE)
    return None


def _do(order: Order, step: RemoteStep) -> Call:
    return Call(step.name, step.do, _key(order, step.name), order, undoes=False)


def _key(order: Order, *names: str) -> str:
    return ":".join((order.brand, order.order_id, *names))
