"""Amounts as Stripe writes them: whole numbers in a unit that for a few currencies is not ISO 4217's minor unit.

Source: docs.stripe.com/currencies (special cases; minimum and maximum charge amounts). ISK and UGX have no decimals
and are written with two; currencies with three decimals are charged in tens of their minor unit.
"""

from __future__ import annotations

from mvne_plans.money import Money, exponent

#: How many of Stripe's units one of our minor units is, where that is not 1.
FACTORS = {"ISK": 100, "UGX": 100}

#: The smallest charge, in Stripe's units; a currency that is not listed has no published minimum of its own.
MINIMUM = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
    "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50,
    "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip

#: The largest charge: eight digits.
MAXIMUM = 99_999_999


def to_stripe(amount: Money) -> tuple[int, str]:
    """Return an amount and currency as Stripe takes them.

    >>> to_stripe(Money(490, "EUR")), to_stripe(Money(5, "ISK"))
    ((490, 'eur'), (500, 'isk'))
    """
    return amount.minor * FACTORS.get(amount.currency, 1), amount.currency.lower()


def from_stripe(amount: int, currency: str) -> Money:
    """Return Stripe's amount as money; raise `MoneyError` for a currency that is not known here.

    >>> from_stripe(500, "isk")
    Money(minor=5, currency='ISK')
    """
    code = currency.upper()
    return Money(amount // FACTORS.get(code, 1), code)


def step(currency: str) -> int:
    """Return what a charge in this ISO currency must be a multiple of, in Stripe's units."""
    return FACTORS.get(currency, 10 if exponent(currency) == 3 else 1)
