"""Loading usage: one short transaction per slice, so that charging goes on and a crash resumes where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from mvne_billing.mediation.settling import Rater, Settled, Slice, settle
from mvne_billing.mediation.suspense import Held, hold, waiting
from mvne_billing.rating.result import Reason
from mvne_billing.sql import Transact, upsert
from mvne_billing.tables import usage_batch
from mvne_billing.usage.readers import BrokenRow
from mvne_billing.usage.record import UsageRecord

#: Called inside the transaction of each slice with what it changed: the place for events and network commands.
Noticed = Callable[[Connection, Settled], None]

#: Records settled in one transaction: about 20 ms on SQLite.
SLICE = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a batch: counts, totals in micro-units, and how many went to suspense by reason."""

    batch: str
    read: int
    rated: int
    duplicates: int
    suspended: Mapping[str, int]
    charge_micro: int
    cost_micro: int


def load(
    transact: Transact,
    brand: str,
    batch: str,
    source: str,
    rows: Iterable[UsageRecord | BrokenRow],
    rater: Rater,
    at: datetime,
    noticed: Noticed,
) -> Loaded:
    """Load a batch of usage; whatever was loaded before is recognised, so that an interrupted load is simply run again.

    Records are priced in the order of their start within the batch. Memory holds the batch once.
    """
    everything = list(rows)
    broken = [_malformed(row) for row in everything if isinstance(row, BrokenRow)]
    records = sorted((row for row in everything if isinstance(row, UsageRecord)), key=lambda one: (one.start, one.id))
    with transact() as conn:
        upsert(conn, usage_batch, [{"brand": brand, "id": batch, "source": source, "at": at}])
        hold(conn, brand, broken, at)
    outcomes = []
    for part in _slices(records):
        with transact() as conn:
            outcome = settle(conn, brand, rater, Slice(batch, at), part)
            noticed(conn, outcome)
        outcomes.append(outcome)
    return _summary(batch, len(everything), broken, outcomes)


def replay(transact: Transact, brand: str, rater: Rater, at: datetime, noticed: Noticed) -> Loaded:
    """Try everything in suspense again and return what became of it; what still has no price keeps waiting."""
    batch = f"replay-{at.isoformat()}"
    outcomes: list[Settled] = []
    after, read = "", 0
    while True:
        with transact() as conn:
            held = waiting(conn, brand, after, SLICE)
            if not held:
                return _summary(batch, read, [], outcomes)
            records = [record for one in held if one.reason is not Reason.CONFLICT and (record := one.usage())]
            upsert(conn, usage_batch, [{"brand": brand, "id": batch, "source": "suspense", "at": at}])
            outcome = settle(conn, brand, rater, Slice(batch, at), records)
            noticed(conn, outcome)
        outcomes.append(outcome)
        after, read = held[-1].id, read + len(held)


def _slices(records: Sequence[UsageRecord]) -> Iterator[list[UsageRecord]]:
    left = iter(records)
    while part := list(islice(left, SLICE)):
        yield part


def _malformed(row: BrokenRow) -> Held:
    return Held(row.id, Reason.MALFORMED, row.message, row.text, row.source)


def _summary(batch: str, read: int, broken: Sequence[Held], outcomes: Sequence[Settled]) -> Loaded:
    held = [*broken, *(one for outcome in outcomes for one in outcome.held)]
    return Loaded(
        batch=batch,
        read=read,
        rated=sum(len(outcome.rated) for outcome in outcomes),
        duplicates=sum(len(outcome.duplicates) for outcome in outcomes),
        suspended=dict(sorted(Counter(one.reason.value for one in held).items())),
        charge_micro=sum(outcome.charge_micro for outcome in outcomes),
        cost_micro=sum(outcome.cost_micro for outcome in outcomes),
    )
