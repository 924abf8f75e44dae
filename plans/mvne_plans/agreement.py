"""What the host network charges the brand: dated versions of a wholesale agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import RateDeck


@dataclass(frozen=True)
class Agreement:
    """Wholesale prices in force from a date until the next version's.

    `rates` holds, per kind of use, a price by zone: `domestic` and `international` (use at home, by whom it calls) and
    the zones of the market, such as `eea` (use abroad, by where the phone is; `other` for the rest). `deck` refines
    `international` by called prefix. `line_micro` is charged per active line and `line_every`; `minimum_micro` is what
    the brand pays at least per `minimum_every`.

    Use of the kinds in `capacity` costs nothing by the unit: `capacity_micro` per `capacity_every` pays for all of it.
    Under `retail_minus` the host takes the retail price less this percentage, of use and of recurring prices, and the
    rates do not count; where retail prices include tax, `retail_tax` is its percentage, of which the host has no share.
    A rate with tiers goes by the brand's use of the calendar month.
    """

    starts: date
    currency: str
    line_micro: int = 0
    line_every: Every = MONTH
    rates: Mapping[Kind, Mapping[str, Rate]] = field(default_factory=dict)
    deck: RateDeck = field(default_factory=RateDeck)
    minimum_micro: int = 0
    minimum_every: Every = MONTH
    capacity: tuple[Kind, ...] = ()
    capacity_micro: int = 0
    capacity_every: Every = MONTH
    retail_minus: Decimal | None = None
    retail_tax: Decimal = Decimal(0)

    @property
    def retail_share(self) -> Fraction | None:
        """The share of a retail price that the host takes, None where it takes none.

        >>> Agreement(date(2027, 1, 1), "EUR", retail_minus=Decimal(40), retail_tax=Decimal(20)).retail_share
        Fraction(1, 2)
        """
        if self.retail_minus is None:
            return None
        return (1 - Fraction(self.retail_minus) / 100) / (1 + Fraction(self.retail_tax) / 100)


def in_force(versions: tuple[Agreement, ...], day: date) -> Agreement | None:
    """Return the version in force on `day`: the latest that has started, None before the first."""
    return max((version for version in versions if version.starts <= day), key=lambda one: one.starts, default=None)
