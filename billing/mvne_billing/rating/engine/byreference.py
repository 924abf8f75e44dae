"""Rating lines one record after the other by the reference: what an engine leaves over, and what it is held against."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from mvne_billing.rating.buckets import Open, burn_order
from mvne_billing.rating.engine.bounds import MOST_MICRO
from mvne_billing.rating.engine.lines import Counters, LineSpan
from mvne_billing.rating.guarding import GUARD
from mvne_billing.rating.price import BILLABLE
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, Reason, Unrateable, World
from mvne_billing.rating.route import Line, route
from mvne_billing.rating.walk import Stretch, walk
from mvne_billing.rating.wholesale import WHOLESALE
from mvne_billing.usage.record import UsageRecord
from mvne_plans.tariff import MEMBER, Bucket, Limit, Tariff


class _Slot(NamedTuple):
    """Where a counter is kept: by its holder, the start of its time and its name."""

    holder: str
    opened: datetime
    name: str


@dataclass(frozen=True)
class _Session:
    """What earlier records of a session did, and what they took of which counter."""

    stretches: tuple[Stretch, ...]
    taken: Mapping[_Slot, int]


_NEW = _Session((), {})


class ByReference:
    """Lines with their counters. Records are given in the order of their start, then of their id.

    It knows what lines say: plans, periods, pools, opening counters. What it does not know, such as add-ons, is the
    caller's to rate.
    """

    def __init__(
        self, spans: Iterable[LineSpan], tariffs: Mapping[str, Tariff], world: World, opening: Counters | None = None
    ) -> None:
        self._tariffs, self.world = tariffs, world
        by_number: dict[str, list[LineSpan]] = defaultdict(list)
        for span in spans:
            by_number[span.msisdn].append(span)
        self._spans = {number: sorted(mine, key=lambda one: one.since) for number, mine in by_number.items()}
        self._starts = {number: [one.since for one in mine] for number, mine in self._spans.items()}
        self._books: dict[tuple[str, datetime], dict[str, int]] = defaultdict(dict)
        self._sessions: dict[tuple[object, ...], _Session] = {}
        #: What records took of each counter, by holder, name and start of its time, beside its opening amount.
        self.taken: Counter[tuple[str, str, datetime]] = Counter()
        for (holder, name, opened), used in (opening or {}).items():
            self._books[holder, opened.astimezone(UTC)][name] = used

    def span_of(self, record: UsageRecord) -> LineSpan:
        """Return the line that made a record; raise `Unrateable` when there was none."""
        place = bisect_right(self._starts.get(record.msisdn, []), record.start) - 1
        if place < 0 or record.start >= self._spans[record.msisdn][place].until:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "no line had this number at that time")
        return self._spans[record.msisdn][place]

    def rate(self, record: UsageRecord) -> Rated:
        """Price a record and count it; raise `Unrateable` and count nothing when it has no price."""
        span = self.span_of(record)
        key = (span.subscription, record.session, record.kind, record.label, record.to)
        session = self._sessions.get(key, _NEW) if record.session is not None else _NEW
        slots: dict[str, _Slot] = {}
        buckets = [one for one in self._buckets(span, session, slots) if one.bucket.kind is record.kind]
        month = record.start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        spent = dict(self._books[span.subscription, span.opened]) | self._books["", month]
        for slot, units in session.taken.items():
            if (slot.holder, slot.opened) == (span.subscription, span.opened) and slot.name in spent:
                spent[slot.name] -= units
        before = tuple(_turned(one, session, slots, span) for one in session.stretches)
        tariff, line = self._tariffs[span.plan], Line(span.timezone)
        rated = rate(record, tariff, self.world, buckets, spent, line, before)
        if max(abs(rated.charge_micro), abs(rated.cost_micro)) > MOST_MICRO:
            raise Unrateable(Reason.TOO_LARGE, f"one record of more than {MOST_MICRO:,} micro-units is a mistake")
        taken = dict(self._counted(rated, span, month, slots))
        for slot, units in taken.items():
            book = self._books[slot.holder, slot.opened]
            book[slot.name] = book.get(slot.name, 0) + units
            self.taken[slot.holder, slot.name, slot.opened] += units
        if record.session is not None:
            found = route(record, tariff, self.world, line)
            stretches = walk(found, before, record.amount, record.start, burn_order(buckets), spent)
            so_far = {slot: session.taken.get(slot, 0) + taken.get(slot, 0) for slot in {*session.taken, *taken}}
            self._sessions[key] = _Session(stretches, so_far)
        return rated

    def _counted(
        self, rated: Rated, span: LineSpan, month: datetime, slots: Mapping[str, _Slot]
    ) -> Iterator[tuple[_Slot, int]]:
        for name, units in rated.taken.items():
            if name in slots:
                yield slots[name], units
            elif name.startswith(WHOLESALE):
                yield _Slot("", month, name), units
            elif not name.startswith(GUARD):
                yield _Slot(span.subscription, span.opened, name), units

    def _buckets(self, span: LineSpan, session: _Session, slots: dict[str, _Slot]) -> Iterator[Open]:
        for bucket in self._tariffs[span.plan].buckets:
            slots[bucket.id] = _Slot(span.subscription, span.opened, bucket.id)
            for limit in bucket.limits:
                name = f"{bucket.id}/{limit.of}"
                slots[name] = _Slot(span.subscription, span.opened, name)
            yield self._open(bucket.id, bucket, span.opened, span.expires, session, slots)
        if span.owner and span.owner_opened is not None and span.owner_expires is not None:
            for bucket in (one for one in self._tariffs[span.owner_plan].buckets if one.shared):
                name = f"pool:{bucket.id}"
                slots[name] = _Slot(span.owner, span.owner_opened, bucket.id)
                for limit in bucket.limits:
                    slots[f"{name}/{limit.of}"] = _Slot(span.owner, span.owner_opened, f"{bucket.id}/{limit.of}")
                slots[f"{name}/{MEMBER}"] = _Slot(span.subscription, span.owner_opened, f"{bucket.id}/{span.owner}")
                yield self._open(name, _members(bucket), span.owner_opened, span.owner_expires, session, slots)

    def _open(
        self,
        name: str,
        bucket: Bucket,
        opened: datetime,
        expires: datetime,
        session: _Session,
        slots: Mapping[str, _Slot],
    ) -> Open:
        left = None if bucket.amount is None else bucket.amount - self._gone(slots[name], session)
        limits = {one.of: one.amount - self._gone(slots[f"{name}/{one.of}"], session) for one in bucket.limits}
        return Open(name, bucket, left, opened, expires, limits)

    def _gone(self, slot: _Slot, session: _Session) -> int:
        """Return what was taken of a counter before a session began."""
        return self._books[slot.holder, slot.opened].get(slot.name, 0) - session.taken.get(slot, 0)


def _members(bucket: Bucket) -> Bucket:
    """Return a pooled bucket as a member sees it: its own limit comes after the others."""
    own = tuple(one for one in bucket.limits if one.of == MEMBER)
    others: tuple[Limit, ...] = tuple(one for one in bucket.limits if one.of != MEMBER)
    return replace(bucket, limits=(*others, *own))


def _turned(one: Stretch, session: _Session, slots: Mapping[str, _Slot], span: LineSpan) -> Stretch:
    """Return a stretch of a session under another name when its counter has begun anew since."""
    now = slots.get(one.counter, _Slot(span.subscription, span.opened, one.counter))
    names = (now.name, now.name + BILLABLE)
    starts = {slot.opened for slot in session.taken if slot.holder == now.holder and slot.name in names}
    if not starts or now.opened in starts:
        return one
    return replace(one, name=f"{one.name}@{max(starts):%Y-%m-%d}")
