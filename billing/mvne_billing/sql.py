"""Transactions, and the one statement that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

#: Opens one short transaction; committed when the block ends well, rolled back when it does not.
Transact = Callable[[], AbstractContextManager[Connection]]


def upsert(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]], update: Sequence[str] = ()) -> None:
    """Insert `rows`; where a primary key exists, set the columns named in `update`, or leave the row as it is."""
    if not rows:
        return
    insert = (postgresql if conn.dialect.name == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    if update:
        renewed = {name: insert.excluded[name] for name in update}
        statement = insert.on_conflict_do_update(index_elements=keys, set_=renewed)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    conn.execute(statement, list(rows))
