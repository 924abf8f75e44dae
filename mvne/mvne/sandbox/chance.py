"""Seeded chance: one stream per name, so that a change in one part of a life leaves the others as they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from mvne.brand import Expected

T = TypeVar("T")

#: The 95th percentile of the standard normal distribution.
_Z95 = 1.6448536269514722


def stream(seed: int, *names: object) -> Random:
    """Return the stream of a seed and a name: always the same one, in every process."""
    return Random(":".join(map(str, ("mvne", seed, *names))))


def happens(chance: Random, probability: float) -> bool:
    """Say whether something of this probability happens."""
    return chance.random() < probability


def level(chance: Random, expected: Expected) -> float:
    """Draw what one subscriber uses per period: lognormal, with this mean and 95th percentile.

    Where no lognormal has both (the percentile is more than 3.9 times the mean), the widest one with this mean is
    taken. Nobody uses more than four times the percentile.
    """
    if expected.mean <= 0:
        return 0.0
    wide = _Z95**2 - 2 * math.log(max(expected.p95 / expected.mean, 1.0))
    sigma = _Z95 - math.sqrt(max(wide, 0.0))
    drawn = chance.lognormvariate(math.log(expected.mean) - sigma**2 / 2, sigma)
    return min(drawn, 4.0 * max(expected.p95, expected.mean))


def count(chance: Random, mean: float) -> int:
    """Draw how often something happens that happens `mean` times on average (Poisson, for small means)."""
    limit, product, drawn = math.exp(-min(mean, 30.0)), chance.random(), 0
    while product > limit:
        product *= chance.random()
        drawn += 1
    return drawn


def pick(chance: Random, things: Sequence[T]) -> T:
    """Return one of `things`, each as likely."""
    return things[chance.randrange(len(things))]
