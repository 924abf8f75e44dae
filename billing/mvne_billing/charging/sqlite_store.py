"""SQLite: one writer, one transaction per batch, on disk when its commit returns (WAL, synchronous=FULL)."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from mvne_billing.charging import sqlite_rows
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.sqlite_rows import DONE, MOVED, STATEMENTS, UNWRITTEN, Lists
from mvne_billing.charging.sqlite_writer import FAILED, receive, send
from mvne_billing.charging.store import Moved, Opens, Unwritten

_LISTS = ("balances", *STATEMENTS)


class WriterFailed(Exception):
    """The writer's process could not write a batch, for a reason that trying again does not mend."""


class _Writer(Protocol):
    durability: str

    def write(self, lists: Lists) -> tuple[str, str]: ...

    def close(self) -> None: ...


class _Here:
    """The writer in this process, on a connection of the engine's."""

    def __init__(self, engine: Engine) -> None:
        self._raw = engine.raw_connection()
        self._driver: Any = self._raw.driver_connection
        self.durability = sqlite_rows.prepared(self._driver)

    def write(self, lists: Lists) -> tuple[str, str]:
        return sqlite_rows.write(self._driver, lists)

    def close(self) -> None:
        self._raw.close()


class _Apart:
    """The writer in a process of its own; one that is gone is started again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._start()

    def _start(self) -> None:
        words = [sys.executable, "-m", "mvne_billing.charging.sqlite_writer", self._path]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = receive(self._out)
        if told is None:
            self.close()
            raise WriterFailed(f"the writer of {self._path} does not start")
        self.durability = str(told[1])

    def write(self, lists: Lists) -> tuple[str, str]:
        """Have a batch written. A writer that is gone may have written it: asking again finds out."""
        try:
            send(self._in, lists)
            told = receive(self._out)
        except BrokenPipeError:
            told = None
        if told is None:
            self.close()
            self._start()
            return UNWRITTEN, "the writer was gone"
        return told[0], told[1]

    def close(self) -> None:
        for pipe in (self._in, self._out):
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._process.wait()

    @property
    def _in(self) -> Any:
        return self._process.stdin

    @property
    def _out(self) -> Any:
        return self._process.stdout


class SqliteStore:
    """Batches go to a SQLite file by the driver; with `apart`, in a process of its own beside this one.

    `reading` and `writing` open the caller's transactions for all that is not on the way of every request.
    """

    def __init__(self, engine: Engine, reading: Opens, writing: Opens, apart: bool = False) -> None:
        path = engine.url.database
        self._writer: _Writer = _Apart(path) if apart and path not in (None, "", ":memory:") else _Here(engine)
        self._reading, self._writing = reading, writing

    @property
    def lanes(self) -> int:
        """One: a SQLite file has one writer."""
        return 1

    @property
    def durability(self) -> str:
        """The journal mode and the synchronous setting of the file."""
        return self._writer.durability

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole; raise `Moved` or `Unwritten` when nothing was written."""
        result, why = self._writer.write({name: getattr(batch, name) for name in _LISTS})
        if result == MOVED:
            raise Moved(why)
        if result == UNWRITTEN:
            raise Unwritten(why)
        if result != DONE:
            raise WriterFailed(why if result == FAILED else result)

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        return self._writing()

    def close(self) -> None:
        """Let go of the writer."""
        self._writer.close()
