"""A state machine is a table: from each state, the states that may come next."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from mvne_provisioning.errors import ProvisioningError

S = TypeVar("S", bound=StrEnum)


class MoveNotAllowed(ProvisioningError):
    """The thing is in a state from which this is not possible."""

    def __init__(self, what: str, state: str, to: str) -> None:
        super().__init__(what, state, to)
        self.what, self.state, self.to = what, state, to

    def __str__(self) -> str:
        return f"{self.what} is {self.state} and cannot become {self.to}"


def check_move(moves: Mapping[S, frozenset[S]], what: str, state: S, to: S) -> None:
    """Raise `MoveNotAllowed` unless `moves` lets `what` go from `state` to `to`."""
    if to not in moves[state]:
        raise MoveNotAllowed(what, state, to)


def sources(moves: Mapping[S, frozenset[S]], to: S) -> frozenset[S]:
    """Return the states from which `to` can be reached in one move: what a guarded UPDATE asks for."""
    return frozenset(state for state, following in moves.items() if to in following)
