"""What Stripe charges: its currencies, its smallest and largest amounts."""

from __future__ import annotations

from mvne_billing.payments import stripe_amounts
from mvne_billing.payments.stripe_simulator.refusals import Refusal
from mvne_plans.money import EXPONENTS, Money

#: Currencies that are known here and that Stripe does not take.
_NOT_AT_STRIPE = {"IQD"}


def currency(text: str) -> str:
    """Return a currency in lower case; raise `Refusal` when it is not one that Stripe takes."""
    code = text.upper()
    if code not in EXPONENTS or code in _NOT_AT_STRIPE:
        raise Refusal(f"Invalid currency: {text}", param="currency")
    return text.lower()


def chargeable(amount: int, text: str) -> str:
    """Return the currency of an amount that can be charged; raise `Refusal` when it cannot."""
    code = currency(text).upper()
    least = stripe_amounts.MINIMUM.get(code, 1)
    if amount < 1:
        raise Refusal("amount must be at least 1", code="parameter_invalid_integer", param="amount")
    if amount < least:
        raise Refusal(f"The smallest charge is {shown(least, code)}", code="amount_too_small", param="amount")
    if amount > stripe_amounts.MAXIMUM:
        raise Refusal(
            f"The largest charge is {shown(stripe_amounts.MAXIMUM, code)}", code="amount_too_large", param="amount"
        )
    if amount % stripe_amounts.step(code):
        raise Refusal(f"An amount in {code} is a multiple of {stripe_amounts.step(code)}", param="amount")
    return code.lower()


def shown(amount: int, code: str) -> Money:
    """Return an amount for people to read."""
    return stripe_amounts.from_stripe(amount, code)
