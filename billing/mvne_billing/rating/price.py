"""Pricing: what the stretches of a session cost, as running totals, so that partial reports add up to the full price.

Increments raise the session once, as a whole, and the overrun belongs to its last stretch: a split never costs more
than the same use unsplit. The set-up fee is that of the first rule that charges; bounds and percentage hold for all
that one rule charges in the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from mvne_billing.rating.walk import Stretch
from mvne_plans.rate import Rate

_NOTHING = Fraction(0)

#: Marks the counter of units that were charged for, which tiers go by, beside that of units used.
BILLABLE = "#"


class Priced(NamedTuple):
    """A stretch with what it is charged for, the rate in its band, and the session's exact price through its end."""

    stretch: Stretch
    billable: int
    rate: Rate
    through: Fraction


def price(stretches: Sequence[Stretch], spent: Mapping[str, int]) -> Iterator[Priced]:
    """Yield each stretch with the exact price of the session up to its end, in micro-units.

    `spent` holds the period's counters without this session's part; rates with tiers go by theirs.
    """
    sums: dict[tuple[str, str], Fraction] = {}
    bounded: dict[tuple[str, str], Fraction] = {}
    charged: dict[str, int] = {}
    walked, total, last = 0, _NOTHING, len(stretches) - 1
    for place, one in enumerate(stretches):
        walked += one.units
        if one.rate.is_free:
            yield Priced(one, 0, one.rate, total)
            continue
        rate = one.rate.in_band(one.band)
        billable = one.units if place < last else rate.increments.raise_to(walked) - (walked - one.units)
        if last == 0 and one.rate.by_unit_alone:
            yield Priced(one, billable, rate, rate.charge(billable))
            return
        counter = one.counter + BILLABLE
        before = charged.get(counter, 0)
        # A rate of its own in the band has no tiers; the sum is bounded by the rule's own rate.
        cost = rate.charge(billable, spent.get(counter, 0) + before)
        charged[counter] = before + billable
        group = (one.rule, one.name)
        if group not in sums:
            sums[group] = Fraction(one.rate.setup) * 1_000_000 if one.rate.setup and not sums else _NOTHING
        sums[group] += cost
        now = one.rate.bounded(sums[group])
        total += now - bounded.get(group, _NOTHING)
        bounded[group] = now
        yield Priced(one, billable, rate, total)
