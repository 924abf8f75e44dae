"""Transactions, and the one statement that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, Table, Update, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

#: Opens one short transaction; committed when the block ends well, rolled back when it does not.
Transact = Callable[[], AbstractContextManager[Connection]]


def row_of(conn: Connection, table: Table, *key: object, lock: bool = False) -> Row[Any] | None:
    """Return the row of a primary key, None when there is none; with `lock` nobody else changes it meanwhile."""
    names = [column.name for column in table.primary_key]
    return conn.execute(_by_key(table, lock), dict(zip(names, key, strict=True))).one_or_none()


@cache  # putting a statement together takes three times as long as running it
def _by_key(table: Table, lock: bool) -> Select[Any]:
    query = select(table).where(*(column == bindparam(column.name) for column in table.primary_key))
    return query.with_for_update() if lock else query


def change_row(conn: Connection, table: Table, *key: object, values: Mapping[str, object]) -> None:
    """Set columns of the row of a primary key."""
    names = [f"its_{column.name}" for column in table.primary_key]
    conn.execute(_change_by_key(table, tuple(values)), {**values, **dict(zip(names, key, strict=True))})


@cache
def _change_by_key(table: Table, names: tuple[str, ...]) -> Update:
    where = (column == bindparam(f"its_{column.name}") for column in table.primary_key)
    return update(table).where(*where).values({name: bindparam(name) for name in names})


def upsert(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]], update: Sequence[str] = ()) -> None:
    """Insert `rows`; where a primary key exists, set the columns named in `update`, or leave the row as it is."""
    if rows:
        conn.execute(_insert(conn.dialect.name, table, tuple(update)), list(rows))


@cache
def _insert(dialect: str, table: Table, renewed: tuple[str, ...]) -> Insert:
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    statement: Insert = insert.on_conflict_do_nothing(index_elements=keys)
    if renewed:
        statement = insert.on_conflict_do_update(
            index_elements=keys, set_={name: insert.excluded[name] for name in renewed}
        )
    return statement
