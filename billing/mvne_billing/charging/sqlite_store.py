"""SQLite: one writer, one transaction per batch, on disk when its commit returns (WAL, synchronous=FULL)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine

from mvne_billing.charging import sqlite_rows
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.sqlite_rows import DONE, MOVED, STATEMENTS, UNWRITTEN, Lists, Outcome
from mvne_billing.charging.store import Moved, Opens, Unwritten

_LISTS = ("balances", *STATEMENTS)


class SqliteStore:
    """Batches go to a SQLite file by the driver, on a connection of the engine's.

    `reading` and `writing` open the caller's transactions for all that is not on the way of every request.
    """

    #: A SQLite file has one writer.
    lanes = 1

    def __init__(self, engine: Engine, reading: Opens, writing: Opens) -> None:
        self._raw = engine.raw_connection()
        self._driver: Any = self._raw.driver_connection
        self._reading, self._writing = reading, writing
        #: The journal mode and the synchronous setting of the file.
        self.durability = sqlite_rows.prepared(self._driver)

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole; raise `Moved` or `Unwritten` when nothing was written."""
        check(sqlite_rows.write(self._driver, lists_of(batch)))

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        return self._writing()

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()


def lists_of(batch: Batch) -> Lists:
    """Return a batch's rows by the name of their list, as far as there are any."""
    return {name: rows for name in _LISTS if (rows := getattr(batch, name))}


def check(outcome: Outcome) -> None:
    """Raise `Moved` or `Unwritten` when a batch was not written, with the reason."""
    result, why = outcome
    if result == MOVED:
        raise Moved(why)
    if result == UNWRITTEN:
        raise Unwritten(why)
    if result != DONE:
        raise WriterFailed(why)


class WriterFailed(Exception):
    """A batch could not be written, for a reason that trying again does not mend."""
