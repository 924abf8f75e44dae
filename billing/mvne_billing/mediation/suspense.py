"""The suspense account of usage: records without a price wait here with their reason, visible and replayable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, update

from mvne_billing.rating.result import Reason
from mvne_billing.sql import upsert
from mvne_billing.states import UsageState
from mvne_billing.tables import suspense as table
from mvne_billing.usage.record import UsageRecord
from mvne_plans.canonical import dumps, loads

#: How a record leaves suspense by a person's hand: it does not come in again with its file.
BY_HAND = (UsageState.DROPPED, UsageState.REPLACED)


@dataclass(frozen=True, slots=True)
class Held:
    """A record in suspense: `record` is its canonical JSON, or the text of a row that could not be read.

    `batch` brought it; `msisdn` and `start` are the record's, None where there is none.
    """

    id: str
    reason: Reason
    message: str
    record: str
    source: str
    batch: str = ""
    msisdn: str | None = None
    start: datetime | None = None

    def usage(self) -> UsageRecord | None:
        """Return the usage record, None for a row that never was one."""
        return None if self.reason is Reason.MALFORMED else loads(UsageRecord, self.record)


@dataclass(frozen=True, slots=True)
class Which:
    """Which of the records in suspense: those that fit all that is set; `since` and `until` bound their start."""

    reason: Reason | None = None
    source: str | None = None
    batch: str | None = None
    msisdn: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of a query."""
        for name in ("reason", "source", "batch", "msisdn"):
            if (value := getattr(self, name)) is not None:
                yield table.c[name] == value
        if self.since is not None:
            yield table.c.start >= self.since
        if self.until is not None:
            yield table.c.start < self.until


#: All of them.
EVERYTHING = Which()


def held_id(record: UsageRecord) -> str:
    """Return what a record is called in suspense: two contents under one id both wait, and neither covers the other."""
    return f"{record.id}~{record.content_hash()[:12]}"


def held_as(record: UsageRecord, reason: Reason, message: str, batch: str) -> Held:
    """Return a record as it waits in suspense."""
    return Held(held_id(record), reason, message, dumps(record), record.source, batch, record.msisdn, record.start)


def hold(conn: Connection, brand: str, held: Sequence[Held], at: datetime) -> None:
    """Put records in suspense; one that waits already has its reason renewed."""
    rows = [{"brand": brand, "at": at, "resolved_at": None, "outcome": None, **asdict(one)} for one in held]
    renewed = ("reason", "message", "record", "source", "batch", "msisdn", "start", "resolved_at", "outcome")
    upsert(conn, table, rows, update=renewed)


def waiting(conn: Connection, brand: str, after: str = "", limit: int = 500, which: Which = EVERYTHING) -> list[Held]:
    """Return what waits, in the order of ids, at most `limit` after id `after`."""
    query = (
        select(table)
        .where(table.c.brand == brand, table.c.resolved_at.is_(None), table.c.id > after, *which.where())
        .order_by(table.c.id)
        .limit(limit)
    )
    return [from_row(row) for row in conn.execute(query)]


def count_waiting(conn: Connection, brand: str) -> int:
    """Return how many records wait."""
    query = select(func.count()).select_from(table).where(table.c.brand == brand, table.c.resolved_at.is_(None))
    return int(conn.execute(query).scalar_one())


def everything(conn: Connection, brand: str, which: Which = EVERYTHING) -> Iterator[Held]:
    """Yield all that waits, in the order of ids."""
    after = ""
    while held := waiting(conn, brand, after, which=which):
        yield from held
        after = held[-1].id


_OUTCOMES = select(table.c.id, table.c.outcome).where(
    table.c.brand == bindparam("its_brand"), table.c.id.in_(bindparam("ids", expanding=True))
)
_RESOLVE = (
    update(table)
    .where(
        table.c.brand == bindparam("its_brand"),
        table.c.id.in_(bindparam("ids", expanding=True)),
        table.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("at_last"), outcome=bindparam("somehow"))
)


def outcomes(conn: Connection, brand: str, ids: Sequence[str]) -> dict[str, UsageState]:
    """Return what became of these records in suspense, those that never were there left out; `HELD` waits."""
    found = conn.execute(_OUTCOMES, {"its_brand": brand, "ids": ids})
    return {id_: UsageState(outcome or UsageState.HELD) for id_, outcome in found}


def resolve(conn: Connection, brand: str, ids: Sequence[str], outcome: UsageState, at: datetime) -> None:
    """Note that these records wait no more since `at`, and why: they have found their price, or their file is out."""
    if ids:
        conn.execute(_RESOLVE, {"its_brand": brand, "ids": ids, "at_last": at, "somehow": outcome})


def from_row(row: Row[Any]) -> Held:
    """Return the record of a row of the table of suspense."""
    fields: dict[str, Any] = {name: row._mapping[name] for name in Held.__dataclass_fields__}
    return Held(**{**fields, "reason": Reason(row.reason)})
