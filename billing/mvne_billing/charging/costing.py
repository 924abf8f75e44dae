"""What the host charges for a use that was charged live; prices by the unit alone are worked out once a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from mvne_billing.mediation.counters import Counters, Taken
from mvne_billing.mediation.desk import BRAND
from mvne_billing.mediation.meter import month_of
from mvne_billing.rating.result import Unrateable, World
from mvne_billing.rating.route import Route
from mvne_billing.rating.wholesale import agreed_rate, cost
from mvne_plans.agreement import in_force
from mvne_plans.money import MICRO
from mvne_plans.rate import Increments

#: What a record costs that no agreement prices: it was charged, and the host will say.
NO_COST = "no wholesale price is agreed"


class Host(NamedTuple):
    """What the host charges: micro-units, the rule, what it counts for the brand."""

    micro: int
    rule: str
    taken: tuple[Taken, ...] = ()


class Fixed(NamedTuple):
    """A price by the unit alone: micro-units as a fraction, the increments it counts by, the rule that says so."""

    numerator: int
    denominator: int
    steps: Increments
    rule: str

    def of(self, units: int) -> Host:
        """Return what `units` cost, rounded half up."""
        exact, over = 2 * self.numerator * self.steps.raise_to(units), 2 * self.denominator
        return Host((exact + self.denominator) // over, self.rule)


def fixed(found: Route, world: World, day: date) -> Fixed | None:
    """Return the price of a route on a day; None where it depends on more than the units."""
    agreement = None if found.is_emergency else in_force(world.agreements, day)
    if agreement is None or agreement.currency != found.tariff.currency:
        return None
    if agreement.retail_share is not None or found.kind in agreement.capacity:
        return None
    rate, rule = agreed_rate(found, agreement)
    if rate is None or not rate.by_unit_alone:
        return None
    numerator, denominator = (rate.amount * MICRO).as_integer_ratio()
    return Fixed(numerator, denominator * rate.per, rate.increments, f"{rule} {rate.text(found.kind)}")


def host_price(found: Route, units: int, start: datetime, world: World, charge: int, brands: Counters) -> Host:
    """Return what the host charges for a use, and count it where its rate has tiers (`brands` are the counters)."""
    month = month_of(start)
    try:
        priced = cost(found, units, start, world, charge, brands.since(month))
    except Unrateable:
        return Host(0, NO_COST)
    taken = []
    for counter, counted in priced.taken.items():
        before, _ = brands.add(counter, month, counted)
        taken.append(Taken(BRAND, counter, month, counted, before))
    return Host(priced.micro, priced.rule, tuple(taken))
