"""Exact money in expressions: increments, tiers, bounds and the tariff's roundings, all in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvne_billing.rating.engine.expression import (
    Expr,
    case,
    equals,
    given,
    greatest,
    least,
    times,
    total,
    whole,
    within,
)
from mvne_plans.money import Mode

#: The number of each way to round in the tables.
MODES: Mapping[Mode, int] = {mode: place for place, mode in enumerate(Mode)}


def ceiling(value: Expr, step: Expr | int) -> Expr:
    """Return how many steps it takes to reach `value`."""
    one = whole(step)
    return (value + (one - 1)) // one


def raised(units: Expr, first: Expr, step: Expr) -> Expr:
    """Return units raised to what is charged for, `Increments.raise_to`; none stays none."""
    if step.always == 1 and first.always is not None and first.always <= 1:
        return units
    steps = ceiling(greatest(units - first, 0), step)
    return given(units > 0, first + times(steps, step, units.high + step.high))


def rounded(value: Expr, divisor: Expr, mode: Expr, most: int) -> Expr:
    """Return `value` over `divisor`, rounded to a whole number by a mode of `MODES`; ties and signs as in money.py.

    The result is known to be at most `most`, with either sign.
    """
    if value.low < 0:
        positive = rounded(greatest(value, 0), divisor, mode, most)
        negative = rounded(greatest(value * -1, 0), divisor, mode, most)
        return case((value >= 0, positive), otherwise=negative * -1)
    writers = [(Mode.DOWN, _down), (Mode.UP, ceiling), (Mode.HALF_EVEN, _half_even), (Mode.HALF_UP, _half_up)]
    possible = [(MODES[one], write) for one, write in writers if mode.low <= MODES[one] <= mode.high]
    branches = [(equals(mode, place), within(write(value, divisor), 0, most)) for place, write in possible]
    return case(*branches[:-1], otherwise=branches[-1][1])


def _down(value: Expr, divisor: Expr) -> Expr:
    return value // divisor


def _half_up(value: Expr, divisor: Expr) -> Expr:
    return (value * 2 + divisor) // (divisor * 2)


def _half_even(value: Expr, divisor: Expr) -> Expr:
    below = value // divisor
    rest = within(value - times(below, divisor, value.high), 0, divisor.high) * 2
    odd = equals(below - below // 2 * 2, 1)
    return below + given((rest > divisor) | (equals(rest, divisor) & odd), 1)


def through(units: Expr, tiers: Sequence[Mapping[str, Expr]], by_volume: Expr, most: int) -> Expr:
    """Return what the first `units` of a period cost by tiers, `Rate.charge` from 0; at most `most`.

    Each tier has `low`, `high` (where it ends), `num` (per started `per` units), `flat` (for entering it).
    """
    inside = total(_tier(units, tier, most) for tier in tiers)
    reached = [(units > tier["low"], tier["flat"] + times(units, tier["num"], most)) for tier in reversed(tiers)]
    return within(case((equals(by_volume, 1), case(*reached)), otherwise=inside), 0, most)


def _tier(units: Expr, tier: Mapping[str, Expr], most: int) -> Expr:
    used = within(greatest(least(units, tier["high"]) - tier["low"], 0), 0, units.high)
    return given(units > tier["low"], tier["flat"]) + times(ceiling(used, tier["per"]), tier["num"], most)


def bounded(charged: Expr, least_: Expr, most: Expr) -> Expr:
    """Return a charge within the bounds of a rate."""
    return least(greatest(charged, least_), most)
