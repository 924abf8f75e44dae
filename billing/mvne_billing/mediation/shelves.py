"""The allowances that a line may draw on at a moment, and where each of them is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from mvne_billing.mediation.counters import Counters
from mvne_billing.rating.buckets import Open
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.catalogue import Plan
from mvne_plans.period import Period
from mvne_plans.quantity import Kind
from mvne_plans.tariff import MEMBER, Bucket, Guard, Limit

#: Marks what was carried over from an earlier period, beside what was used in it.
ROLLED = "+"

#: Begins the name of an allowance of the pool that a line is in.
POOL = "pool:"


class Slot(NamedTuple):
    """Where a counter of `Rated.taken` is kept; `bucket` or `guard` is what its marks go by."""

    counters: Counters
    counter: str
    start: datetime
    bucket: Bucket | None = None
    guard: Guard | None = None

    @property
    def gone(self) -> int:
        """How much of it is used or held."""
        return self.counters.gone(self.counter, self.start)


class Shelf(NamedTuple):
    """An allowance in its place: `slot` counts it, `limits` count sorts of use within it, each with its most.

    What is carried over has an `origin`: the counter of the period in which it was not used.
    """

    name: str
    bucket: Bucket
    amount: int | None
    slot: Slot
    limits: tuple[tuple[str, int, Slot], ...]
    good: Period
    origin: Slot | None = None

    def open(self) -> Open:
        """Return it as rating takes it, with what is left of it now."""
        amount = self.amount
        if self.origin is not None and amount is not None:
            amount = _carried(self.bucket, amount, self.origin.gone)
        return Open(
            self.name,
            self.bucket,
            None if amount is None else amount - self.slot.gone,
            self.good.start,
            self.good.end,
            {of: most - slot.gone for of, most, slot in self.limits} if self.limits else {},
        )


def _carried(bucket: Bucket, amount: int, used: int) -> int:
    """Return how much of what a period left may be carried over."""
    unused = max(amount - used, 0)
    most = bucket.rollover.limit if bucket.rollover else None
    return unused if most is None else min(unused, most)


@dataclass(frozen=True)
class Shelves:
    """All allowances of a line from `since` until `until`, by kind of use; `slots` says where each name is counted."""

    since: datetime
    until: datetime
    by_kind: Mapping[Kind, Sequence[Shelf]]
    slots: Mapping[str, Slot]

    def of(self, kind: Kind) -> tuple[Open, ...]:
        """Return the allowances for a kind of use with what is left of each."""
        return tuple([shelf.open() for shelf in self.by_kind.get(kind, ())])


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool's allowances as a member sees them: the owner's `shelves`, and the member's own `caps`, by bucket id."""

    owner: str
    shelves: Shelves
    caps: Mapping[str, int]


def shelves_at(
    moment: datetime,
    owner: Subscription,
    plan: Plan,
    purchases: Sequence[Purchase],
    counters: Counters,
    period: Period,
    pool: Pool | None = None,
) -> Shelves:
    """Return what a subscription may draw on at `moment`, which lies in its `period`."""
    bought = [
        (purchase.valid.start.astimezone(UTC), purchase.valid.end.astimezone(UTC), purchase) for purchase in purchases
    ]
    found: list[Shelf] = []
    for bucket in plan.tariff.buckets:
        found.append(_shelf(bucket.id, bucket, bucket.id, counters, period))
        found.extend(_rolled(bucket, moment, owner, plan, counters))
    for start, end, purchase in bought:
        if start <= moment < end:
            good = Period(start, end)
            found.extend(_shelf(bucket.id, bucket, bucket.id, counters, good) for bucket in purchase.buckets)
    turns = [turn for start, end, _ in bought for turn in (start, end)] + [period.start, period.end]
    if pool is not None:
        found.extend(_shared(pool, counters))
        turns += [pool.shelves.since, pool.shelves.until]
    return Shelves(
        since=max(turn for turn in turns if turn <= moment),
        until=min(turn for turn in turns if turn > moment),
        by_kind={kind: tuple(one for one in found if one.bucket.kind is kind) for kind in Kind},
        slots={name: slot for shelf in found for name, slot in _slots(shelf)},
    )


def _slots(shelf: Shelf) -> Iterator[tuple[str, Slot]]:
    yield shelf.name, shelf.slot
    for of, _, slot in shelf.limits:
        yield f"{shelf.name}/{of}", slot


def _shelf(name: str, bucket: Bucket, counter: str, counters: Counters, good: Period) -> Shelf:
    slot = Slot(counters, counter, good.start, bucket)
    limits = tuple((one.of, one.amount, Slot(counters, f"{counter}/{one.of}", good.start)) for one in bucket.limits)
    return Shelf(name, bucket, bucket.amount, slot, limits, good)


def _rolled(bucket: Bucket, moment: datetime, owner: Subscription, plan: Plan, counters: Counters) -> Iterator[Shelf]:
    """Yield what earlier periods left of a bucket that rolls over."""
    if bucket.rollover is None or bucket.amount is None:
        return
    number = owner.number_at(plan.every, moment)
    for origin in range(max(number - bucket.rollover.periods, 0), number):
        start = owner.starts_period(plan.every, origin).astimezone(UTC)
        end = owner.starts_period(plan.every, origin + bucket.rollover.periods + 1).astimezone(UTC)
        name = f"{bucket.id}{ROLLED}{start:%Y-%m-%d}"
        shelf = _shelf(name, bucket, bucket.id + ROLLED, counters, Period(start, end))
        yield shelf._replace(slot=shelf.slot._replace(bucket=None), origin=Slot(counters, bucket.id, start))


def _shared(pool: Pool, mine: Counters) -> Iterator[Shelf]:
    """Yield the pool's shelves as a member's, each under the member's own cap, which the member's counters keep."""
    for shelf in (one for shelves in pool.shelves.by_kind.values() for one in shelves if one.bucket.shared):
        limits = [limit for limit in shelf.limits if limit[0] != MEMBER]
        cap = next((most for of, most, _ in shelf.limits if of == MEMBER), None)
        cap = pool.caps.get(shelf.bucket.id, cap)
        bucket = shelf.bucket
        if cap is not None:
            limits.append((MEMBER, cap, Slot(mine, f"{shelf.name}/{pool.owner}", shelf.good.start)))
            others = tuple(limit for limit in bucket.limits if limit.of != MEMBER)
            bucket = replace(bucket, limits=(*others, Limit(MEMBER, cap)))
        yield shelf._replace(name=POOL + shelf.name, bucket=bucket, limits=tuple(limits))
