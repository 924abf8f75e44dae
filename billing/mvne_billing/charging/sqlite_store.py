"""SQLite: one writer, one transaction per batch, on disk when its commit returns (WAL, synchronous=FULL)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine

from mvne_billing.charging import rows
from mvne_billing.charging.effects import Batch, Row
from mvne_billing.charging.store import Moved, Opens, Unwritten
from mvne_billing.mediation.desk import BRAND

#: What SQLite calls the ways of PRAGMA synchronous.
_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}

#: Pages of the database kept in memory, in KiB; and how many the log holds before they are carried over.
_CACHE_KIB = 64 * 1024
_LOG_PAGES = 4000

#: The key is there already.
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


def _insert(table: str, columns: tuple[str, ...], rest: str = "") -> str:
    named, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({named}) VALUES ({marks}){rest}"


_BALANCE = (
    "UPDATE billing_balance SET free_micro = ?, reserved_micro = ?, version = ?"
    " WHERE brand = ? AND subscription = ? AND version = ?"
)
_ALLOWANCE = _insert(
    "billing_allowance",
    rows.ALLOWANCE,
    " ON CONFLICT (brand, subscription, bucket, period_start)"
    " DO UPDATE SET used = excluded.used, reserved = excluded.reserved",
)
_CHANGED = ("state", "valid_until", "sequence", "reserved_micro", "content")
_SESSION = _insert(
    "billing_session",
    rows.SESSION,
    f" ON CONFLICT (brand, id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _CHANGED)}",
)
_WHOLESALE = (
    f"INSERT INTO billing_allowance (brand, subscription, bucket, period_start, used) VALUES (?, '{BRAND}', ?, ?, ?)"
    " ON CONFLICT (brand, subscription, bucket, period_start) DO UPDATE SET used = used + excluded.used"
)
_OPENED = _insert("billing_session", rows.SESSION)
_REQUEST = _insert("billing_session_request", rows.REQUEST)
_TRANSFER = _insert("billing_transfer", rows.TRANSFER)
_USAGE = _insert("billing_usage", rows.USAGE)
_CROSSING = _insert("billing_crossing", rows.CROSSING)
_SUSPENSE = _insert("billing_suspense", rows.SUSPENSE, " ON CONFLICT (brand, id) DO NOTHING")


class SqliteStore:
    """Batches go to a SQLite file through a connection of the store's own, by the driver.

    `reading` and `writing` open the caller's transactions for all that is not on the way of every request.
    """

    def __init__(self, engine: Engine, reading: Opens, writing: Opens) -> None:
        self._raw = engine.raw_connection()
        self._reading, self._writing = reading, writing
        driver: Any = self._raw.driver_connection
        self._driver = driver
        driver.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        driver.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        mode = driver.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = _SYNCHRONOUS[driver.execute("PRAGMA synchronous").fetchone()[0]]
        self._durability = f"sqlite {mode} synchronous={synchronous} group-commit"

    @property
    def lanes(self) -> int:
        """One: a SQLite file has one writer."""
        return 1

    @property
    def durability(self) -> str:
        """The journal mode and the synchronous setting of the file."""
        return self._durability

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole; raise `Moved` or `Unwritten` when nothing was written."""
        try:
            self._driver.execute("BEGIN IMMEDIATE")
            self._write(batch)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode not in _TAKEN:
                raise
            raise Moved(str(error)) from error
        except sqlite3.OperationalError as error:
            raise Unwritten(str(error)) from error
        finally:
            # Whatever went wrong, half a batch is not left to the next one.
            self._undo()

    def _write(self, batch: Batch) -> None:
        run = self._driver.executemany
        if run(_BALANCE, batch.balances).rowcount != len(batch.balances):
            raise Moved("a line was written to meanwhile")
        for statement, many in _statements(batch):
            if many:
                run(statement, many)
        self._driver.execute("COMMIT")

    def _undo(self) -> None:
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        return self._writing()

    def close(self) -> None:
        """Give the writer's connection back."""
        self._raw.close()


def _statements(batch: Batch) -> Iterator[tuple[str, list[Row]]]:
    yield _ALLOWANCE, batch.allowances
    yield _OPENED, batch.opened
    yield _SESSION, batch.sessions
    yield _REQUEST, batch.requests
    yield _TRANSFER, batch.transfers
    yield _USAGE, batch.usages
    yield _CROSSING, batch.crossings
    yield _SUSPENSE, batch.suspense
    yield _WHOLESALE, batch.wholesale
