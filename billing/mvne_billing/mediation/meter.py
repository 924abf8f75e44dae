"""The allowances of one subscription while its records are priced: what is used, which marks are passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, Reason, Rule, Unrateable, World
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Plan
from mvne_plans.period import Period
from mvne_plans.tariff import Bucket

#: The most that one record may cost: a thousand million of the main unit. Sums of many still fit into 64 bits.
MOST_MICRO = 10**15

#: A counter is a bucket's id and the start of the time it is good for.
CounterKey = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A line went past a mark: `used_up` (a bucket), `fair_use` (of an unlimited one), `slow` or `stop` (beyond).

    `name` is the bucket, or the kind of use for what lies beyond.
    """

    subscription: str
    mark: str
    name: str
    period_start: datetime
    record: str


@dataclass
class Meter:
    """A subscription with its plan, its add-ons and the counters of its buckets (base units)."""

    subscription: Subscription
    plan: Plan
    purchases: list[Purchase]
    counters: dict[CounterKey, int]
    changed: set[CounterKey] = field(default_factory=set)
    _period: Period | None = None

    def price(self, record: UsageRecord, world: World) -> tuple[Rated, list[Crossing]]:
        """Price a record and count it; raise `Unrateable` and count nothing when it has no price."""
        opened = self._opening(record.start)
        if self.subscription.ends_at is not None and record.start >= self.subscription.ends_at:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had ended when this was used")
        valid = [purchase for purchase in self.purchases if record.start in purchase.valid]
        extra = tuple(bucket for purchase in valid for bucket in purchase.buckets)
        starts = {bucket.id: purchase.valid.start for purchase in valid for bucket in purchase.buckets}
        used = {
            bucket.id: self.counters.get((bucket.id, starts.get(bucket.id, opened)), 0)
            for bucket in (*self.plan.tariff.buckets, *extra)
        }
        rated = rate(record, self.plan.tariff, world, used, extra)
        if max(rated.charge_micro, rated.cost_micro) > MOST_MICRO:
            raise Unrateable(Reason.TOO_LARGE, f"one record of more than {MOST_MICRO:,} micro-units is a mistake")
        buckets = {bucket.id: bucket for bucket in (*self.plan.tariff.buckets, *extra)}
        crossings = []
        for name, units in _counted(rated):
            key = (name, starts.get(name, opened))
            before = self.counters.get(key, 0)
            self.counters[key] = before + units
            self.changed.add(key)
            for mark, shown in _marks(buckets.get(name), name, before, before + units):
                crossings.append(Crossing(self.subscription.id, mark, shown, key[1], record.id))
        return rated, crossings

    def _opening(self, moment: datetime) -> datetime:
        """Return the start of the period that holds `moment`, in UTC; records in order mostly share one."""
        if self._period is None or moment not in self._period:
            number = self.subscription.number_at(self.plan.every, moment)
            if number < 0:
                raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had not begun when this was used")
            found = self.subscription.period(self.plan.every, number)
            self._period = Period(found.start.astimezone(UTC), found.end.astimezone(UTC))
        return self._period.start


def _counted(rated: Rated) -> Iterator[tuple[str, int]]:
    """Yield what a record adds to which counter; use slowed or past a stop is counted under its rule."""
    yield from rated.taken.items()
    for part in rated.parts:
        if part.rule in (Rule.SLOW, Rule.STOP):
            yield f"{part.rule}:{part.name}", part.units


def _marks(bucket: Bucket | None, name: str, before: int, after: int) -> Iterable[tuple[str, str]]:
    if bucket is None:
        mark, _, kind = name.partition(":")
        return [(mark, kind)] if before == 0 else []
    passed = [("used_up", bucket.amount), ("fair_use", bucket.fair_use)]
    return [(mark, name) for mark, limit in passed if limit is not None and before < limit <= after]
