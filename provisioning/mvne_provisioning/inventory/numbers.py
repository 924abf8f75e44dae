"""The pool of telephone numbers a brand may give out: add, reserve, assign, release, let rest, take back, retire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory import pool
from mvne_provisioning.inventory.pool import HolderHasAnother, InventoryError, Pool, PoolEmpty
from mvne_provisioning.states import NUMBER_MOVES, PoolState
from mvne_provisioning.tables import provisioning_number as _table

NUMBERS = Pool("number", _table, _table.c.msisdn, NUMBER_MOVES)


class NumberTaken(InventoryError):
    """The wanted number is not available; choose another."""


def add_numbers(conn: Connection, brand: str, numbers: Iterable[Msisdn], at: datetime) -> int:
    """Add numbers to the pool; return how many were new. Adding one again is a no-op, whatever its state."""
    return pool.add(conn, NUMBERS, brand, [{"msisdn": str(number)} for number in numbers], at)


def reserve_number(conn: Connection, brand: str, holder: str, at: datetime, wanted: Msisdn | None = None) -> Msisdn:
    """Reserve the `wanted` number, or the first available, for `holder`; asked again, return the same one.

    Raise `PoolEmpty` when none is available, `NumberTaken` or `UnknownItem` when the wanted one is not, and
    `HolderHasAnother` when the holder has one and wants a different one.
    """
    row = pool.reserve(conn, NUMBERS, brand, holder, at, *(() if wanted is None else (_table.c.msisdn == wanted,)))
    if row is None and wanted is None:
        raise PoolEmpty(f"{brand} has no available number; add some, or take back those that have rested")
    if row is None:
        state = pool.stored(conn, NUMBERS, brand, str(wanted)).state
        raise NumberTaken(f"{wanted} is {state}; choose another number")
    if wanted not in (None, row.msisdn):
        raise HolderHasAnother(f"{holder!r} already holds the number {row.msisdn}; release it first")
    return Msisdn(row.msisdn)


def number_is_free(conn: Connection, brand: str, msisdn: Msisdn) -> bool:
    """Say whether a number is in the brand's pool and nobody has it."""
    query = select(_table.c.state).where(_table.c.brand == brand, _table.c.msisdn == msisdn)
    return conn.execute(query).scalar_one_or_none() == PoolState.AVAILABLE


def number_of(conn: Connection, brand: str, holder: str) -> Msisdn | None:
    """Return the number that `holder` has reserved or is assigned."""
    row = pool.held(conn, NUMBERS, brand, holder)
    return Msisdn(row.msisdn) if row else None


def assign_number(conn: Connection, brand: str, msisdn: Msisdn, holder: str, at: datetime) -> None:
    """Give a reserved number to `holder`, a line; raise `HolderHasAnother`, `MoveNotAllowed`, `UnknownItem`."""
    pool.assign(conn, NUMBERS, brand, msisdn, holder, at)


def release_number(conn: Connection, brand: str, msisdn: Msisdn, holder: str, at: datetime) -> None:
    """Put a reserved number back at once: it was never live. Raise `NotHeld` or, once assigned, `MoveNotAllowed`."""
    pool.release(conn, NUMBERS, brand, msisdn, holder, at)


def quarantine_number(conn: Connection, brand: str, msisdn: Msisdn, until: datetime, at: datetime) -> None:
    """Let a number that was assigned rest until `until`; raise `MoveNotAllowed` or `UnknownItem`."""
    pool.move(conn, NUMBERS, brand, msisdn, PoolState.QUARANTINED, at, holder=None, quarantined_until=until)


def recycle_numbers(conn: Connection, brand: str, at: datetime) -> int:
    """Make every number whose rest is over at `at` available again; return how many."""
    rested = (_table.c.brand == brand, _table.c.state == PoolState.QUARANTINED, _table.c.quarantined_until <= at)
    back = {"state": PoolState.AVAILABLE, "quarantined_until": None, "changed_at": at}
    return conn.execute(update(_table).where(*rested).values(back)).rowcount


def retire_number(conn: Connection, brand: str, msisdn: Msisdn, at: datetime) -> None:
    """Take a number out of the pool for good, for example because it was ported out; raise `MoveNotAllowed`."""
    pool.move(conn, NUMBERS, brand, msisdn, PoolState.RETIRED, at, holder=None, quarantined_until=None)
