"""Partial records: what a session did before its next report, put together again from the reports that are priced.

Reports of a session share its id, line, kind, label and called number. They are taken in the order in which they were
priced: together they cost what the session costs. Where the allowance period turns, the session goes on with the new
period's allowances, steps and tiers; its set-up fee and its increments stay those of one session.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from mvne_billing.mediation.counters import Taken, taken_from
from mvne_billing.mediation.meter import NOTHING, Earlier, Meter
from mvne_billing.mediation.shelves import POOL, ROLLED, Slot
from mvne_billing.rating.price import BILLABLE
from mvne_billing.rating.result import Part, Rule, parts_from
from mvne_billing.rating.route import chain
from mvne_billing.rating.walk import Stretch
from mvne_billing.states import UsageState
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import Bucket

_REPORTS = (
    select(usage.c.subscription, usage.c.session, usage.c.kind, usage.c.label, usage.c.to, usage.c.start)
    .add_columns(usage.c.id, usage.c.parts, usage.c.taken)
    .where(
        usage.c.brand == bindparam("brand"),
        usage.c.session.in_(bindparam("sessions", expanding=True)),
        usage.c.state == UsageState.RATED,
    )
    .order_by(usage.c.place, usage.c.start, usage.c.id)
)


class SessionKey(NamedTuple):
    """What the reports of one session share."""

    subscription: str
    session: str
    kind: Kind
    label: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """A priced report of a session."""

    id: str
    start: datetime
    parts: tuple[Part, ...]
    taken: tuple[Taken, ...]


#: The reports of sessions that are priced, in the order in which they were.
Sessions = dict[SessionKey, list[Report]]


def key_of(record: UsageRecord, subscription: str) -> SessionKey | None:
    """Return which session of a line a record reports on; None for a use of its own."""
    if record.session is None:
        return None
    return SessionKey(subscription, record.session, record.kind, record.label, record.to)


def reported(conn: Connection, brand: str, records: Iterable[UsageRecord]) -> Sessions:
    """Return the reports that are priced of the sessions that `records` belong to."""
    found: Sessions = defaultdict(list)
    ids = sorted({one.session for one in records if one.session is not None})
    if ids:
        for row in conn.execute(_REPORTS, {"brand": brand, "sessions": ids}):
            key = SessionKey(row.subscription, row.session, Kind(row.kind), row.label, row.to)
            taken = taken_from(row.subscription, row.taken)
            found[key].append(Report(row.id, row.start, parts_from(row.parts), taken))
    return found


def earlier(reports: Sequence[Report], record: UsageRecord, meter: Meter) -> Earlier:
    """Return what a session did before `record`, as rating takes it."""
    if not reports:
        return NOTHING
    stretches: list[Stretch] = []
    turns: dict[str, Slot] = {}
    period, slots = meter.opening(record.start), meter.shelves(record.start).slots
    buckets = _buckets(meter)
    for report in reports:
        for part in report.parts:
            rate = rate_of(part, record.kind, meter.plan, buckets)
            one = Stretch(part.rule, part.name, part.units, rate, part.band)
            slot = slots.get(one.counter, Slot(meter.counters, one.counter, period.start))
            if turned := _counted_from(report.taken, slot):
                one = Stretch(one.rule, f"{one.name}@{turned:%Y-%m-%d}", one.units, rate, one.band)
                for mark in ("", BILLABLE):
                    turns[one.counter + mark] = Slot(slot.counters, slot.counter + mark, turned)
            last = stretches[-1] if stretches else None
            if last and (last.rule, last.name, last.band) == (one.rule, one.name, one.band):
                stretches[-1] = Stretch(one.rule, one.name, last.units + one.units, rate, one.band)
            else:
                stretches.append(one)
    return Earlier(tuple(stretches), tuple(one for report in reports for one in report.taken), turns)


def _counted_from(taken: Sequence[Taken], slot: Slot) -> datetime | None:
    """Return since when a report was counted where `slot` counts now under another start; None when it was not."""
    names = (slot.counter, slot.counter + BILLABLE)
    starts = {one.start for one in taken if one.holder == slot.counters.holder and one.counter in names}
    return None if slot.start in starts else max(starts, default=None)


def rate_of(part: Part, kind: Kind, plan: Plan, buckets: Mapping[str, Bucket]) -> Rate:
    """Return the rate that a rule of the tariff has; free where the tariff has no such rule any more."""
    tariff = plan.tariff
    if part.rule is Rule.BUCKET:
        bucket = buckets.get(part.name) or buckets.get(part.name.rpartition(ROLLED)[0])
        return (bucket.rate if bucket else None) or FREE
    found: Iterable[Rate | None]
    if part.rule is Rule.SERVICE:
        found = (one.rate for one in tariff.services if one.id == part.name)
    elif part.rule is Rule.DECK:
        found = (one.rate(kind) for one in tariff.deck.rows if one.prefix == part.name)
    elif part.rule is Rule.ROAMING:
        found = (one.prices.get(kind) for one in tariff.roaming if one.zone == part.name)
    else:
        found = (one.rate for one in chain(tariff, kind) if (one.rule, one.name) == (part.rule, part.name))
    return next(iter(found), None) or FREE


def _buckets(meter: Meter) -> Mapping[str, Bucket]:
    """Return every allowance that the line may ever have drawn on, by its name."""
    found = _own(meter)
    if meter.owner is not None:
        found |= {POOL + name: bucket for name, bucket in _own(meter.owner).items()}
    return found


def _own(meter: Meter) -> dict[str, Bucket]:
    bought = {bucket.id: bucket for purchase in meter.purchases for bucket in purchase.buckets}
    return {bucket.id: bucket for bucket in meter.plan.tariff.buckets} | bought
