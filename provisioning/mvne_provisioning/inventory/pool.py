"""What the two pools share: find what a holder has, take a free item, move an item from state to state.

No item is ever given twice. On PostgreSQL one statement picks and marks a row that no other transaction has locked
(`FOR UPDATE SKIP LOCKED`); on SQLite the caller's `BEGIN IMMEDIATE` lets one writer in at a time. The unique
constraint over brand and holder says the same once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.moves import MoveNotAllowed, sources
from mvne_provisioning.statements import insert_or_ignore, select_in
from mvne_provisioning.states import PoolState


class InventoryError(ProvisioningError):
    """The pool cannot do this."""


class PoolEmpty(InventoryError):
    """Nothing of the kind is available; add more to the pool."""


class UnknownItem(InventoryError):
    """This brand's pool does not have it."""


class ItemConflict(InventoryError):
    """The pool already has it, with other content."""


class NotHeld(InventoryError):
    """It is held by somebody else, or by nobody."""


class HolderHasAnother(InventoryError):
    """The holder already has one; a holder has at most one profile and one number."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool: its table, the column that names its items, its moves, and what to call an item."""

    name: str
    table: Table
    key: Column[str]
    moves: Mapping[PoolState, frozenset[PoolState]]


def add(conn: Connection, pool: Pool, brand: str, rows: list[dict[str, str]], at: datetime) -> int:
    """Add `rows` (column to text) as available; return how many were new; raise `ItemConflict` for other content."""
    before = _stored(conn, pool, brand, rows)
    _refuse_conflicts(pool, rows, before)
    new = [row for row in rows if row[pool.key.name] not in before]
    if new:
        common = {"brand": brand, "state": PoolState.AVAILABLE, "changed_at": at}
        conn.execute(insert_or_ignore(conn, pool.table), [{**row, **common} for row in new])
        after = _stored(conn, pool, brand, new)
        _refuse_conflicts(pool, new, after)
        if missing := next((row for row in new if row[pool.key.name] not in after), None):
            raise ItemConflict(f"{pool.name} {missing} collides with another in a column that must be unique")
    return len({row[pool.key.name] for row in new})


def held(conn: Connection, pool: Pool, brand: str, holder: str) -> Row[Any] | None:
    """Return the row that `holder` has reserved or is assigned, if any."""
    return conn.execute(_held(pool.table), {"brand": brand, "holder": holder}).first()


@cache  # asked for at every step of an order
def _held(table: Table) -> Select[Any]:
    return select(table).where(table.c.brand == bindparam("brand"), table.c.holder == bindparam("holder"))


def reserve(
    conn: Connection, pool: Pool, brand: str, holder: str, at: datetime, *wanted: ColumnElement[bool]
) -> Row[Any] | None:
    """Return what `holder` has, or reserve the first available item that is as `wanted`; None if there is none."""
    if row := held(conn, pool, brand, holder):
        return row
    try:
        with conn.begin_nested():
            return _take(conn, pool, brand, holder, at, wanted)
    except IntegrityError:
        # Another transaction of the same holder was first; what it took is the answer.
        if row := held(conn, pool, brand, holder):
            return row
        raise


def assign(conn: Connection, pool: Pool, brand: str, item: str, holder: str, at: datetime) -> None:
    """Give a reserved item to `holder` for good; giving it again changes nothing."""
    row = stored(conn, pool, brand, item)
    if row.state == PoolState.ASSIGNED and row.holder == holder:
        return
    other = held(conn, pool, brand, holder)
    if other and getattr(other, pool.key.name) != item:
        raise HolderHasAnother(f"{holder!r} already holds the {pool.name} {getattr(other, pool.key.name)}")
    move(conn, pool, brand, item, PoolState.ASSIGNED, at, holder=holder)


def release(conn: Connection, pool: Pool, brand: str, item: str, holder: str, at: datetime) -> None:
    """Put an item that `holder` has back as available; releasing what is available changes nothing."""
    row = stored(conn, pool, brand, item)
    if row.state == PoolState.AVAILABLE:
        return
    if row.holder != holder:
        raise NotHeld(f"the {pool.name} {item} is {row.state} and not held by {holder!r}")
    move(conn, pool, brand, item, PoolState.AVAILABLE, at, holder=None)


def move(conn: Connection, pool: Pool, brand: str, item: str, to: PoolState, at: datetime, **values: object) -> None:
    """Set the state of an item; raise `MoveNotAllowed` or `UnknownItem`. The UPDATE itself guards the move."""
    table = pool.table
    moved = conn.execute(
        update(table)
        .where(table.c.brand == brand, pool.key == item, table.c.state.in_(sources(pool.moves, to)))
        .values(state=to, changed_at=at, **values)
    )
    if moved.rowcount == 0:
        raise MoveNotAllowed(f"the {pool.name} {item}", stored(conn, pool, brand, item).state, to)


def stored(conn: Connection, pool: Pool, brand: str, item: str) -> Row[Any]:
    """Return the row of an item; raise `UnknownItem`."""
    row = conn.execute(select(pool.table).where(pool.table.c.brand == brand, pool.key == item)).first()
    if row is None:
        raise UnknownItem(f"{brand} has no {pool.name} {item}")
    return row


def has_available(conn: Connection, pool: Pool, brand: str) -> bool:
    """Say whether there is anything left to reserve."""
    free = select(pool.key).where(pool.table.c.brand == brand, pool.table.c.state == PoolState.AVAILABLE)
    return conn.execute(free.limit(1)).first() is not None


def count(conn: Connection, pool: Pool, brand: str) -> dict[PoolState, int]:
    """Return how many items are in each state of the pool, zeros included."""
    table = pool.table
    query = select(table.c.state, func.count()).where(table.c.brand == brand).group_by(table.c.state)
    return dict.fromkeys(pool.moves, 0) | {PoolState(state): number for state, number in conn.execute(query)}


def _take(
    conn: Connection, pool: Pool, brand: str, holder: str, at: datetime, wanted: tuple[ColumnElement[bool], ...]
) -> Row[Any] | None:
    # First among the rows nobody else has locked; then wait for those that are, which may yet be given back.
    for skip_locked in (True, False):
        row = _take_once(conn, pool, brand, holder, at, wanted, skip_locked)
        if row is not None:
            return row
    return None


def _take_once(
    conn: Connection,
    pool: Pool,
    brand: str,
    holder: str,
    at: datetime,
    wanted: tuple[ColumnElement[bool], ...],
    skip_locked: bool,
) -> Row[Any] | None:
    table = pool.table
    available = (table.c.brand == brand, table.c.state == PoolState.AVAILABLE)
    first = select(pool.key).where(*available, *wanted).order_by(pool.key).limit(1)
    return conn.execute(
        update(table)
        .where(*available, pool.key == first.with_for_update(skip_locked=skip_locked).scalar_subquery())
        .values(state=PoolState.RESERVED, holder=holder, changed_at=at)
        .returning(*table.c)
    ).first()


def _stored(conn: Connection, pool: Pool, brand: str, rows: list[dict[str, str]]) -> dict[str, Row[Any]]:
    name = pool.key.name
    found = select_in(conn, pool.key, (row[name] for row in rows), pool.table.c.brand == brand)
    return {getattr(row, name): row for row in found}


def _refuse_conflicts(pool: Pool, rows: list[dict[str, str]], found: Mapping[str, Row[Any]]) -> None:
    for row in rows:
        known = found.get(row[pool.key.name])
        if known and any(getattr(known, column) != value for column, value in row.items()):
            raise ItemConflict(f"the {pool.name} {row[pool.key.name]} is already there with other content")
