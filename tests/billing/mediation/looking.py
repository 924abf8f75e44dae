"""Looking into the store after usage came in: rows, counters, suspense, what was booked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mvne_billing import tables
from mvne_billing.mediation.stored import Stored, by_id
from mvne_billing.mediation.suspense import Held, waiting
from tests.billing.builders import Books


def rows(books: Books, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table's rows of this brand, in order."""
    table = tables.metadata.tables[name]
    query = select(*(table.c[column] for column in columns)).where(table.c.brand == books.brand)
    with books.engine.connect() as conn:
        return sorted(tuple(row) for row in conn.execute(query))


def everything(books: Books) -> list[Any]:
    """Return all that loading writes, without the moment of writing."""
    return [
        rows(books, "billing_usage", "id", "hash", "subscription", "parts", "charge_micro", "cost_micro", "start"),
        rows(books, "billing_transfer", "id", "debit", "credit", "micro", "currency", "reference"),
        rows(books, "billing_allowance", "subscription", "bucket", "period_start", "used"),
        rows(books, "billing_suspense", "id", "reason", "record"),
    ]


def held(books: Books) -> list[Held]:
    with books.engine.connect() as conn:
        return waiting(conn, books.brand)


def reasons(books: Books) -> list[tuple[str, str]]:
    return [(one.id.partition("~")[0], one.reason.value) for one in held(books)]


def used(books: Books) -> dict[tuple[str, str], int]:
    """Return the counters by bucket and the local day on which their time starts."""
    return {
        (bucket, start.isoformat()[:10]): units
        for bucket, start, units in rows(books, "billing_allowance", "bucket", "period_start", "used")
    }


def stored(books: Books, *ids: str) -> dict[str, Stored]:
    """Return records by id as they are stored."""
    with books.engine.connect() as conn:
        return by_id(conn, books.brand, ids)


def prices(books: Books) -> dict[str, int]:
    """Return what every record in force costs, in micro-units, by id."""
    return {
        id_: charge
        for id_, state, charge in rows(books, "billing_usage", "id", "state", "charge_micro")
        if state == "rated"
    }


def owed(books: Books, line: str = "line-a") -> int:
    """Return what a line used and was not billed for yet, in micro-units."""
    return books.balances().get(f"unbilled:{line}", 0)
