"""How large the numbers of a tariff can get, worked out before any record is read: 64 bits where they do, or 38 digits.

A record that could cost more than a record may is left to the reference, which puts it into suspense; so what an engine
multiplies is bounded by what it may cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm

from mvne_billing.rating.engine.prices import Layout, over, percent_base, rates_at
from mvne_billing.rating.engine.shapes import Shape, denominator
from mvne_plans.money import MICRO
from mvne_plans.quantity import MOST
from mvne_plans.rate import Rate, Scheme

#: The most that one record may cost, in micro-units; see `mediation.meter`.
MOST_MICRO = 10**15

#: Sums of prices and their denominators stay below these, so that all of it fits into 38 digits.
_MOST_SUM, _MOST_BASE = 10**35, 10**20


@dataclass(frozen=True)
class Volume:
    """How much use there is: units of one record at most, and of all together."""

    record: int
    everything: int
    count: int

    def billed(self, rate: Rate) -> int:
        """Return the most units that may be charged for under one rate in all."""
        return self.everything + (self.count + 1) * _step(rate)


@dataclass(frozen=True)
class Sizes:
    """The greatest values, by position (`w` is wholesale): units times price; price by tiers; all once per session."""

    product: Mapping[str, int]
    tiers: Mapping[str, int]
    total: Mapping[str, int]


def _step(rate: Rate) -> int:
    several = [rate, *(one for _, one in rate.bands)]
    return max(one.increments.first + one.increments.next for one in several)


def safe_units(shape: Shape, cost: Rate, volume: Volume) -> int:
    """Return how many units surely cost no more than a record may; below 0 where not even none do."""
    return min(_safe_retail(shape, volume.everything), _safe((cost,), volume.everything))


# Shapes and rates are few and routes many: what depends on them alone is worked out once.


@lru_cache(maxsize=4096)
def _safe_retail(shape: Shape, everything: int) -> int:
    return _safe(tuple(shape.rates()), everything)


@lru_cache(maxsize=4096)
def _safe(rates: tuple[Rate, ...], everything: int) -> int:
    share = max((1 + Fraction(rate.percent) / 100 for rate in rates), default=Fraction(1))
    fixed, unit, steps = Fraction(0), Fraction(0), 0
    for rate in rates:
        steps += _step(rate)
        unit = max(unit, *_unit_prices(rate))
        fixed += (Fraction(rate.setup) + Fraction(rate.minimum)) * MICRO
        fixed += sum((Fraction(tier.flat) + Fraction(tier.amount) for tier in rate.tiers), Fraction(0)) * MICRO
        if rate.scheme is Scheme.VOLUME and rate.tiers:
            fixed += unit * everything
    left = Fraction(MOST_MICRO) / share - fixed
    return MOST if not unit and left >= 0 else int(left / unit) - steps if unit else -1


def _unit_prices(rate: Rate) -> list[Fraction]:
    tiers = [Fraction(tier.amount) * MICRO / tier.per for tier in rate.tiers]
    return [rate.micro_per_unit, *(one.micro_per_unit for _, one in rate.bands), *tiers]


def units_of(shape: Shape, cost: Rate, volume: Volume) -> int:
    """Return the most units that a record of this shape and cost has in an engine."""
    return max(min(safe_units(shape, cost, volume), volume.record), 0)


@lru_cache(maxsize=4096)
def fits(shape: Shape, cost: Rate, volume: Volume) -> bool:
    """Say whether the numbers of a shape and its cost surely fit into 38 digits."""
    units = units_of(shape, cost, volume)
    base = denominator(shape.rates()) * percent_base(shape) * shape.rounding.unit_micro
    retail = [_total(rate, denominator(shape.rates()), percent_base(shape), units, volume) for rate in shape.rates()]
    wholesale = _total(cost, denominator((cost,)), percent_base_of((cost,)), units, volume)
    return max(base, denominator((cost,))) <= _MOST_BASE and max((wholesale, *retail)) <= _MOST_SUM


def percent_base_of(rates: Iterable[Rate]) -> int:
    """Return the denominator of what the percentages of several rates multiply."""
    return lcm(*((1 + Fraction(rate.percent) / 100).denominator for rate in rates))


def _product(rate: Rate, base: int, units: int) -> int:
    """Return the most that units times price can be in one record, in parts of 1/`base`."""
    several = [rate, *(one for _, one in rate.bands)]
    return max((units + _step(one)) * over(one.micro_per_unit, base) for one in several)


def _by_tiers(rate: Rate, base: int, volume: Volume) -> int:
    """Return the most that all use of a period can cost by tiers."""
    if not rate.tiers:
        return 0
    flat = sum(over(Fraction(tier.flat) * MICRO, base) for tier in rate.tiers)
    blocks = [over(Fraction(tier.amount) * MICRO, base) for tier in rate.tiers]
    if rate.scheme is not Scheme.PACKAGE:
        blocks = [over(Fraction(tier.amount) * MICRO / tier.per, base) for tier in rate.tiers]
    return flat + max(blocks) * (volume.billed(rate) + len(rate.tiers))


def _total(rate: Rate, base: int, percents: int, units: int, volume: Volume) -> int:
    charged = max(_product(rate, base, units), _by_tiers(rate, base, volume))
    setup, least = (over(Fraction(one) * MICRO, base) for one in (rate.setup, rate.minimum))
    return max(charged + setup, least) * over(1 + Fraction(rate.percent) / 100, percents)


def sizes_of(found: Iterable[tuple[Shape, Rate]], layout: Layout, volume: Volume) -> Sizes:
    """Return the greatest values of all shapes and costs that fit."""
    product, tiers, total = ({name: 0 for name in (*layout.positions, "w")} for _ in range(3))
    for shape, cost in dict.fromkeys(found):
        units, base, percents = units_of(shape, cost, volume), denominator(shape.rates()), percent_base(shape)
        places = [("w", cost, denominator((cost,)), percent_base_of((cost,)))]
        rates = {pair for band in layout.bands for pair in rates_at(shape, layout, band).items()}
        places += [(place, rate, base, percents) for place, rate in rates]
        for place, rate, scale, share in places:
            product[place] = max(product[place], _product(rate, scale, units))
            tiers[place] = max(tiers[place], _by_tiers(rate, scale, volume))
            total[place] = max(total[place], _total(rate, scale, share, units, volume))
    return Sizes(product, tiers, total)
