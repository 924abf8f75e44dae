"""Marks on the way through an allowance: which are passed when a counter grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.price import BILLABLE
from mvne_billing.rating.result import Rule

#: Rules whose first unit in a period is a mark: from then on the line is held.
_HOLDING = (Rule.SLOW, Rule.STOP, Rule.NEXT)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A line went past a mark.

    Of a bucket: `threshold_50` and so on (percent), `used_up`, `fair_use` (of an unlimited one); beyond it: `slow`,
    `stop`, `next`, or `freed` when a correction took back all that was beyond; of a guard: `guard_stop`, `guard_alert`.
    `name` is the bucket, the guard, or the kind of use.
    """

    subscription: str
    mark: str
    name: str
    period_start: datetime
    record: str


def passed(slot: Slot, before: int, after: int) -> Iterator[tuple[str, str]]:
    """Yield each mark that lies between two states of a counter, with what it is of."""
    if slot.guard is not None:
        if before < slot.guard.amount <= after:
            yield f"guard_{slot.guard.then}", slot.guard.id
        return
    bucket = slot.bucket
    if bucket is None:
        yield from _beyond(slot.counter, before, after)
        return
    if bucket.amount is not None:
        for percent in bucket.thresholds:
            if before < -(-bucket.amount * percent // 100) <= after:
                yield f"threshold_{percent}", slot.counter
        if before < bucket.amount <= after:
            yield "used_up", slot.counter
    if bucket.fair_use is not None and before < bucket.fair_use <= after:
        yield "fair_use", slot.counter


def _beyond(counter: str, before: int, after: int) -> Iterator[tuple[str, str]]:
    if counter.endswith(BILLABLE):
        return  # Units charged for: those used are counted beside them.
    rule, _, kind = counter.partition(":")
    if rule in _HOLDING and before <= 0 < after:
        yield rule, kind
    if rule in _HOLDING and after <= 0 < before:
        yield "freed", kind
