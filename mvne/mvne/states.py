"""The state machines of the roof, each as a table: which state may follow which. Whatever is not listed is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class LineState(StrEnum):
    """Where a line stands, as its subscriber sees it."""

    ORDERED = "ordered"  #: bought and being provisioned
    READY = "ready"  #: the activation code waits to be scanned
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


LINE_MOVES: Mapping[LineState, frozenset[LineState]] = {
    LineState.ORDERED: frozenset({LineState.READY, LineState.ENDED}),
    LineState.READY: frozenset({LineState.ACTIVE, LineState.ENDED}),
    LineState.ACTIVE: frozenset({LineState.SUSPENDED, LineState.ENDED}),
    LineState.SUSPENDED: frozenset({LineState.ACTIVE, LineState.ENDED}),
    LineState.ENDED: frozenset(),
}


class LaunchState(StrEnum):
    """Where a launch stands."""

    RUNNING = "running"
    DONE = "done"
    SUPERSEDED = "superseded"  #: the plan file changed before it was done; a later launch took over


LAUNCH_MOVES: Mapping[LaunchState, frozenset[LaunchState]] = {
    LaunchState.RUNNING: frozenset({LaunchState.DONE, LaunchState.SUPERSEDED}),
    LaunchState.DONE: frozenset(),
    LaunchState.SUPERSEDED: frozenset(),
}


class JobState(StrEnum):
    """Where a piece of work in the background stands."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"  #: the other side said no; a person should look


JOB_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.DONE, JobState.REFUSED}),
    JobState.REFUSED: frozenset({JobState.WAITING}),
    JobState.DONE: frozenset(),
}
