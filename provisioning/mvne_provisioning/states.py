"""The states a profile, a number, an order and its steps may pass through, each as a table of moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class PoolState(StrEnum):
    """Where an item of a pool stands."""

    AVAILABLE = "available"
    RESERVED = "reserved"  #: held by an order that is under way
    ASSIGNED = "assigned"  #: held by a line
    QUARANTINED = "quarantined"  #: rests, so that the next holder does not get the last one's calls
    RETIRED = "retired"  #: never given out again


#: A profile that was downloaded cannot be used twice, so it never rests: it goes back unused or is retired.
PROFILE_MOVES: Mapping[PoolState, frozenset[PoolState]] = {
    PoolState.AVAILABLE: frozenset({PoolState.RESERVED, PoolState.RETIRED}),
    PoolState.RESERVED: frozenset({PoolState.AVAILABLE, PoolState.ASSIGNED, PoolState.RETIRED}),
    PoolState.ASSIGNED: frozenset({PoolState.AVAILABLE, PoolState.RETIRED}),
    PoolState.RETIRED: frozenset(),
}

#: A number that was assigned rests before somebody else gets it; one that leaves for another operator is retired.
NUMBER_MOVES: Mapping[PoolState, frozenset[PoolState]] = {
    PoolState.AVAILABLE: frozenset({PoolState.RESERVED, PoolState.RETIRED}),
    PoolState.RESERVED: frozenset({PoolState.AVAILABLE, PoolState.ASSIGNED}),
    PoolState.ASSIGNED: frozenset({PoolState.QUARANTINED, PoolState.RETIRED}),
    PoolState.QUARANTINED: frozenset({PoolState.AVAILABLE, PoolState.RETIRED}),
    PoolState.RETIRED: frozenset(),
}


class OrderState(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    RUNNING = "running"
    READY = "ready"  #: the activation code can be given to the customer
    ACTIVE = "active"  #: the phone has installed the profile
    COMPLETED = "completed"  #: done; for orders that need nothing from the phone
    COMPENSATING = "compensating"  #: what was done is being undone
    FAILED = "failed"
    CANCELLED = "cancelled"


ORDER_MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.PLACED: frozenset({OrderState.RUNNING, OrderState.COMPENSATING}),
    OrderState.RUNNING: frozenset({OrderState.READY, OrderState.COMPLETED, OrderState.COMPENSATING}),
    OrderState.READY: frozenset({OrderState.ACTIVE, OrderState.COMPENSATING}),
    OrderState.ACTIVE: frozenset(),
    OrderState.COMPLETED: frozenset(),
    OrderState.COMPENSATING: frozenset({OrderState.FAILED, OrderState.CANCELLED}),
    OrderState.FAILED: frozenset(),
    OrderState.CANCELLED: frozenset(),
}

#: The states in which an order still has work to do; a line has at most one such order.
OPEN_ORDER = frozenset({OrderState.PLACED, OrderState.RUNNING, OrderState.COMPENSATING})


class StepState(StrEnum):
    """Where a step of an order stands."""

    STARTED = "started"  #: its key is written; whether the other side has heard of it is not known
    DONE = "done"
    REFUSED = "refused"  #: the other side said no, so there is nothing to undo
    UNDOING = "undoing"
    UNDONE = "undone"


STEP_MOVES: Mapping[StepState, frozenset[StepState]] = {
    StepState.STARTED: frozenset({StepState.DONE, StepState.REFUSED}),
    StepState.DONE: frozenset({StepState.UNDOING, StepState.UNDONE}),
    StepState.REFUSED: frozenset(),
    StepState.UNDOING: frozenset({StepState.UNDONE}),
    StepState.UNDONE: frozenset(),
}


class OrderKind(StrEnum):
    """What an order does to a line."""

    ACTIVATION = "activation"
    SIM_SWAP = "sim_swap"
    NUMBER_CHANGE = "number_change"
    SUSPENSION = "suspension"
    RESUMPTION = "resumption"
    BARRING = "barring"
    THROTTLE = "throttle"
    TERMINATION = "termination"
