"""Allowances while they are good: what is left of each, in which order they burn, how much of a use each covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from mvne_plans.period import Period
from mvne_plans.tariff import Bucket


@dataclass(frozen=True, slots=True)
class Open:
    """A bucket while it is good. `id` names its counter; `left` is what the session may take of it in all (None: any).

    `limits` is what is left under each of the bucket's limits. Units are the bucket's, after increments and factor.
    """

    id: str
    bucket: Bucket
    left: int | None
    opened: datetime
    expires: datetime
    limits: Mapping[str, int] = field(default_factory=dict)


def burn_order(buckets: Iterable[Open]) -> tuple[Open, ...]:
    """Return buckets in the order in which they burn: low priority, then what expires first, then the oldest."""
    return tuple(sorted(buckets, key=lambda one: (one.bucket.priority, one.expires, one.opened)))


def opened(buckets: Sequence[Bucket], used: Mapping[str, int], period: Period) -> tuple[Open, ...]:
    """Return the buckets of one period, given what was `used` of each, by its id and by `id/of` for its limits."""
    return tuple(
        Open(
            id=one.id,
            bucket=one,
            left=None if one.amount is None else one.amount - used.get(one.id, 0),
            opened=period.start,
            expires=period.end,
            limits={limit.of: limit.amount - used.get(f"{one.id}/{limit.of}", 0) for limit in one.limits},
        )
        for one in buckets
    )


def coverable(bucket: Bucket, left: int | None, already: int, units: int) -> int:
    """Return how many of `units` more a bucket covers with `left` of its own units, `already` covered included in it.

    A bucket with increments covers whole ones only, but for the last, which may be begun if it fits whole.
    """
    if left is None:
        return units
    room = left if bucket.factor == 1 else int(left / Fraction(bucket.factor))
    if bucket.increments.raise_to(already + units) <= room:
        return units
    first, step = bucket.increments.first, bucket.increments.next
    whole = first + (room - first) // step * step if room >= first else 0
    return max(whole - already, 0)


def counted(bucket: Bucket, units: int) -> int:
    """Return what `units` of one session take of a bucket, in its own units: in whole increments, times the factor."""
    raised = bucket.increments.raise_to(units)
    if bucket.factor == 1:
        return raised
    exact = Fraction(bucket.factor) * raised
    return -(-exact.numerator // exact.denominator)
