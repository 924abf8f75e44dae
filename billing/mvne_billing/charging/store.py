"""The port to where charging keeps its rows: one writer of batches per lane, whole or not at all, on disk when done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from mvne_billing.charging.effects import Batch

#: Opens a transaction for reading, or for the few rows that are written before anything is charged.
Opens = Callable[[], AbstractContextManager[Connection]]


class Moved(Exception):
    """Somebody else wrote to a line of the batch meanwhile, or a session of it exists: nothing was written."""


class Unwritten(Exception):
    """The store could not write the batch just now (it was locked out, or lost its connection): nothing was written."""


class ChargingStore(Protocol):
    """Where batches go. Lines are spread over `lanes`, each with one writer: batches of two lanes share no row."""

    @property
    def lanes(self) -> int:
        """How many writers there are."""
        ...

    @property
    def durability(self) -> str:
        """What `write` has done when it returns, as the store itself says."""
        ...

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole and return when it is on disk; raise `Moved` or `Unwritten` when nothing was written."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        ...

    def close(self) -> None:
        """Let go of the writers' connections."""
        ...
