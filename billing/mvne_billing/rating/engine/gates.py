"""Gates: the counters that a use passes on its way through the buckets, in levels that never look back.

A gate is what is left of a bucket, or of a limit on it. Gates of one level are passed at once by all records; a bucket
that burns after another stands on a later level, and its limit on the level just before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from mvne_billing.rating.engine.expression import OutOfBounds
from mvne_billing.rating.engine.shapes import Shape
from mvne_billing.rating.engine.terms import Scope, Use, limit_counter, limit_scope
from mvne_plans.tariff import ROAMING

#: Stands for an amount without end.
ENDLESS = 2**62

#: The most levels of one tariff; of a line's own and its pool's together twice as many. Each is a pass over records.
MOST_LEVELS = 8


@dataclass(frozen=True)
class Gate:
    """One counter in the way of a use: `amount` units of bucket `use`, or of a limit on it."""

    level: int
    use: Use
    counter: str
    scope: Scope
    amount: int | None
    is_limit: bool = False
    is_limited: bool = False
    roams: bool = False  #: whether what its limit keeps out pays the roaming price


@dataclass(frozen=True)
class Levels:
    """The level of every bucket by its node; how many there are; and the number of every counter by its name."""

    of: Mapping[tuple[str, ...], int]
    count: int
    slots: tuple[str, ...]

    def gates(self, shape: Shape) -> Iterator[Gate]:
        """Yield the gates of a shape in the order in which they are passed."""
        for use in _passed(shape):
            level = self.of[use.node]
            for limit in use.limits[:1]:
                counter, scope = limit_counter(use, limit), limit_scope(use, limit)
                yield Gate(level - 1, use, counter, scope, limit.amount, is_limit=True)
            roams = any(limit.of == ROAMING for limit in use.limits)
            limited = bool(use.limits)
            scope = Scope.HOLDER if use.pooled else Scope.OWN
            yield Gate(level, use, use.bucket.id, scope, use.bucket.amount, is_limited=limited, roams=roams)


def levels_of(shapes: Iterable[Shape], counters: Iterable[str]) -> Levels:
    """Return the levels for all shapes of a run; `counters` are those of steps beyond, beside the buckets'."""
    lines = [tuple(_passed(shape)) for shape in shapes]
    height = {use.node: 1 for line in lines for use in line}
    for line in lines:
        height |= {use.node: 2 for use in line if use.limits}
    level = dict(height)
    for _ in range(2 * MOST_LEVELS + 1):
        moved = False
        for before, after in (pair for line in lines for pair in pairwise(line)):
            needed = level[before.node] + height[after.node]
            if level[after.node] < needed:
                level[after.node], moved = needed, True
        if not moved:
            break
    count = max(level.values(), default=0)
    if count > 2 * MOST_LEVELS:
        raise OutOfBounds(f"more than {2 * MOST_LEVELS} buckets in a row, which `engine_supports` should have refused")
    names = {use.bucket.id for line in lines for use in line}
    names |= {limit_counter(use, limit) for line in lines for use in line for limit in use.limits}
    return Levels(level, count, tuple(sorted(names | set(counters))))


def _passed(shape: Shape) -> Iterator[Use]:
    """Yield the buckets of a shape that are counted before it is known what they cover."""
    return (use for use in shape.uses if not use.is_endless)
