"""PostgreSQL: several writers, each with the lines of its lane, one statement and one commit per batch.

Every table's rows go as arrays, one per column, into a single statement: it is its own transaction, so that a batch
takes one trip to the server. A batch whose lines were not all found at their versions divides by zero, and so undoes
itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine

from mvne_billing.charging import rows
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.handing import InThreads, Told
from mvne_billing.charging.postgresql_arrays import array
from mvne_billing.charging.postgresql_pipe import Pipe
from mvne_billing.charging.store import Moved, Opens, Unwritten
from mvne_billing.mediation.desk import BRAND
from mvne_billing.rating.wholesale import WHOLESALE

if TYPE_CHECKING:
    import psycopg

#: Writers. Two keep one busy while the other waits for the disk; more make batches smaller.
LANES = 2

#: A batch finds its rows by key, whatever the planner thinks of tables that were small a minute ago.
_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "timezone": "UTC",
}

#: The types of columns that are no text.
_TYPES = {
    **dict.fromkeys(("free_micro", "reserved_micro", "version", "expected", "used", "reserved", "sequence"), "bigint"),
    **dict.fromkeys(("micro", "amount", "charge_micro", "cost_micro", "place"), "bigint"),
    **dict.fromkeys(("period_start", "opened_at", "valid_until", "at", "start"), "timestamptz"),
}


def _source(columns: Sequence[str]) -> str:
    named = ", ".join(f'"{name}"' for name in columns)
    types = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in columns)
    return f"unnest({types}) AS v ({named})"


def _insert(table: str, columns: Sequence[str], rest: str = "") -> str:
    named = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({named}) SELECT {named} FROM {_source(columns)}{rest}"


_BALANCE = (
    "UPDATE billing_balance t SET free_micro = v.free_micro, reserved_micro = v.reserved_micro, version = v.version"
    f" FROM {_source(rows.BALANCE)}"
    " WHERE t.brand = v.brand AND t.subscription = v.subscription AND t.version = v.expected RETURNING 1"
)
_CHANGED = ("state", "valid_until", "sequence", "reserved_micro", "content")
_SESSION = (
    f"UPDATE billing_session t SET {', '.join(f'{name} = v.{name}' for name in _CHANGED)}"
    f" FROM {_source(rows.SESSION)} WHERE t.brand = v.brand AND t.id = v.id"
)
_ALLOWANCE = _insert(
    "billing_allowance",
    rows.ALLOWANCE,
    " ON CONFLICT (brand, subscription, bucket, period_start)"
    " DO UPDATE SET used = excluded.used, reserved = excluded.reserved",
)
_WHOLESALE = (
    "INSERT INTO billing_allowance (brand, subscription, bucket, period_start, used)"
    f" SELECT brand, '{BRAND}', bucket, period_start, sum(used) FROM {_source(rows.WHOLESALE)} GROUP BY 1, 2, 3, 4"
    " ON CONFLICT (brand, subscription, bucket, period_start)"
    " DO UPDATE SET used = billing_allowance.used + excluded.used"
)
#: Table by table: the name of its part, its statement, how many columns it takes.
_PARTS: Mapping[str, tuple[str, int]] = {
    "balances": (_BALANCE, len(rows.BALANCE)),
    "allowances": (_ALLOWANCE, len(rows.ALLOWANCE)),
    "opened": (_insert("billing_session", rows.SESSION), len(rows.SESSION)),
    "sessions": (_SESSION, len(rows.SESSION)),
    "requests": (_insert("billing_session_request", rows.REQUEST), len(rows.REQUEST)),
    "transfers": (_insert("billing_transfer", rows.TRANSFER), len(rows.TRANSFER)),
    "usages": (_insert("billing_usage", rows.USAGE), len(rows.USAGE)),
    "crossings": (_insert("billing_crossing", rows.CROSSING), len(rows.CROSSING)),
    "suspense": (_insert("billing_suspense", rows.SUSPENSE, " ON CONFLICT (brand, id) DO NOTHING"), len(rows.SUSPENSE)),
    "wholesale": (_WHOLESALE, len(rows.WHOLESALE)),
}
#: Parts that are in every statement, with rows or without: each other statement is planned anew while clients wait.
_ALWAYS = frozenset({"balances", "allowances", "opened", "sessions", "requests", "transfers", "usages", "crossings"})

_GATE = "SELECT 1 FROM billing_allowance WHERE brand = ANY(%s) AND subscription = %s AND bucket = %s FOR UPDATE"


class PostgresqlStore:
    """Batches go to PostgreSQL through connections of the store's own, one per lane, by the driver."""

    def __init__(self, engine: Engine, reading: Opens, writing: Opens, lanes: int = LANES) -> None:
        self._engine = engine
        self._reading, self._writing = reading, writing
        self._drivers = [self._connected() for _ in range(lanes)]
        self._pipes = [Pipe(driver) for driver in self._drivers]
        self._threads = InThreads(self.write, lanes)
        commit, fsync = (_shown(self._drivers[0], name) for name in ("synchronous_commit", "fsync"))
        noted = "" if fsync == "on" else f" fsync={fsync}"
        self._durability = f"postgresql synchronous_commit={commit}{noted} group-commit"

    @property
    def lanes(self) -> int:
        """How many writers there are."""
        return len(self._drivers)

    @property
    def durability(self) -> str:
        """The server's settings."""
        return self._durability

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole; raise `Moved` or `Unwritten` when nothing was written."""
        from psycopg import Error

        there, values = _laid_out(batch)
        driver = self._drivers[lane]
        try:
            if batch.wholesale:
                self._write_behind_the_gate(driver, batch, _statement(there), values)
            else:
                driver.execute(_statement(there), values, prepare=True)
        except Error as error:
            raise self._failure(lane, error) from error

    def begin(self, lane: int, batch: Batch, told: Told) -> None:
        """Have a batch written while the event loop goes on: see `handing.Handing`."""
        if batch.wholesale:
            self._threads.begin(lane, batch, told)
            return
        there, values = _laid_out(batch)

        def done(error: psycopg.Error | None) -> None:
            told(None if error is None else self._failure(lane, error))

        self._pipes[lane].begin(_statement(there), values, done)

    def _failure(self, lane: int, error: psycopg.Error) -> Exception:
        """Return what an error means for whoever had a batch written; a connection that is gone is replaced."""
        from psycopg import OperationalError, errors

        if isinstance(error, errors.DivisionByZero | errors.UniqueViolation):
            return Moved(str(error))
        if not isinstance(error, OperationalError):
            return error
        if self._drivers[lane].closed or self._drivers[lane].broken:
            self._drivers[lane] = self._connected()
            self._pipes[lane] = Pipe(self._drivers[lane])
        return Unwritten(str(error))

    def _write_behind_the_gate(self, driver: Any, batch: Batch, statement: bytes, values: list[object]) -> None:
        """Write a batch that counts for the brand as a whole, when nobody else prices by those counters."""
        with driver.transaction():
            brands = sorted({str(row[0]) for row in batch.wholesale})
            driver.execute(_GATE, [brands, BRAND, WHOLESALE])
            driver.execute(statement, values)

    def _connected(self) -> psycopg.Connection[Any]:
        """Return a connection set up for batches; it is never given back to those that are set up otherwise."""
        raw: Any = self._engine.raw_connection()
        driver: psycopg.Connection[Any] = raw.driver_connection
        raw.detach()
        driver.autocommit = True
        for name, value in _SETTINGS.items():
            driver.execute(f"SET {name} = {value}".encode())
        return driver

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        return self._writing()

    def close(self) -> None:
        """Close the writers' connections."""
        self._threads.close()
        for driver in self._drivers:
            driver.close()


def _laid_out(batch: Batch) -> tuple[tuple[str, ...], list[object]]:
    """Return which tables a batch has rows for, and what its statement is filled in with."""
    there = tuple(name for name in _PARTS if name in _ALWAYS or getattr(batch, name))
    columns: list[object] = []
    for name in there:
        its = getattr(batch, name)
        columns += [array(column) for column in zip(*its, strict=True)] if its else ["{}"] * _PARTS[name][1]
    return there, [*columns, len(batch.balances)]


def _shown(driver: psycopg.Connection[Any], setting: str) -> str:
    row = driver.execute(f"SHOW {setting}".encode()).fetchone()
    return str(row[0]) if row else "unknown"


@cache
def _statement(there: tuple[str, ...]) -> bytes:
    """Return one statement that writes rows of the tables named; it divides by zero when a line was not found."""
    parts = ", ".join(f"{name} AS ({_PARTS[name][0]})" for name in there)
    check = "SELECT 1 / (CASE WHEN (SELECT count(*) FROM balances) = %s THEN 1 ELSE 0 END)"
    return f"WITH {parts} {check}".encode()
