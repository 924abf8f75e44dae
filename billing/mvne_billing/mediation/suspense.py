"""The suspense account of usage: records without a price wait here with their reason, visible and replayable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from mvne_billing.rating.result import Reason
from mvne_billing.sql import upsert
from mvne_billing.tables import suspense as table
from mvne_billing.usage.record import UsageRecord
from mvne_plans.canonical import loads


@dataclass(frozen=True, slots=True)
class Held:
    """A record in suspense: `record` is its canonical JSON, or the text of a row that could not be read."""

    id: str
    reason: Reason
    message: str
    record: str
    source: str

    def usage(self) -> UsageRecord | None:
        """Return the usage record, None for a row that never was one."""
        return None if self.reason is Reason.MALFORMED else loads(UsageRecord, self.record)


def held_id(record: UsageRecord) -> str:
    """Return what a record is called in suspense: two contents under one id both wait, and neither covers the other."""
    return f"{record.id}~{record.content_hash()[:12]}"


def hold(conn: Connection, brand: str, held: Sequence[Held], at: datetime) -> None:
    """Put records in suspense; one that waits already has its reason renewed."""
    rows = [{"brand": brand, "at": at, "resolved_at": None, **asdict(one)} for one in held]
    upsert(conn, table, rows, update=("reason", "message", "record", "source", "resolved_at"))


def waiting(conn: Connection, brand: str, after: str = "", limit: int = 500) -> list[Held]:
    """Return what waits, in the order of ids, at most `limit` after id `after`."""
    query = (
        select(table)
        .where(table.c.brand == brand, table.c.resolved_at.is_(None), table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
    )
    return [Held(row.id, Reason(row.reason), row.message, row.record, row.source) for row in conn.execute(query)]


def count_waiting(conn: Connection, brand: str) -> int:
    """Return how many records wait."""
    query = select(func.count()).select_from(table).where(table.c.brand == brand, table.c.resolved_at.is_(None))
    return int(conn.execute(query).scalar_one())


def everything(conn: Connection, brand: str) -> Iterator[Held]:
    """Yield all that waits, in the order of ids."""
    after = ""
    while held := waiting(conn, brand, after):
        yield from held
        after = held[-1].id


_RESOLVE = (
    update(table)
    .where(
        table.c.brand == bindparam("its_brand"),
        table.c.id.in_(bindparam("ids", expanding=True)),
        table.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("at_last"))
)


def resolve(conn: Connection, brand: str, ids: Sequence[str], at: datetime) -> None:
    """Note that these records found their price at `at`."""
    conn.execute(_RESOLVE, {"its_brand": brand, "ids": ids, "at_last": at})
