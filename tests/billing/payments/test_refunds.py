"""Refunds never give back more than was captured, whatever the order; money is conserved in the simulated account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mvne_billing.payments.gateway import OVER_REFUND, ChargeStatus, GatewayRefused, GatewayUnavailable, RefundStatus
from tests.billing.payments.conftest import memory_engine
from tests.billing.payments.world import Clock, World

METHODS = st.sampled_from(
    ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_pendingRefund", "pm_card_refundFail", "pm_successDelayed_fr"]
)
FAULTS = st.sampled_from([None, ("timeout", False), ("timeout", True), (500, True)])


@pytest.mark.parametrize(
    ("amounts", "statuses"),
    [
        ([490], ["succeeded"]),
        ([491], ["refused"]),
        ([400, 90], ["succeeded", "succeeded"]),
        ([400, 91], ["succeeded", "refused"]),
        ([400, 91, 90, 1], ["succeeded", "refused", "succeeded", "refused"]),
    ],
)
def test_refunds_stop_at_what_is_left(world: World, amounts: list[int], statuses: list[str]) -> None:
    paid = world.paid(490)
    assert [world.refund(f"r-{place}", paid, amount).status for place, amount in enumerate(amounts)] == statuses
    given = sum(amount for amount, status in zip(amounts, statuses, strict=True) if status == "succeeded")
    (charge,) = world.all("charges")
    assert (charge["amount_refunded"], charge["refunded"]) == (given, given == 490)


def test_a_refund_that_is_too_large_says_how_much_is_left(world: World) -> None:
    result = world.refund("r-1", world.paid(490), 500)
    assert (result.code, result.reference) == (OVER_REFUND, None)
    assert result.message is not None
    assert "5.00 EUR" in result.message
    assert "4.90 EUR" in result.message


def test_a_refund_without_an_amount_gives_back_all_that_is_left(world: World) -> None:
    paid = world.paid(490)
    world.refund("r-1", paid, 100)
    assert world.sdk.refunds.create({"payment_intent": paid}).amount == 390


def test_a_refund_carries_our_ids_and_names_its_charge(world: World) -> None:
    paid = world.paid()
    world.refund("r-1", paid, 100)
    (refund,), (charge,) = world.all("refunds"), world.all("charges")
    assert refund["metadata"] == {"mvne_refund": "r-1", "mvne_credit_note": "cn-r-1"}
    assert (refund["payment_intent"], refund["charge"]) == (paid, charge["id"])
    assert world.sdk.refunds.retrieve(refund["id"]).amount == 100
    assert [found.id for found in world.sdk.refunds.list({"charge": charge["id"]}).data] == [refund["id"]]


@pytest.mark.parametrize("params", [{}, {"charge": "ch_1", "payment_intent": "pi_1"}])
def test_a_refund_names_one_thing_to_refund(world: World, params: stripe.params.RefundCreateParams) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="names a charge or a payment_intent"):
        world.sdk.refunds.create(params)


def test_a_refund_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="at least 1"):
        world.sdk.refunds.create({"payment_intent": world.paid(), "amount": 0})


def test_a_failed_charge_cannot_be_refunded(world: World) -> None:
    reference = world.charge("pay-1", "pm_card_chargeDeclined").reference
    assert reference is not None
    with pytest.raises(GatewayRefused) as refused:
        world.refund("r-1", reference, 100)
    assert refused.value.code == "charge_not_refundable"


class Till(RuleBasedStateMachine):
    """Charges and refunds in any order, with lost answers, retries and waiting; our own books beside Stripe's."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = memory_engine()
        self.world = World(self.engine, Clock())
        self.customer = self.world.customer()
        self.numbers: Iterator[int] = iter(range(10_000))
        self.charges: list[str] = []

    def teardown(self) -> None:
        self.engine.dispose()

    def again(self, fault: tuple[str | int, bool] | None) -> int:
        """Order the fault, if any; return how often the caller will have to call."""
        if fault is None:
            return 1
        self.world.stripe.fail_next("timeout" if fault[0] == "timeout" else 500, after_effect=fault[1])
        return 2

    @rule(method=METHODS, amount=st.integers(50, 5000), fault=FAULTS)
    def charge(self, method: str, amount: int, fault: tuple[str | int, bool] | None) -> None:
        payment = f"pay-{next(self.numbers)}"
        for _ in range(self.again(fault)):
            try:
                result = self.world.charge(payment, method, amount, self.customer)
            except GatewayUnavailable:
                continue
            assert result.reference is not None
            self.charges.append(result.reference)

    @precondition(lambda self: self.charges)
    @rule(place=st.integers(0), amount=st.integers(1, 6000), fault=FAULTS)
    def refund(self, place: int, amount: int, fault: tuple[str | int, bool] | None) -> None:
        refund = f"r-{next(self.numbers)}"
        reference = self.charges[place % len(self.charges)]
        for _ in range(self.again(fault)):
            try:
                result = self.world.refund(refund, reference, amount)
            except GatewayUnavailable:
                continue
            except GatewayRefused:
                status = self.world.gateway.fetch_charge(reference).status
                assert status in (ChargeStatus.FAILED, ChargeStatus.PROCESSING)
                continue
            assert (result.reference is None) == (result.status is RefundStatus.REFUSED)

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @invariant()
    def every_payment_is_made_once(self) -> None:
        payments = [intent["metadata"]["mvne_payment"] for intent in self.world.all("payment_intents")]
        assert len(payments) == len(set(payments))

    @invariant()
    def nothing_is_given_back_that_was_not_captured(self) -> None:
        standing: dict[str, int] = {}
        for refund in self.world.all("refunds"):
            if refund["status"] != "failed":
                standing[refund["charge"]] = standing.get(refund["charge"], 0) + refund["amount"]
        for charge in self.world.all("charges"):
            assert charge["amount_refunded"] == standing.pop(charge["id"], 0)
            assert 0 <= charge["amount_refunded"] <= charge["amount_captured"] <= charge["amount"]
            assert charge["amount_captured"] == (charge["amount"] if charge["status"] == "succeeded" else 0)
        assert standing == {}

    @invariant()
    def what_came_in_is_what_the_intents_received(self) -> None:
        received = sum(intent["amount_received"] for intent in self.world.all("payment_intents"))
        assert received == sum(charge["amount_captured"] for charge in self.world.all("charges"))


TestTill = Till.TestCase
TestTill.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
