"""SQL that SQLAlchemy does not spell the same for SQLite and PostgreSQL, or that must be cut into pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, select
from sqlalchemy.dialects import postgresql, sqlite

_CHUNK = 500  # below the number of parameters that any SQLite accepts in one statement


def insert_or_ignore(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that leaves out rows which break a unique constraint; RETURNING tells which went in."""
    return _insert_or_ignore(conn.dialect.name, table)


@cache
def _insert_or_ignore(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def select_in(
    conn: Connection, column: Column[Any], values: Iterable[str], *where: ColumnElement[bool]
) -> Iterator[Row[Any]]:
    """Yield the rows of the column's table that have one of `values` in it, however many those are."""
    remaining = iter(values)
    while chunk := list(islice(remaining, _CHUNK)):
        yield from conn.execute(select(column.table).where(*where, column.in_(chunk)))
