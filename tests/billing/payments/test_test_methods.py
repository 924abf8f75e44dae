"""Every documented test card and test bank debit does what Stripe's documentation says it does."""

from __future__ import annotations

import pytest

from mvne_billing.payments.gateway import ChargeStatus, GatewayRefused, RefundStatus
from mvne_billing.payments.stripe_simulator.cards import HANDLES
from tests.billing.payments.world import World

WORK = ["visa", "visa_debit", "mastercard", "amex", "authenticationRequiredSetupForOffSession"]
DECLINED = {
    "chargeDeclined": ("card_declined", "generic_decline"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": ("expired_card", None),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "chargeDeclinedProcessingError": ("processing_error", None),
}
AUTHENTICATE = ["authenticationRequired", "authenticationRequiredChargeDeclinedInsufficientFunds"]
DEBITS = {
    "success": (0, ChargeStatus.SUCCEEDED, None),
    "successDelayed": (180, ChargeStatus.SUCCEEDED, None),
    "failed": (0, ChargeStatus.FAILED, "generic_could_not_process"),
    "failedDelayed": (180, ChargeStatus.FAILED, "generic_could_not_process"),
    "insufficientFunds": (0, ChargeStatus.FAILED, "insufficient_funds"),
}


@pytest.mark.parametrize("card", WORK)
def test_a_card_that_works_is_kept_and_charged(world: World, card: str) -> None:
    method = world.gateway.attach_method("attach", world.customer(), f"pm_card_{card}")
    assert world.charge("pay-1", method).status is ChargeStatus.SUCCEEDED
    (intent,) = world.all("payment_intents")
    assert (intent["status"], intent["amount_received"], intent["payment_method"]) == ("succeeded", 490, method)


@pytest.mark.parametrize("network", ["", "visa_"])
@pytest.mark.parametrize("card", DECLINED)
def test_a_declined_card_is_refused_when_charged_and_when_kept(world: World, network: str, card: str) -> None:
    code, decline_code = DECLINED[card]
    handle = f"pm_card_{network}{card}"
    result = world.charge("pay-1", handle)
    assert (result.status, result.code) == (ChargeStatus.FAILED, decline_code or code)
    assert result.message
    (intent,), (charge,) = world.all("payment_intents"), world.all("charges")
    error = intent["last_payment_error"]
    assert (intent["status"], intent["amount_received"], intent["payment_method"]) == (
        "requires_payment_method",
        0,
        None,
    )
    assert (error["code"], error.get("decline_code"), error["charge"]) == (code, decline_code, charge["id"])
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, code)
    with pytest.raises(GatewayRefused) as refused:
        world.gateway.attach_method("attach", world.customer(), handle)
    assert refused.value.code == (decline_code or code)
    assert world.sdk.payment_methods.list({"customer": world.customer()}).data == []


def test_a_card_may_be_kept_and_declined_later(world: World) -> None:
    method = world.gateway.attach_method("attach", world.customer(), "pm_card_chargeCustomerFail")
    for payment in ("pay-1", "pay-2"):
        result = world.charge(payment, method)
        assert (result.status, result.code) == (ChargeStatus.FAILED, "generic_decline")


@pytest.mark.parametrize("card", AUTHENTICATE)
def test_a_card_that_wants_authentication_is_declined_when_nobody_is_there(world: World, card: str) -> None:
    method = world.gateway.attach_method("attach", world.customer(), f"pm_card_{card}")
    result = world.charge("pay-1", method)
    assert (result.status, result.code) == (ChargeStatus.REQUIRES_ACTION, "authentication_required")
    assert result.reference is not None
    assert world.gateway.fetch_charge(result.reference) == result
    (intent,) = world.all("payment_intents")
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == "authentication_required"


@pytest.mark.parametrize("debit", DEBITS)
@pytest.mark.parametrize("country", ["at", "de", "fr"])
def test_a_bank_debit_is_on_its_way_and_then_arrives_or_fails(world: World, country: str, debit: str) -> None:
    seconds, status, code = DEBITS[debit]
    method = world.gateway.attach_method("attach", world.customer(), f"pm_{debit}_{country}")
    result = world.charge("pay-1", method)
    assert (result.status, result.code) == (ChargeStatus.PROCESSING, None)
    assert result.reference is not None
    if seconds:
        world.clock.advance(seconds=seconds - 1)
        assert world.gateway.fetch_charge(result.reference).status is ChargeStatus.PROCESSING
        world.clock.advance(seconds=1)
    after = world.gateway.fetch_charge(result.reference)
    assert (after.status, after.code) == (status, code)
    (charge,) = world.all("charges")
    assert charge["amount_captured"] == (490 if status is ChargeStatus.SUCCEEDED else 0)


def test_a_bank_debit_on_its_way_cannot_be_refunded(world: World) -> None:
    reference = world.charge("pay-1", "pm_successDelayed_fr").reference
    assert reference is not None
    with pytest.raises(GatewayRefused) as refused:
        world.refund("r-1", reference, 100)
    assert refused.value.code == "charge_not_refundable"


def test_many_bank_debits_arrive_together(world: World) -> None:
    customer = world.customer()
    for number in range(120):
        world.charge(f"pay-{number}", "pm_successDelayed_fr", customer=customer)
    world.clock.advance(minutes=3)
    assert world.stripe.settle() == 120
    assert world.stripe.settle() == 0
    assert {intent["status"] for intent in world.all("payment_intents")} == {"succeeded"}


@pytest.mark.parametrize(
    ("card", "first", "then"),
    [
        ("visa", RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED),
        ("pendingRefund", RefundStatus.PENDING, RefundStatus.SUCCEEDED),
        ("refundFail", RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    ],
)
def test_a_refund_may_wait_or_come_back(world: World, card: str, first: RefundStatus, then: RefundStatus) -> None:
    paid = world.charge("pay-1", f"pm_card_{card}").reference
    assert paid is not None
    assert world.refund("r-1", paid, 490).status is first
    found = world.gateway.find_refund("r-1", paid)
    assert found is not None
    assert found.status is then
    (charge,) = world.all("charges")
    back = 0 if then is RefundStatus.FAILED else 490
    assert (charge["amount_refunded"], charge["refunded"]) == (back, back == 490)


def test_every_test_method_is_in_one_of_the_tables_above() -> None:
    cards = [*WORK, *DECLINED, *AUTHENTICATE, "chargeCustomerFail", "pendingRefund", "refundFail"]
    networks = [f"pm_card_visa_{card}" for card in DECLINED]
    debits = [f"pm_{debit}_{country}" for debit in DEBITS for country in ("at", "de", "fr")]
    assert set(HANDLES) == {*(f"pm_card_{card}" for card in cards), *networks, *debits}


def test_an_unknown_test_method_is_refused(world: World) -> None:
    with pytest.raises(GatewayRefused) as refused:
        world.charge("pay-1", "pm_card_unheardOf")
    assert refused.value.code == "resource_missing"
