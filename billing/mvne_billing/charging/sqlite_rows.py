"""Batches in SQLite's words: what is run for each table's rows, and one batch as one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from mvne_billing.charging import rows

#: What SQLite calls the ways of PRAGMA synchronous.
_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}

#: The key is there already.
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)

#: KiB of the database kept in memory, and pages that the log holds before they are carried over.
_CACHE_KIB = 64 * 1024
_LOG_PAGES = 4000

#: How a batch came out: written; somebody else was first; not now.
DONE, MOVED, UNWRITTEN = "done", "moved", "unwritten"

#: How a batch came out, and why.
Outcome = tuple[str, str]

#: Rows by the name of their list in a batch, of lists that have any.
Lists = Mapping[str, Sequence[tuple[object, ...]]]


def _insert(table: str, columns: tuple[str, ...], rest: str = "") -> str:
    named, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({named}) VALUES ({marks}){rest}"


_CHANGED = ("state", "valid_until", "sequence", "reserved_micro", "content")
_KEY = "(brand, subscription, bucket, period_start)"
_BALANCE = (
    "UPDATE billing_balance SET free_micro = ?, reserved_micro = ?, version = ?"
    " WHERE brand = ? AND subscription = ? AND version = ?"
)

_SET = ", ".join(f"{name} = ?{rows.SESSION.index(name) + 1}" for name in _CHANGED)
_SESSION = f"UPDATE billing_session SET {_SET} WHERE brand = ?1 AND id = ?2"

#: What is run for each list, in this order, after the balances.
STATEMENTS: Mapping[str, str] = {
    "allowances": _insert(
        "billing_allowance",
        rows.ALLOWANCE,
        f" ON CONFLICT {_KEY} DO UPDATE SET used = excluded.used, reserved = excluded.reserved",
    ),
    "opened": _insert("billing_session", rows.SESSION),
    "sessions": _SESSION,
    "requests": _insert("billing_session_request", rows.REQUEST),
    "transfers": _insert("billing_transfer", rows.TRANSFER),
    "usages": _insert("billing_usage", rows.USAGE),
    "crossings": _insert("billing_crossing", rows.CROSSING),
    "suspense": _insert("billing_suspense", rows.SUSPENSE, " ON CONFLICT (brand, id) DO NOTHING"),
    # The brand's own counters belong to no line: their holder has no name.
    "wholesale": (
        "INSERT INTO billing_allowance (brand, subscription, bucket, period_start, used) VALUES (?, '', ?, ?, ?)"
        f" ON CONFLICT {_KEY} DO UPDATE SET used = used + excluded.used"
    ),
}


def prepared(driver: Any) -> str:
    """Set a connection up for batches; return how durable its commits are, as the file itself says."""
    driver.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    driver.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    mode = driver.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = _SYNCHRONOUS[driver.execute("PRAGMA synchronous").fetchone()[0]]
    return f"sqlite {mode} synchronous={synchronous} group-commit"


def write(driver: Any, lists: Lists) -> Outcome:
    """Write a batch whole, or nothing of it; return how it came out, and why.

    Raises what is no matter of trying again.
    """
    try:
        balances = lists.get("balances", ())
        driver.execute("BEGIN IMMEDIATE")
        if driver.executemany(_BALANCE, balances).rowcount != len(balances):
            return MOVED, "a line was written to meanwhile"
        for name, statement in STATEMENTS.items():
            if name in lists:
                driver.executemany(statement, lists[name])
        driver.execute("COMMIT")
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode not in _TAKEN:
            raise
        return MOVED, str(error)
    except sqlite3.OperationalError as error:
        return UNWRITTEN, str(error)
    finally:
        # Whatever went wrong, half a batch is not left to the next one.
        if driver.in_transaction:
            driver.execute("ROLLBACK")
    return DONE, ""
