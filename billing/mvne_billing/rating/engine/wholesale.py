"""What the host charges for a route, as numbers of a table row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from mvne_billing.rating.engine.prices import NO_MAXIMUM, over
from mvne_billing.rating.engine.shapes import denominator
from mvne_billing.rating.result import Reason
from mvne_billing.rating.route import Route
from mvne_billing.rating.wholesale import agreed_rate
from mvne_plans.agreement import Agreement
from mvne_plans.money import MICRO
from mvne_plans.rate import FREE, Rate


@dataclass(frozen=True)
class Wholesale:
    """The agreed price of a route: a rate, or retail less a share; `rule` says which, `reason` why there is none."""

    rate: Rate = FREE
    rule: str = ""
    minus: Fraction | None = None
    reason: Reason | None = None

    def row(self) -> Mapping[str, object]:
        """Return the columns of a route that make its cost."""
        return _row(self.rate, self.minus)


@lru_cache(maxsize=4096)  # a host has few rates, and a brand many routes
def _row(rate: Rate, minus: Fraction | None) -> Mapping[str, object]:
    base, percent = denominator((rate,)), 1 + Fraction(rate.percent) / 100
    retail = minus if minus is not None else Fraction(0)
    return {
        "w_num": over(rate.micro_per_unit, base),
        "w_first": rate.increments.first,
        "w_next": rate.increments.next,
        "w_setup": over(Fraction(rate.setup) * MICRO, base),
        "w_least": over(Fraction(rate.minimum) * MICRO, base),
        "w_most": NO_MAXIMUM if rate.maximum is None else over(Fraction(rate.maximum) * MICRO, base),
        "w_share": percent.numerator,
        "w_den": base * percent.denominator,
        "w_retail": int(minus is not None),
        "w_retail_num": retail.numerator,
        "w_retail_den": retail.denominator,
    }


def wholesale_of(found: Route, agreement: Agreement | None) -> Wholesale:
    """Return what a route costs under an agreement, as `rating.wholesale.cost` finds it."""
    if found.is_emergency:
        return Wholesale(rule="emergency")
    if agreement is None or agreement.currency != found.tariff.currency:
        return Wholesale(reason=Reason.NO_WHOLESALE_PRICE)
    if agreement.retail_share is not None:
        return Wholesale(rule=f"retail less {agreement.retail_minus:f} percent", minus=agreement.retail_share)
    if found.kind in agreement.capacity:
        return Wholesale(rule="capacity")
    rate, rule = agreed_rate(found, agreement)
    if rate is None:
        return Wholesale(reason=Reason.NO_WHOLESALE_PRICE)
    return Wholesale(rate, f"{rule} {rate.text(found.kind)}")
