"""Tax on an invoice: by the market's VAT, or by the place where the subscriber is.

Each tax is computed once on the invoice's total and rounded as a bill line is. Where prices include tax, the tax is
taken out of them; where they do not, it is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from mvne_billing.errors import BillingError
from mvne_plans.money import Money, total


class UnknownTaxRegion(BillingError):
    """The tax table has no row for the place where the subscriber is."""


@dataclass(frozen=True, slots=True)
class TaxRule:
    """One tax: `percent` of the taxed amount, and `per_line` for every line on an invoice of a period."""

    name: str
    percent: Decimal = Decimal(0)
    per_line: Money | None = None


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax on one invoice: on what `base`, excluding tax, and how much."""

    name: str
    percent: str
    base: Money
    amount: Money


@dataclass(frozen=True)
class TaxPolicy:
    """How a brand's invoices are taxed: whether its prices include tax, and the taxes of each region.

    The region None is where nothing depends on the place: a VAT country.
    """

    inclusive: bool
    regions: Mapping[str | None, tuple[TaxRule, ...]]

    def rules(self, region: str | None) -> tuple[TaxRule, ...]:
        """Return the taxes of a region; raise `UnknownTaxRegion` rather than tax nothing in silence."""
        place = None if None in self.regions else region
        if place not in self.regions:
            known = ", ".join(sorted(str(one) for one in self.regions))
            raise UnknownTaxRegion(f"no tax is known for region {region!r}; the tax table has {known}")
        return self.regions[place]


def taxes(amount: Money, rules: tuple[TaxRule, ...], inclusive: bool, lines: int = 0) -> tuple[Money, list[TaxLine]]:
    """Return the amount excluding tax and the taxes on it; `lines` counts what the per-line taxes are due on.

    >>> net, (vat,) = taxes(Money(490, "EUR"), (TaxRule("TVA", Decimal("20")),), inclusive=True)
    >>> str(net), str(vat.amount)
    ('4.08 EUR', '0.82 EUR')
    """
    percents = [Fraction(rule.percent) for rule in rules]
    whole = 100 + sum(percents) if inclusive else Fraction(100)
    fixed = [rule.per_line * lines if rule.per_line else Money.zero(amount.currency) for rule in rules]
    base = amount - total(fixed, amount.currency) if inclusive else amount
    amounts = [base.share(percent / whole) + due for percent, due in zip(percents, fixed, strict=True)]
    net = amount - total(amounts, amount.currency) if inclusive else amount
    return net, [
        TaxLine(rule.name, f"{rule.percent:f}", net, taxed)
        for rule, taxed in zip(rules, amounts, strict=True)
        if taxed or rule.percent
    ]
