"""The allowances of one subscription while its records are priced: what is used, which marks are passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from mvne_billing.mediation.counters import Counters, Taken
from mvne_billing.mediation.marks import Crossing, passed
from mvne_billing.mediation.shelves import Pool, Shelves, Slot, shelves_at
from mvne_billing.rating.guarding import GUARD, window_start
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, Reason, Unrateable, World
from mvne_billing.rating.route import Line
from mvne_billing.rating.walk import Stretch
from mvne_billing.rating.wholesale import WHOLESALE
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Plan
from mvne_plans.period import Period
from mvne_plans.tariff import Guard

#: The most that one record may cost: a thousand million of the main unit. Sums of many still fit into 64 bits.
MOST_MICRO = 10**15

_AS_IT_IS = nullcontext()

#: The most that a counter may hold: far below what 64 bits do.
MOST_COUNTED = 2**62


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a session did before: its stretches, and what the counters hold because of it.

    `turned` says where stretches of an earlier allowance period are counted, by the name that they bear now.
    """

    stretches: tuple[Stretch, ...] = ()
    taken: tuple[Taken, ...] = ()
    turned: Mapping[str, Slot] = field(default_factory=dict)


NOTHING = Earlier()


class Metered(NamedTuple):
    """A record with its price, and what it adds to which counter; nothing is counted yet. `taken` is that as stored."""

    record: UsageRecord
    rated: Rated
    counts: tuple[tuple[Slot, int], ...]
    taken: tuple[Taken, ...]


@dataclass
class Meter:
    """A subscription with its plan, its add-ons and its counters; a member of a pool also with the pool's owner.

    `caps` are the member's own limits on shared buckets, by bucket id, in the buckets' units. `groups` are the line's
    own number lists. `stand` sets what of this holds at the time of a record.
    """

    subscription: Subscription
    plan: Plan
    purchases: Sequence[Purchase]
    counters: Counters
    wholesale: Counters
    owner: Meter | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _period: Period | None = None
    _shelves: Shelves | None = None

    def stand(self, owner: Meter | None, caps: Mapping[str, int], groups: Mapping[str, frozenset[str]]) -> None:
        """Set the pool, the caps in it and the own number lists that hold from now on."""
        if owner is not self.owner or caps != self.caps:
            self.owner, self.caps, self._shelves = owner, caps, None
        if groups != self.groups:
            self.groups = groups
            vars(self).pop("_line", None)

    def price(self, record: UsageRecord, world: World, earlier: Earlier = NOTHING) -> tuple[Metered, list[Crossing]]:
        """Price a record and count it; raise `Unrateable` and count nothing when it has no price."""
        metered = self.rate(record, world, earlier)
        return metered, self.count(metered)

    def rate(
        self, record: UsageRecord, world: World, earlier: Earlier = NOTHING, wholesale: Mapping[str, int] | None = None
    ) -> Metered:
        """Price a record and count nothing; raise `Unrateable` when it has no price.

        `earlier` is what the same session did before, which the counters hold. `wholesale` are places under tiered
        wholesale rates other than where the brand's counters stand now: those of a record that is priced again.
        """
        period = self.opening(record.start)
        if self.subscription.ends_at is not None and record.start >= self.subscription.ends_at:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had ended when this was used")
        line = self._line
        shelves = self.shelves(record.start)
        with self._without(earlier.taken) if earlier.taken else _AS_IT_IS:
            spent = self._spent(record.start, period, wholesale)
            rated = rate(record, self.plan.tariff, world, shelves.of(record.kind), spent, line, earlier.stretches)
        if max(abs(rated.charge_micro), rated.cost_micro) > MOST_MICRO:
            raise Unrateable(Reason.TOO_LARGE, f"one record of more than {MOST_MICRO:,} micro-units is a mistake")
        slots = {**shelves.slots, **earlier.turned} if earlier.turned else shelves.slots
        counts = [_count(self._slot(name, record.start, period, slots), n) for name, n in rated.taken.items()]
        return Metered(record, rated, tuple(counts), tuple([_taken(*one, wholesale) for one in counts]))

    def count(self, metered: Metered) -> list[Crossing]:
        """Count what a record takes; return the marks that are passed."""
        crossings = []
        for slot, units in metered.counts:
            for mark, shown in passed(slot, *slot.counters.add(slot.counter, slot.start, units)):
                crossings.append(Crossing(slot.counters.holder, mark, shown, slot.start, metered.record.id))
        return crossings

    def opening(self, moment: datetime) -> Period:
        """Return the period that holds `moment`, in UTC; records in order mostly share one."""
        known = self._period
        if known is None or not known.start <= moment < known.end:
            number = self.subscription.number_at(self.plan.every, moment)
            if number < 0:
                raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "the subscription had not begun when this was used")
            found = self.subscription.period(self.plan.every, number)
            known = self._period = Period(found.start.astimezone(UTC), found.end.astimezone(UTC))
        return known

    def shelves(self, moment: datetime) -> Shelves:
        """Return the allowances that may be drawn on at `moment`; records in order mostly share them."""
        known = self._shelves
        if known is None or not known.since <= moment < known.until:
            pool = None
            if self.owner is not None:
                pool = Pool(self.owner.subscription.id, self.owner.shelves(moment), self.caps)
            period = self.opening(moment)
            known = self._shelves = shelves_at(
                moment, self.subscription, self.plan, self.purchases, self.counters, period, pool
            )
        return known

    @contextmanager
    def _without(self, taken: Sequence[Taken]) -> Iterator[None]:
        """Take back what a session took earlier while its next report is priced; the host's price goes by report."""
        near = {one.holder: one for one in (self.counters, *([self.owner.counters] if self.owner else []))}
        mine = [(near[one.holder], one) for one in taken if one.holder in near]
        for counters, one in mine:
            counters.add(one.counter, one.start, -one.units)
        try:
            yield
        finally:
            for counters, one in mine:
                counters.add(one.counter, one.start, one.units)

    def _spent(self, moment: datetime, period: Period, wholesale: Mapping[str, int] | None) -> Mapping[str, int]:
        """Return the period's counters of steps, and the brand's of the month."""
        mine = self.counters.since(period.start)
        brands = self.wholesale.since(month_of(moment)) if self.wholesale else {}
        return {**mine, **brands, **(wholesale or {})} if brands or wholesale else mine

    def _slot(self, name: str, moment: datetime, period: Period, slots: Mapping[str, Slot]) -> Slot:
        """Return where a name of `Rated.taken` is counted."""
        known = slots.get(name)
        if known is not None:
            return known
        guard = self._guards.get(name)
        if guard is not None:
            start = window_start(guard, moment, self.subscription.timezone, period.start)
            return Slot(self.counters, name, start, guard=guard)
        if name.startswith(WHOLESALE):
            return Slot(self.wholesale, name, month_of(moment))
        return Slot(self.counters, name, period.start)

    @cached_property
    def _line(self) -> Line:
        return Line(self.subscription.timezone, self.groups)

    @cached_property
    def _guards(self) -> Mapping[str, Guard]:
        return {GUARD + guard.id: guard for guard in self.plan.tariff.guards}


def _count(slot: Slot, units: int) -> tuple[Slot, int]:
    """Return how much is to be counted where: not so much that it does not fit, and less only of what is there."""
    used = slot.counters.used(slot.counter, slot.start)
    if used + units > MOST_COUNTED:
        raise Unrateable(Reason.TOO_LARGE, f"the counter of {slot.counter} does not hold that many units")
    return slot, units if units >= 0 else max(units, -max(used, 0))


def _taken(slot: Slot, units: int, wholesale: Mapping[str, int] | None) -> Taken:
    """Return what a record adds to a counter; under tiered wholesale rates also from which place on."""
    place = None
    if slot.counter.startswith(WHOLESALE):
        place = (wholesale or {}).get(slot.counter, slot.counters.used(slot.counter, slot.start))
    return Taken(slot.counters.holder, slot.counter, slot.start, units, place)


def month_of(moment: datetime) -> datetime:
    """Return the start of a month (UTC): what wholesale tiers count by."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
