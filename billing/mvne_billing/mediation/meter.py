"""The allowances of one subscription while its records are priced: what is used, which marks are passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from mvne_billing.rating.buckets import Open
from mvne_billing.rating.guarding import GUARD, window_start
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, Reason, Rule, Unrateable, World
from mvne_billing.rating.route import Line
from mvne_billing.rating.walk import Stretch
from mvne_billing.rating.wholesale import WHOLESALE
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Plan
from mvne_plans.period import Period
from mvne_plans.tariff import MEMBER, Bucket, Guard, Limit

#: The most that one record may cost: a thousand million of the main unit. Sums of many still fit into 64 bits.
MOST_MICRO = 10**15

#: A counter is a bucket's id and the start of the time it is good for.
CounterKey = tuple[str, datetime]

#: Marks what was carried over from an earlier period, beside what was used in it.
ROLLED = "+"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A line went past a mark.

    Of a bucket: `threshold_50` and so on (percent), `used_up`, `fair_use` (of an unlimited one); beyond it: `slow`,
    `stop`, `next`; of a guard: `guard_stop`, `guard_alert`. `name` is the bucket, the guard, or the kind of use.
    """

    subscription: str
    mark: str
    name: str
    period_start: datetime
    record: str


class Counters(dict[CounterKey, int]):
    """The counters of one holder: a subscription, or the brand itself for its wholesale use. Notes what changed."""

    def __init__(self, holder: str, known: Mapping[CounterKey, int] | None = None) -> None:
        super().__init__(known or {})
        self.holder = holder
        self.changed: set[CounterKey] = set()

    def add(self, key: CounterKey, units: int) -> tuple[int, int]:
        """Count `units` more; return the counter before and after."""
        before = self.get(key, 0)
        self[key] = before + units
        self.changed.add(key)
        return before, before + units


class _Slot(NamedTuple):
    """Where a counter of `Rated.taken` is kept."""

    counters: Counters
    key: CounterKey
    bucket: Bucket | None = None
    guard: Guard | None = None


@dataclass
class Meter:
    """A subscription with its plan, its add-ons and its counters; a member of a pool also with the pool's owner.

    `caps` are the member's own limits on shared buckets, by bucket id, in the buckets' units. `groups` are the line's
    own number lists.
    """

    subscription: Subscription
    plan: Plan
    purchases: list[Purchase]
    counters: Counters
    wholesale: Counters
    owner: Meter | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _period: Period | None = None

    def price(self, record: UsageRecord, world: World, before: Sequence[Stretch] = ()) -> tuple[Rated, list[Crossing]]:
        """Price a record and count it; raise `Unrateable` and count nothing when it has no price.

        `before` are the stretches of the same session's earlier records, which the counters hold already.
        """
        period = self.opening(record.start)
        if self.subscription.ends_at is not None and record.start >= self.subscription.ends_at:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had ended when this was used")
        slots: dict[str, _Slot] = {}
        buckets = tuple(self._buckets(record.start, period, slots))
        month = record.start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        spent = {name: used for (name, start), used in self.counters.items() if start == period.start}
        spent |= {name: used for (name, start), used in self.wholesale.items() if start == month}
        line = Line(self.subscription.timezone, self.groups)
        rated = rate(record, self.plan.tariff, world, buckets, spent, line, before)
        if max(abs(rated.charge_micro), rated.cost_micro) > MOST_MICRO:
            raise Unrateable(Reason.TOO_LARGE, f"one record of more than {MOST_MICRO:,} micro-units is a mistake")
        guards = {GUARD + guard.id: guard for guard in self.plan.tariff.guards}
        crossings = []
        for name, units in rated.taken.items():
            slot = slots.get(name)
            if slot is None and name in guards:
                start = window_start(guards[name], record.start, self.subscription.timezone, period.start)
                slot = _Slot(self.counters, (name, start), guard=guards[name])
            elif slot is None and name.startswith(WHOLESALE):
                slot = _Slot(self.wholesale, (name, month))
            elif slot is None:
                slot = _Slot(self.counters, (name, period.start))
            passed = slot.counters.add(slot.key, units)
            for mark, shown in _marks(slot, *passed):
                crossings.append(Crossing(self.subscription.id, mark, shown, slot.key[1], record.id))
        return rated, crossings

    def opening(self, moment: datetime) -> Period:
        """Return the period that holds `moment`, in UTC; records in order mostly share one."""
        if self._period is None or moment not in self._period:
            number = self.subscription.number_at(self.plan.every, moment)
            if number < 0:
                raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had not begun when this was used")
            found = self.subscription.period(self.plan.every, number)
            self._period = Period(found.start.astimezone(UTC), found.end.astimezone(UTC))
        return self._period

    def _buckets(self, moment: datetime, period: Period, slots: dict[str, _Slot]) -> Iterator[Open]:
        """Yield the buckets open at `moment` and note where each is counted."""
        for bucket in self.plan.tariff.buckets:
            yield self._open(bucket.id, bucket, bucket.amount, bucket.id, period, slots)
            yield from self._rolled(bucket, moment, slots)
        for purchase in self.purchases:
            if moment in purchase.valid:
                for bucket in purchase.buckets:
                    yield self._open(bucket.id, bucket, bucket.amount, bucket.id, purchase.valid, slots)
        if self.owner is not None:
            yield from self._shared(self.owner, moment, slots)

    def _open(
        self, name: str, bucket: Bucket, amount: int | None, counter: str, good: Period, slots: dict[str, _Slot]
    ) -> Open:
        key = (counter, good.start)
        slots[name] = _Slot(self.counters, key, bucket if counter == bucket.id else None)
        limits = {}
        for limit in bucket.limits:
            part = (f"{counter}/{limit.of}", good.start)
            limits[limit.of] = limit.amount - self.counters.get(part, 0)
            slots[f"{name}/{limit.of}"] = _Slot(self.counters, part)
        left = None if amount is None else amount - self.counters.get(key, 0)
        return Open(name, bucket, left, good.start, good.end, limits)

    def _rolled(self, bucket: Bucket, moment: datetime, slots: dict[str, _Slot]) -> Iterator[Open]:
        """Yield what earlier periods left of a bucket that rolls over."""
        if bucket.rollover is None or bucket.amount is None:
            return
        every, owner = self.plan.every, self.subscription
        number = owner.number_at(every, moment)
        for origin in range(max(number - bucket.rollover.periods, 0), number):
            start = owner.starts_period(every, origin).astimezone(UTC)
            unused = max(bucket.amount - self.counters.get((bucket.id, start), 0), 0)
            carried = unused if bucket.rollover.limit is None else min(unused, bucket.rollover.limit)
            end = owner.starts_period(every, origin + bucket.rollover.periods + 1).astimezone(UTC)
            name = f"{bucket.id}{ROLLED}{start:%Y-%m-%d}"
            yield self._open(name, bucket, carried, bucket.id + ROLLED, Period(start, end), slots)

    def _shared(self, owner: Meter, moment: datetime, slots: dict[str, _Slot]) -> Iterator[Open]:
        """Yield the pool's buckets, each under the member's own cap."""
        good = owner.opening(moment)
        theirs: dict[str, _Slot] = {}
        for one in owner._buckets(moment, good, theirs):
            if one.bucket.shared:
                name = f"pool:{one.id}"
                slots[name] = theirs[one.id]
                limits = {of: left for of, left in one.limits.items() if of != MEMBER}
                slots |= {f"{name}/{of}": theirs[f"{one.id}/{of}"] for of in limits}
                mine = (f"{one.id}/{owner.subscription.id}", one.opened)
                slots[f"{name}/{MEMBER}"] = _Slot(self.counters, mine)
                cap = next((limit.amount for limit in one.bucket.limits if limit.of == MEMBER), None)
                cap = self.caps.get(one.bucket.id, cap)
                if cap is not None:
                    limits[MEMBER] = cap - self.counters.get(mine, 0)
                bucket = one.bucket if cap is None else _capped(one.bucket, cap)
                yield replace(one, id=name, bucket=bucket, limits=limits)


def _capped(bucket: Bucket, cap: int) -> Bucket:
    others = tuple(limit for limit in bucket.limits if limit.of != MEMBER)
    return replace(bucket, limits=(*others, Limit(MEMBER, cap)))


def _marks(slot: _Slot, before: int, after: int) -> Iterable[tuple[str, str]]:
    name = slot.key[0]
    if slot.guard is not None:
        return [(f"guard_{slot.guard.then}", slot.guard.id)] if before < slot.guard.amount <= after else []
    bucket = slot.bucket
    if bucket is not None:
        passed = [("used_up", bucket.amount), ("fair_use", bucket.fair_use)]
        if bucket.amount is not None:
            passed = [(f"threshold_{one}", -(-bucket.amount * one // 100)) for one in bucket.thresholds] + passed
        return [(mark, name) for mark, limit in passed if limit is not None and before < limit <= after]
    rule, _, kind = name.partition(":")
    return [(rule, kind)] if before == 0 and rule in (Rule.SLOW, Rule.STOP, Rule.NEXT) else []
