"""What a use may cost, all names left out: uses of one shape are priced by the same numbers.

A shape is read off the reference's own route, so what fits, what is free and what lies beyond is decided in one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from mvne_billing.rating.engine.terms import Use, fitting, in_band
from mvne_billing.rating.result import Reason, Rule, Unrateable
from mvne_billing.rating.route import Route, Step
from mvne_plans.money import Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import ROAMING, RatingService

#: Steps whose name tells a counter of the period; the names of all others are the route's.
_NAMED = frozenset({Rule.PRICE, Rule.SLOW, Rule.STOP, Rule.NEXT})


@dataclass(frozen=True)
class Shape:
    """How one sort of use is split and priced: a number service, buckets in burn order, steps beyond.

    `missing` is the reason why use beyond the buckets has no price, None where it has one or never comes to it.
    """

    kind: Kind
    rounding: Rounding
    splits: bool  #: whether a call is cut where the time band changes
    service: RatingService | None
    uses: tuple[Use, ...]
    steps: tuple[Step, ...]
    surcharge: Step | None
    missing: Reason | None

    @property
    def is_counted(self) -> bool:
        """Whether the steps beyond have amounts of the period."""
        return any(step.amount is not None for step in self.steps)

    def limits(self) -> Iterator[Use]:
        """Yield the uses that a limit counts."""
        return (use for use in self.uses if use.limits)

    def rates(self) -> Iterator[Rate]:
        """Yield all rates that may price a part of it."""
        if self.service is not None:
            yield self.service.rate
        yield from (use.bucket.rate for use in self.uses if use.bucket.rate is not None)
        yield from (step.rate for step in self.steps)
        if self.surcharge is not None:
            yield self.surcharge.rate


def shape_of(found: Route, uses: tuple[Use, ...], bands: tuple[str, ...]) -> tuple[Shape, tuple[str, ...]]:
    """Return the shape of a route whose line has these buckets, and the name of each of its steps, `rule:name`."""
    tariff = found.tariff
    splits = found.kind is Kind.VOICE and tariff.splits_calls and bool(tariff.calendar.bands)
    if found.is_free:
        free = Step(Rule.FREE, "", FREE)
        shape = Shape(found.kind, tariff.rounding, splits, None, (), (free,), None, None)
        return shape, (f"{Rule.FREE}:{found.name}",)
    fit = fitting(uses, found)
    service = found.service
    covered = service is not None and service.limit is None
    if covered and service is not None and not service.from_allowance:
        fit = ()
    steps: tuple[Step, ...] = ()
    missing = None
    if not covered and not all(_is_covered(fit, band) for band in bands):
        try:
            steps = found.steps
        except Unrateable as problem:
            missing = problem.reason
    surcharge = found.surcharge if any(limit.of == ROAMING for use in fit for limit in use.limits) else None
    names = tuple(f"{step.rule}:{step.name}" for step in steps)
    plain = tuple(step if step.rule in _NAMED else step._replace(name="") for step in steps)
    return Shape(found.kind, tariff.rounding, splits, service, fit, plain, surcharge, missing), names


def _is_covered(uses: tuple[Use, ...], band: str) -> bool:
    return any(here and use.is_endless for use, here in zip(uses, in_band(uses, band), strict=True))


def denominator(rates: Iterator[Rate] | tuple[Rate, ...]) -> int:
    """Return what all amounts of several rates, bands and tiers included, are whole multiples of one over."""

    return lcm(*(one.denominator for rate in rates for one in _amounts(rate)))


def _amounts(rate: Rate) -> Iterator[Fraction]:
    """Yield every amount of a rate in micro-units, each by the unit that it multiplies."""
    yield rate.micro_per_unit
    yield from (one.micro_per_unit for _, one in rate.bands)
    yield from (Fraction(one) * 1_000_000 for one in (rate.setup, rate.minimum, rate.maximum or 0))
    for tier in rate.tiers:
        yield Fraction(tier.flat) * 1_000_000
        yield Fraction(tier.amount) * 1_000_000
        yield Fraction(tier.amount) * 1_000_000 / tier.per
