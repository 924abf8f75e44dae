"""The outbox: what happened, written in the transaction in which it happened, read in order by whoever must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from mvne.tables import cursor
from mvne.tables import event as table
from mvne_billing.sql import upsert

_FEED = "events"

_INSERT = insert(table)
_STEP = (
    update(cursor)
    .where(cursor.c.brand == bindparam("its_brand"), cursor.c.feed == bindparam("its_feed"))
    .values(after=cursor.c.after + 1)
    .returning(cursor.c.after)
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `subject` in a brand; `number` counts without gaps, so a reader keeps one number."""

    number: int
    type: str
    subject: str
    content: Mapping[str, Any]
    at: datetime


def emit(conn: Connection, brand: str, type_: str, subject: str, content: Mapping[str, object], at: datetime) -> None:
    """Write an event. Its number is taken last in a transaction, so that writers do not wait for one another long."""
    number = next_number(conn, brand, _FEED)
    row = {"brand": brand, "number": number, "type": type_, "subject": subject, "at": at}
    conn.execute(_INSERT, row | {"content": json.dumps(content, sort_keys=True, default=str)})


def events(conn: Connection, brand: str, after: int = 0, limit: int = 1000) -> list[Event]:
    """Return a brand's events with a number above `after`, in order."""
    query = select(table).where(table.c.brand == brand, table.c.number > after).order_by(table.c.number).limit(limit)
    return [Event(row.number, row.type, row.subject, json.loads(row.content), row.at) for row in conn.execute(query)]


def next_number(conn: Connection, brand: str, feed: str) -> int:
    """Return the next number of a counter of this brand, held until the transaction ends."""
    counter = {"its_brand": brand, "its_feed": feed}
    number = conn.execute(_STEP, counter).scalar_one_or_none()
    if number is None:
        upsert(conn, cursor, [{"brand": brand, "feed": feed, "after": 0}])
        number = conn.execute(_STEP, counter).scalar_one()
    return int(number)


def hold(conn: Connection, brand: str, name: str) -> None:
    """Let one transaction at a time go on from here, until it ends: for whatever two must not do at once."""
    upsert(conn, cursor, [{"brand": brand, "feed": name, "after": 0}])
    conn.execute(select(cursor.c.after).where(cursor.c.brand == brand, cursor.c.feed == name).with_for_update())


def position(conn: Connection, brand: str, feed: str) -> int:
    """Return how far a brand has read a feed of the outside world, 0 at first."""
    query = select(cursor.c.after).where(cursor.c.brand == brand, cursor.c.feed == feed)
    return conn.execute(query).scalar_one_or_none() or 0


def advance(conn: Connection, brand: str, feed: str, after: int) -> None:
    """Note how far a brand has read a feed."""
    upsert(conn, cursor, [{"brand": brand, "feed": feed, "after": after}], update=("after",))
