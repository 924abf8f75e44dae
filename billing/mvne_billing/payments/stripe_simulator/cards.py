"""Stripe's documented test cards and test bank debits, and what each of them does.

Source: docs.stripe.com/testing (cards) and docs.stripe.com/payments/sepa-debit/accept-a-payment (IBANs). A stored
payment method is known again by what it shows, its network or country and its last four signs, as at Stripe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

DECLINED = "Your card was declined."


@dataclass(frozen=True, slots=True)
class TestMethod:
    """How a test payment method behaves.

    `code` and `decline_code` are of the refused charge, None for one that works. `attaches` is False when the card is
    already refused on being kept. `authenticates` asks for 3-D Secure, every time. `settles` is how long a bank debit
    is on its way. `refund` is `succeeded`, or how a later turn changes it: `pending` or `failed`.
    """

    brand: str
    number: str
    code: str | None = None
    decline_code: str | None = None
    message: str = DECLINED
    attaches: bool = True
    authenticates: bool = False
    settles: timedelta | None = None
    refund: str = "succeeded"

    __test__ = False  # not a test class, for all its name

    @property
    def is_debit(self) -> bool:
        """Whether this is a SEPA direct debit; then `brand` is the country of the bank."""
        return self.settles is not None

    @property
    def last4(self) -> str:
        """The last four signs, as the payment method shows them."""
        return self.number[-4:]


def _declined(number: str, decline_code: str) -> TestMethod:
    return TestMethod("visa", number, "card_declined", decline_code, attaches=False)


_SOON, _DELAYED = timedelta(0), timedelta(minutes=3)

_CARDS = {
    "visa": TestMethod("visa", "4242424242424242"),
    "visa_debit": TestMethod("visa", "4000056655665556"),
    "mastercard": TestMethod("mastercard", "5555555555554444"),
    "amex": TestMethod("amex", "378282246310005"),
    "chargeDeclined": _declined("4000000000000002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": TestMethod(
        "visa", "4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds.", False
    ),
    "chargeDeclinedLostCard": _declined("4000000000009987", "lost_card"),
    "chargeDeclinedStolenCard": _declined("4000000000009979", "stolen_card"),
    "chargeDeclinedVelocityLimitExceeded": _declined("4000000000006975", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": TestMethod(
        "visa", "4000000000000069", "expired_card", None, "Your card has expired.", False
    ),
    "chargeDeclinedIncorrectCvc": TestMethod(
        "visa", "4000000000000127", "incorrect_cvc", None, "Your card's security code is incorrect.", False
    ),
    "chargeDeclinedProcessingError": TestMethod(
        "visa", "4000000000000119", "processing_error", None, "The card could not be processed; try later.", False
    ),
    "chargeCustomerFail": TestMethod("visa", "4000000000000341", "card_declined", "generic_decline"),
    "authenticationRequired": TestMethod("visa", "4000002760003184", authenticates=True),
    "authenticationRequiredChargeDeclinedInsufficientFunds": TestMethod(
        "visa", "4000008260003178", "card_declined", "insufficient_funds", authenticates=True
    ),
    "authenticationRequiredSetupForOffSession": TestMethod("visa", "4000003800000446"),
    "pendingRefund": TestMethod("visa", "4000000000007726", refund="pending"),
    "refundFail": TestMethod("visa", "4000000000005126", refund="failed"),
}  # fmt: skip

_DEBIT_FAILED = "The bank did not honour the direct debit."


def _debits(country: str, ibans: str) -> dict[str, TestMethod]:
    success, later, failed, failed_later, funds = ibans.split()

    def debit(iban: str, settles: timedelta, code: str | None = None) -> TestMethod:
        return TestMethod(country, iban, code, message=_DEBIT_FAILED, settles=settles)

    return {
        f"pm_success_{country}": debit(success, _SOON),
        f"pm_successDelayed_{country}": debit(later, _DELAYED),
        f"pm_failed_{country}": debit(failed, _SOON, "generic_could_not_process"),
        f"pm_failedDelayed_{country}": debit(failed_later, _DELAYED, "generic_could_not_process"),
        f"pm_insufficientFunds_{country}": debit(funds, _SOON, "insufficient_funds"),
    }


#: Every handle that can be given as a payment method; card handles are documented both with and without the network.
HANDLES: dict[str, TestMethod] = {
    **{f"pm_card_{name}": card for name, card in _CARDS.items()},
    **{f"pm_card_visa_{name}": card for name, card in _CARDS.items() if name.startswith("chargeDeclined")},
    **_debits(
        "at",
        "AT611904300234573201 AT321904300235473204 AT861904300235473202 AT051904300235473205 AT981904300002222227",
    ),
    **_debits(
        "fr",
        "FR1420041010050500013M02606 FR3020041010050500013M02609 FR8420041010050500013M02607 "
        "FR7920041010050500013M02600 FR9720041010050000002222227",
    ),
    **_debits(
        "de",
        "DE89370400440532013000 DE08370400440532013003 DE62370400440532013001 DE78370400440532013004 "
        "DE65370400440002222227",
    ),
}

#: The same, found by what a stored payment method shows.
BY_LOOK = {(method.is_debit, method.brand, method.last4): method for method in HANDLES.values()}
