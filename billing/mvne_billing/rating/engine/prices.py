"""The numbers of a shape as columns of a table row: rates over one denominator, tiers, gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from mvne_billing.rating.engine.gates import ENDLESS, Levels
from mvne_billing.rating.engine.money import MODES
from mvne_billing.rating.engine.shapes import Shape, denominator
from mvne_billing.rating.engine.terms import in_band
from mvne_plans.money import MICRO
from mvne_plans.rate import FREE, Rate, Scheme, Tier
from mvne_plans.tariff import RatingService

#: Stands for a rate without a maximum: more than any record costs over any denominator.
NO_MAXIMUM = 10**37


@dataclass(frozen=True)
class Layout:
    """How wide the tables of a run are: levels of gates, steps beyond, and tiers of a step."""

    levels: Levels
    steps: int
    tiers: int
    bands: tuple[str, ...]

    @property
    def positions(self) -> tuple[str, ...]:
        """The places where a part of a use may be priced, in the order in which its units come to them.

        `s`: a number service beside the allowance; `b1` and so on: buckets; `e`: an endless bucket; `t`: a service
        after the allowance; `x1` and so on: steps beyond; `y`: the roaming price of what a limit kept out.
        """
        buckets = tuple(f"b{level}" for level in range(1, self.levels.count + 1))
        steps = tuple(f"x{step}" for step in range(1, self.steps + 1))
        return ("s", *buckets, "e", "t", *steps, "y")

    @property
    def tiered(self) -> tuple[str, ...]:
        """The positions that may have tiers: steps beyond."""
        return tuple(f"x{step}" for step in range(1, self.steps + 1)) if self.tiers else ()


def rates_at(shape: Shape, layout: Layout, band: str) -> dict[str, Rate]:
    """Return the rate of each position of a shape that has one, whole rates, not those of the band."""
    found: dict[str, Rate] = {}
    if shape.service is not None:
        found["t" if shape.service.from_allowance else "s"] = shape.service.rate
    for use, here in zip(shape.uses, in_band(shape.uses, band), strict=True):
        if use.bucket.rate is not None and use.is_endless and here:
            found["e"] = use.bucket.rate
        elif use.bucket.rate is not None and not use.is_endless:
            found[f"b{layout.levels.of[use.node]}"] = use.bucket.rate
    found |= {f"x{place}": step.rate for place, step in enumerate(shape.steps, start=1)}
    if shape.surcharge is not None:
        found["y"] = shape.surcharge.rate
    return found


def band_row(shape: Shape, layout: Layout, band: str) -> dict[str, object]:
    """Return the columns of a shape that depend on the time band."""
    base, rates = denominator(shape.rates()), rates_at(shape, layout, band)
    row: dict[str, object] = {}
    for place in layout.positions:
        whole = rates.get(place, FREE)
        rate = whole.in_band(band)
        row[f"{place}_charged"] = int(not whole.is_free)
        row[f"{place}_num"] = over(rate.micro_per_unit, base)
        row[f"{place}_first"], row[f"{place}_next"] = rate.increments.first, rate.increments.next
        row |= _terms(place, whole, base, shape)
    reached = dict(zip((use.node for use in shape.uses), in_band(shape.uses, band), strict=True))
    row |= {f"g{level}_on": 0 for level in range(1, layout.levels.count + 1)}
    for gate in layout.levels.gates(shape):
        row[f"g{gate.level}_on"] = int(reached[gate.use.node])
    ends = next((use for use in shape.uses if use.is_endless and reached[use.node]), None)
    return row | {"e_on": int(ends is not None), "e_name": ends.name if ends else ""}


def _terms(place: str, rate: Rate, base: int, shape: Shape) -> dict[str, object]:
    """Return what counts once per session at a position."""
    share, common = 1 + Fraction(rate.percent) / 100, percent_base(shape)
    return {
        f"{place}_setup": over(Fraction(rate.setup) * MICRO, base),
        f"{place}_least": over(Fraction(rate.minimum) * MICRO, base),
        f"{place}_most": NO_MAXIMUM if rate.maximum is None else over(Fraction(rate.maximum) * MICRO, base),
        f"{place}_share": over(share, common),
    }


def percent_base(shape: Shape) -> int:
    """Return the denominator of what the percentages of a shape's rates multiply."""
    return lcm(*((1 + Fraction(rate.percent) / 100).denominator for rate in shape.rates()))


def shape_row(shape: Shape, layout: Layout) -> dict[str, object]:
    """Return the columns of a shape that are the same in every time band."""
    base = denominator(shape.rates())
    row: dict[str, object] = {
        "den": base * percent_base(shape) * shape.rounding.unit_micro,
        "unit": shape.rounding.unit_micro,
        "mode": MODES[shape.rounding.mode],
        "splits": int(shape.splits),
        "chained": int(shape.is_counted),
        **_service_row(shape.service),
        **_gate_rows(shape, layout.levels),
    }
    for place in range(1, layout.steps + 1):
        step = shape.steps[place - 1] if place <= len(shape.steps) else None
        row[f"x{place}_on"] = int(step is not None)
        amount = step.amount if step is not None else (None if place == 1 else 0)
        row[f"x{place}_amount"] = ENDLESS if amount is None else amount
        counter = f"{step.rule}:{step.name}" if step is not None and step.name else ""
        row[f"x{place}_slot"] = _slot(counter, layout)
        row |= _tier_rows(f"x{place}", step.rate if step else FREE, base, layout, f"{counter}#")
    counted = next((f"{step.rule}:{step.name}" for step in shape.steps if step.amount is not None), "")
    return row | {"y_on": int(shape.surcharge is not None), "chain_slot": _slot(counted, layout)}


def _slot(counter: str, layout: Layout) -> int:
    return layout.levels.slots.index(counter) if counter in layout.levels.slots else -1


def _service_row(service: RatingService | None) -> dict[str, object]:
    limit = ENDLESS if service is None or service.limit is None else service.limit
    beside = service is not None and not service.from_allowance
    return {
        "s_on": int(beside),
        "t_on": int(service is not None and not beside),
        "s_limit": limit,
        "s_name": service.id if service is not None else "",
    }


def _gate_rows(shape: Shape, levels: Levels) -> dict[str, object]:
    row: dict[str, object] = {}
    for level in range(1, levels.count + 1):
        row |= {f"g{level}_{name}": value for name, value in _NO_GATE.items()}
    for gate in levels.gates(shape):
        factor = Fraction(gate.use.bucket.factor)
        values: dict[str, object] = {
            "slot": levels.slots.index(gate.counter),
            "scope": int(gate.scope),
            "amount": ENDLESS if gate.amount is None else gate.amount,
            "limit": int(gate.is_limit),
            "limited": int(gate.is_limited),
            "roams": int(gate.roams),
            "times": factor.numerator,
            "over": factor.denominator,
            "first": gate.use.bucket.increments.first,
            "next": gate.use.bucket.increments.next,
            "name": "" if gate.is_limit else gate.use.name,
        }
        row |= {f"g{gate.level}_{name}": value for name, value in values.items()}
    return row


_NO_GATE: Mapping[str, object] = {
    "slot": 0,
    "scope": 0,
    "amount": 0,
    "limit": 0,
    "limited": 0,
    "roams": 0,
    "times": 1,
    "over": 1,
    "first": 1,
    "next": 1,
    "name": "",
}


def _tier_rows(place: str, rate: Rate, base: int, layout: Layout, counter: str) -> dict[str, object]:
    if not layout.tiers:
        return {}
    row: dict[str, object] = {f"{place}_tiered": int(bool(rate.tiers)), f"{place}_volume": 0}
    row[f"{place}_counter"] = _slot(counter, layout)
    if rate.tiers:
        row[f"{place}_volume"] = int(rate.scheme is Scheme.VOLUME)
    for number, tier, low, high in _tiers(rate, layout.tiers):
        by_block = rate.scheme is Scheme.PACKAGE
        amount = Fraction(tier.amount) * MICRO if by_block else Fraction(tier.amount) * MICRO / tier.per
        row |= {
            f"{place}_low{number}": low,
            f"{place}_high{number}": high,
            f"{place}_num{number}": over(amount, base),
            f"{place}_flat{number}": over(Fraction(tier.flat) * MICRO, base),
            f"{place}_per{number}": tier.per if by_block else 1,
        }
    return row


def _tiers(rate: Rate, count: int) -> Iterator[tuple[int, Tier, int, int]]:
    """Yield the tiers with where each begins and ends; those that a rate lacks begin where nobody comes."""
    low = 0
    for number in range(1, count + 1):
        given: Sequence[Tier] = rate.tiers[number - 1 : number]
        for tier in given:
            high = ENDLESS if tier.up_to is None else max(tier.up_to, low)
            yield number, tier, low, high
            low = high
        if not given:
            yield number, Tier(None, FREE.amount, 1), ENDLESS, ENDLESS


def over(amount: Fraction, base: int) -> int:
    """Return how many parts of 1/`base` an amount is."""
    scaled = amount * base
    if scaled.denominator != 1:
        raise ArithmeticError(f"{amount} is no whole multiple of 1/{base}")
    return scaled.numerator


def step_counters(shapes: Sequence[Shape]) -> set[str]:
    """Return the counters of steps beyond that have an amount or tiers, as the reference names them."""
    steps = [step for shape in shapes for step in shape.steps if step.name]
    used = {f"{step.rule}:{step.name}" for step in steps if step.amount is not None}
    return used | {f"{step.rule}:{step.name}#" for step in steps if step.rate.tiers}


def step_names(names: tuple[str, ...], count: int) -> dict[str, object]:
    """Return the names of a route's steps as columns."""
    padded = (*names, *([""] * (count - len(names))))
    return {f"x{place}_name": name for place, name in enumerate(padded, start=1)}
