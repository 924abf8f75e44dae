"""Pricing use again: the records of a line, and of those it shares allowances with, in the order of their start.

Nothing is written here. What they took is taken back from the counters first, whatever else is in these stays: so any
stretch of time may be priced again, as long as it ends where no allowance is open that goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mvne_billing.mediation.counters import CounterKey
from mvne_billing.mediation.desk import BRAND, Desk, open_desk
from mvne_billing.mediation.marks import Crossing, passed
from mvne_billing.mediation.meter import NOTHING, Meter, Metered
from mvne_billing.mediation.priced import Change
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.scope import EVERYTHING, Scope
from mvne_billing.mediation.sessions import Report, Sessions, earlier, key_of, reported
from mvne_billing.mediation.shelves import Slot
from mvne_billing.mediation.stored import Stored
from mvne_billing.rating.result import Reason, Unrateable
from mvne_billing.states import UsageState
from mvne_billing.subscription import pools
from mvne_billing.tables import usage
from mvne_plans.period import Period

#: A counter, by its holder.
_Key = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Again:
    """What is done to records: those `void` and `replaced` have no price any more, the `restored` stand in that state.

    Those `added` are not in the store yet, their `rating` is 0; they stand `added_as`. Records in `scope` are priced
    by `version` of their plan, where one is given; all others by the one they have. `starts` are those of restored.
    """

    void: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    added: tuple[Stored, ...] = ()
    added_as: UsageState = UsageState.RATED
    restored: Mapping[str, UsageState] = field(default_factory=dict)
    scope: Scope = EVERYTHING
    version: int | None = None
    starts: tuple[datetime, ...] = ()

    def gone(self, one: Stored) -> UsageState | None:
        """Return how a record stands that has no price any more, None for any other."""
        if one.record.id in self.void:
            return UsageState.VOID
        return UsageState.REPLACED if one.record.id in self.replaced else None

    def stands(self, one: Stored) -> UsageState:
        """Return how a record stands that is not gone."""
        return self.restored.get(one.record.id, UsageState.RATED) if one.rating else self.added_as

    @property
    def named(self) -> set[str]:
        """The records that are meant by name, in whatever state they are."""
        return {*self.void, *self.replaced, *self.restored}

    def sold(self, one: Stored) -> tuple[str, int]:
        """Return the plan version to price a record by."""
        is_other = self.version is not None and self.scope.holds(one)
        return one.plan, (self.version or one.version) if is_other else one.version


@dataclass
class Repriced:
    """Lines priced again: what changes, and which records `kept` their price because none was found, with the reason.

    `desk` has the counters as they are to be; `found` says how all stood that this was worked out from, `wholesale`
    what the brand's own counters were.
    """

    lines: tuple[str, ...]
    since: datetime
    desk: Desk
    found: tuple[object, ...]
    wholesale: Mapping[CounterKey, int]
    records: int = 0
    changes: list[Change] = field(default_factory=list)
    kept: list[tuple[Stored, Unrateable]] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.changes or self.kept)


def reprice(
    conn: Connection, brand: str, rater: Rater, lines: Sequence[str], span: Period, again: Again, lock: bool
) -> Repriced:
    """Price the records of `lines` again whose allowance period begins in `span`, and go on until nothing is shared.

    With `lock` nobody else prices these lines before the transaction ends.
    """
    desk = open_desk(conn, brand, rater, lines, span.start, lock=lock)
    since = min(_periods(desk, lines, span.start), key=lambda one: one.start).start
    until = _until(desk, lines, span.end)
    rows = _rows(conn, brand, lines, since, until, again)
    while until is not None and (later := _sessions_end(conn, brand, rows, until)) is not None:
        until = _until(desk, lines, later)
        rows = _rows(conn, brand, lines, since, until, again)
    versions = {again.sold(one) for one in rows}
    called = {one.record.to for one in rows if one.record.to is not None}
    desk = open_desk(conn, brand, rater, lines, since, sorted(called), versions, lock)
    stands = standing(conn, brand, lines, desk, since)
    found = Repriced(tuple(lines), since, desk, stands, dict(desk.wholesale.items()), len(rows))
    _Repricing(found, again, _sessions(conn, brand, rows)).run(rows)
    return found


def sharing(conn: Connection, brand: str, line: str, since: datetime) -> list[str]:
    """Return a line with all that shared an allowance with it after `since`, directly or not, in order."""
    lines, new = {line}, {line}
    while new:
        memberships = [*pools.of_lines(conn, brand, sorted(new)), *pools.members(conn, brand, sorted(new))]
        there = [one for one in memberships if one.until is None or one.until > since]
        new = {name for one in there for name in (one.subscription, one.owner)} - lines
        lines |= new
    return sorted(lines)


def standing(conn: Connection, brand: str, lines: Sequence[str], desk: Desk, since: datetime) -> tuple[object, ...]:
    """Return how lines stand: equal twice, nobody priced or billed any of their use between."""
    query = select(func.count(), func.sum(usage.c.rating), func.count(usage.c.invoice)).where(
        usage.c.brand == brand, usage.c.subscription.in_(lines), usage.c.start >= since
    )
    counters = sorted((held.holder, *key, units) for held in desk.counters.values() for key, units in held.items())
    return (*conn.execute(query).one(), *counters)


class _Repricing:
    """Lines while they are priced again."""

    def __init__(self, found: Repriced, again: Again, sessions: Sessions) -> None:
        self.found, self.again, self.sessions = found, again, sessions
        self.before: dict[_Key, int] = {}
        self.slots: dict[_Key, Slot] = {}
        self.last: dict[_Key, str] = {}

    def run(self, rows: Sequence[Stored]) -> None:
        """Price all of `rows`."""
        desk = self.found.desk
        self.before = {(held.holder, *key): units for held in desk.holders() for key, units in held.items()}
        for one in rows:
            self._count(one, -1)
        for one in rows:
            gone = self.again.gone(one)
            if gone is None:
                self._price(one)
            else:
                self._change(one, None, (one.plan, one.version), gone)
        self.found.crossings = list(self._crossings())

    def _price(self, one: Stored) -> None:
        state = self.again.stands(one)
        sold = self.again.sold(one)
        meter = self.found.desk.meter(one.subscription, one.record.start, sold)
        if state is not UsageState.RATED:
            self._change(one, None, sold, state)
            return
        key = key_of(one.record, one.subscription)
        reports = self.sessions.setdefault(key, []) if key else []
        try:
            metered = self._metered(one, meter, reports)
        except Unrateable as problem:
            self._count(one, 1)
            self.found.kept.append((one, problem))
            reports.append(Report(one.record.id, one.record.start, one.parts, one.taken))
            return
        self._change(one, metered, sold, state, len(reports))
        reports.append(Report(one.record.id, one.record.start, metered.rated.parts, metered.taken))

    def _metered(self, one: Stored, meter: Meter | None, reports: Sequence[Report]) -> Metered:
        if meter is None:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, f"there is no subscription {one.subscription} any more")
        before = earlier(reports, one.record, meter) if reports else NOTHING
        places = {taken.counter: taken.place for taken in one.taken if taken.place is not None}
        metered = meter.rate(one.record, self.found.desk.world(one.record), before, places)
        for slot, units in metered.counts:
            slot.counters.add(slot.counter, slot.start, units)
            key = (slot.counters.holder, slot.counter, slot.start)
            self.slots[key], self.last[key] = slot, one.record.id
        return metered

    def _change(
        self, one: Stored, metered: Metered | None, sold: tuple[str, int], state: UsageState, place: int = 0
    ) -> None:
        """Note a record's new price if it is another."""
        change = Change(one, metered, sold, state, place)
        if not change.is_none:
            self.found.changes.append(change)

    def _count(self, one: Stored, times: int) -> None:
        """Take back what a record took of every counter, or, with `times` 1, let it have it again."""
        for taken in one.taken:
            counters = self.found.desk.holder(taken.holder)
            if counters is not None:
                counters.add(taken.counter, taken.start, times * taken.units)
                self.last[taken.holder, taken.counter, taken.start] = one.record.id

    def _crossings(self) -> Iterator[Crossing]:
        """Yield the marks between what the counters were and what they are to be."""
        for key, record in self.last.items():
            counters = self.found.desk.holder(key[0])
            if counters is not None and key[0] != BRAND:
                slot = self.slots.get(key) or Slot(counters, key[1], key[2])
                for mark, name in passed(slot, self.before.get(key, 0), counters.used(key[1], key[2])):
                    yield Crossing(key[0], mark, name, key[2], record)


def _periods(desk: Desk, lines: Iterable[str], moment: datetime) -> Iterator[Period]:
    """Yield the allowance periods of lines and of their pools' owners that hold `moment`."""
    for line in lines:
        meter = desk.meter(line, moment)
        for one in (meter, meter.owner if meter else None):
            if one is not None:
                yield _opening(one, moment)


def _opening(meter: Meter, moment: datetime) -> Period:
    """Return the period that holds `moment`, the first one for a moment before."""
    return meter.opening(max(moment, meter.subscription.anchor))


def _until(desk: Desk, lines: Sequence[str], last: datetime) -> datetime | None:
    """Return the first moment after `last` at which no allowance of these lines goes on; None when there is none."""
    if any(bucket.rollover for plan in desk.plans.values() for bucket in plan.tariff.buckets):
        return None
    end = max(one.end for one in _periods(desk, lines, last))
    for _ in range(_MOST_TURNS):
        ends = [one.end for one in _periods(desk, lines, end - timedelta(microseconds=1))]
        bought = (one.valid for purchases in desk.bought.values() for one in purchases)
        further = max([*ends, *(valid.end for valid in bought if valid.start < end < valid.end)])
        if further <= end:
            return end
        end = max(one.end for one in _periods(desk, lines, further - timedelta(microseconds=1)))
    return None


#: After so many periods that overlap each other, everything later is priced again as well.
_MOST_TURNS = 24


def _rows(
    conn: Connection, brand: str, lines: Sequence[str], since: datetime, until: datetime | None, again: Again
) -> list[Stored]:
    """Return the records to be priced again, in the order of their start."""
    query = select(usage).where(usage.c.brand == brand, usage.c.subscription.in_(lines), usage.c.start >= since)
    if until is not None:
        query = query.where(usage.c.start < until)
    named = again.named
    if not named:
        query = query.where(usage.c.state == UsageState.RATED)
    # What was priced before it was kept what a record takes of the counters stays as it is.
    query = query.where(usage.c.entry != "")
    found = [Stored.read(row) for row in conn.execute(query) if row.state == UsageState.RATED or row.id in named]
    return sorted([*found, *again.added], key=lambda one: (one.record.start, one.record.id))


def _sessions(conn: Connection, brand: str, rows: Sequence[Stored]) -> Sessions:
    """Return the reports of the records' sessions that are not priced again, because they lie before."""
    ids = {one.record.id for one in rows}
    found = reported(conn, brand, (one.record for one in rows))
    return {key: [one for one in reports if one.id not in ids] for key, reports in found.items()}


def _sessions_end(conn: Connection, brand: str, rows: Sequence[Stored], until: datetime) -> datetime | None:
    """Return the start of the last report of the records' sessions if it lies at or after `until`."""
    found = reported(conn, brand, (one.record for one in rows))
    last = max((report.start for reports in found.values() for report in reports), default=None)
    return last if last is not None and last >= until else None
