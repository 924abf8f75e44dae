"""Subscribers: the people who have lines. No more is kept than a bill and the law need."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Row, update

from mvne.errors import MvneError
from mvne.tables import subscriber as table
from mvne_billing.sql import row_of, upsert


class SubscriberNotFound(MvneError):
    """There is no such subscriber in this brand."""


class SubscriberConflict(MvneError):
    """A subscriber with this id exists and is somebody else."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person. `region` decides the tax where it depends on the place; `test` marks the platform's own test journeys.

    `gateway_customer` and `gateway_method` are the payment gateway's references; card data never comes here.
    """

    id: str
    name: str
    email: str
    language: str
    born: date | None = None
    region: str | None = None
    test: bool = False
    gateway_customer: str | None = None
    gateway_method: str | None = None


def add(conn: Connection, brand: str, wanted: Subscriber, at: datetime) -> Subscriber:
    """Store a subscriber; the same person again is returned as known. Raises `SubscriberConflict` for another one."""
    upsert(conn, table, [{"brand": brand, "at": at, **asdict(wanted)}])
    known = get(conn, brand, wanted.id)
    if (known.email, known.name, known.born, known.region) != (wanted.email, wanted.name, wanted.born, wanted.region):
        raise SubscriberConflict(f"subscriber {wanted.id} exists and is somebody else; choose another id")
    return known


def find(conn: Connection, brand: str, subscriber_id: str) -> Subscriber | None:
    """Return a subscriber or None."""
    row = row_of(conn, table, brand, subscriber_id)
    return _from_row(row) if row else None


def get(conn: Connection, brand: str, subscriber_id: str) -> Subscriber:
    """Return a subscriber; raise `SubscriberNotFound`."""
    found = find(conn, brand, subscriber_id)
    if found is None:
        raise SubscriberNotFound(f"there is no subscriber {subscriber_id} in brand {brand}")
    return found


def payable(conn: Connection, brand: str, subscriber_id: str, customer: str, method: str) -> None:
    """Note the payment gateway's references of a subscriber."""
    where = (table.c.brand == brand, table.c.id == subscriber_id)
    conn.execute(update(table).where(*where).values(gateway_customer=customer, gateway_method=method))


def _from_row(row: Row[tuple[object, ...]]) -> Subscriber:
    return Subscriber(**{name: row._mapping[name] for name in Subscriber.__dataclass_fields__})
