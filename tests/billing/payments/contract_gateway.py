"""What every payment gateway must do: one suite for the simulated Stripe and for Stripe's own test mode.

A run has a name of its own, so that the suite can be repeated against a Stripe account that keeps everything.
"""

from __future__ import annotations

import pytest

from mvne_billing.payments.gateway import (
    Charge,
    ChargeStatus,
    CustomerSpec,
    GatewayRefused,
    KeyReused,
    PaymentGateway,
    PriceSpec,
    ProductSpec,
    Refund,
    RefundStatus,
    SyncAction,
)
from mvne_plans.money import Money


class GatewayContract:
    """Mixed into a test class that has the fixtures `gateway` and `run` (a name that no earlier run had)."""

    def product(self, gateway: PaymentGateway, run: str) -> ProductSpec:
        product = ProductSpec(f"{run}-douceur", "Douceur", metadata={"mvne_hash": "1"})
        gateway.sync_product(f"{run}:product", product)
        return product

    def price(self, product: ProductSpec, run: str, amount: int = 490) -> PriceSpec:
        return PriceSpec(f"{run}:douceur:1", product.id, Money(amount, "EUR"), {"mvne_hash": str(amount)})

    def customer(self, gateway: PaymentGateway, run: str) -> str:
        return gateway.ensure_customer(
            f"{run}:customer", CustomerSpec(f"{run}-sub", "Ada", "ada@tilleul.example", "fr")
        )

    def attempt(self, gateway: PaymentGateway, run: str, method: str, amount: int = 490) -> Charge:
        return Charge(f"{run}-pay", f"{run}-inv", Money(amount, "EUR"), self.customer(gateway, run), method)

    def test_a_product_is_made_once(self, gateway: PaymentGateway, run: str) -> None:
        product = ProductSpec(f"{run}-douceur", "Douceur", metadata={"mvne_hash": "1"})
        assert gateway.sync_product(f"{run}:product", product).action is SyncAction.CREATED
        assert gateway.sync_product(f"{run}:product", product).action is SyncAction.UNCHANGED

    def test_a_changed_product_is_changed_in_place(self, gateway: PaymentGateway, run: str) -> None:
        product = self.product(gateway, run)
        renamed = ProductSpec(product.id, "Douceur Plus", metadata={"mvne_hash": "2"})
        assert gateway.sync_product(f"{run}:product:2", renamed).action is SyncAction.UPDATED
        assert gateway.sync_product(f"{run}:product:2", renamed).action is SyncAction.UNCHANGED
        retired = ProductSpec(product.id, "Douceur Plus", active=False, metadata={"mvne_hash": "2"})
        assert gateway.sync_product(f"{run}:product:3", retired).action is SyncAction.ARCHIVED

    def test_a_changed_amount_makes_a_new_price_and_archives_the_old(self, gateway: PaymentGateway, run: str) -> None:
        product = self.product(gateway, run)
        first = gateway.sync_price(f"{run}:price", self.price(product, run))
        assert first.action is SyncAction.CREATED
        assert gateway.sync_price(f"{run}:price", self.price(product, run)).action is SyncAction.UNCHANGED
        second = gateway.sync_price(f"{run}:price:2", self.price(product, run, 590))
        assert second.action is SyncAction.REPLACED
        assert second.reference != first.reference
        (found,) = gateway.find_prices([f"{run}:douceur:1"])
        assert (found.reference, found.amount, found.active) == (second.reference, Money(590, "EUR"), True)

    def test_a_price_that_goes_back_is_a_new_price_again(self, gateway: PaymentGateway, run: str) -> None:
        product = self.product(gateway, run)
        references = [
            gateway.sync_price(f"{run}:price:{amount}", self.price(product, run, amount)).reference
            for amount in (490, 590, 490, 590)
        ]
        assert len(set(references)) == 4
        (found,) = gateway.find_prices([f"{run}:douceur:1"])
        assert (found.reference, found.active) == (references[-1], True)

    def test_an_archived_price_comes_back_when_it_is_sold_again(self, gateway: PaymentGateway, run: str) -> None:
        product = self.product(gateway, run)
        made = gateway.sync_price(f"{run}:price", self.price(product, run))
        assert gateway.archive_price(f"{run}:douceur:1").action is SyncAction.ARCHIVED
        assert gateway.archive_price(f"{run}:douceur:1").action is SyncAction.UNCHANGED
        again = gateway.sync_price(f"{run}:price", self.price(product, run))
        assert (again.action, again.reference) == (SyncAction.UPDATED, made.reference)

    def test_a_price_that_does_not_exist_cannot_be_archived(self, gateway: PaymentGateway, run: str) -> None:
        with pytest.raises(GatewayRefused) as refused:
            gateway.archive_price(f"{run}:nothing")
        assert refused.value.code == "resource_missing"

    def test_unknown_lookup_keys_are_left_out(self, gateway: PaymentGateway, run: str) -> None:
        assert gateway.find_prices([f"{run}:nothing"]) == ()

    def test_the_same_customer_is_made_once(self, gateway: PaymentGateway, run: str) -> None:
        assert self.customer(gateway, run) == self.customer(gateway, run)

    def test_a_removed_customer_can_be_made_again_with_the_same_key(self, gateway: PaymentGateway, run: str) -> None:
        first = self.customer(gateway, run)
        gateway.remove_customer(first)
        gateway.remove_customer(first)
        assert self.customer(gateway, run) != first

    def test_a_kept_card_is_charged(self, gateway: PaymentGateway, run: str) -> None:
        customer = self.customer(gateway, run)
        method = gateway.attach_method(f"{run}:attach", customer, "pm_card_visa")
        result = gateway.charge(f"{run}:charge", self.attempt(gateway, run, method))
        assert (result.status, result.code) == (ChargeStatus.SUCCEEDED, None)
        assert result.reference is not None
        assert gateway.fetch_charge(result.reference) == result

    def test_the_same_key_gives_the_first_answer_again(self, gateway: PaymentGateway, run: str) -> None:
        attempt = self.attempt(gateway, run, "pm_card_visa")
        assert gateway.charge(f"{run}:charge", attempt) == gateway.charge(f"{run}:charge", attempt)

    def test_the_same_key_for_another_amount_is_refused(self, gateway: PaymentGateway, run: str) -> None:
        gateway.charge(f"{run}:charge", self.attempt(gateway, run, "pm_card_visa"))
        with pytest.raises(KeyReused):
            gateway.charge(f"{run}:charge", self.attempt(gateway, run, "pm_card_visa", 491))

    def test_a_charge_is_found_by_our_payment(self, gateway: PaymentGateway, run: str) -> None:
        attempt = self.attempt(gateway, run, "pm_card_visa")
        assert gateway.find_charge(attempt.payment_id, attempt.customer) is None
        result = gateway.charge(f"{run}:charge", attempt)
        assert gateway.find_charge(attempt.payment_id, attempt.customer) == result

    def test_a_decline_is_an_answer(self, gateway: PaymentGateway, run: str) -> None:
        customer = self.customer(gateway, run)
        method = gateway.attach_method(f"{run}:attach", customer, "pm_card_chargeCustomerFail")
        result = gateway.charge(f"{run}:charge", self.attempt(gateway, run, method))
        assert (result.status, result.code) == (ChargeStatus.FAILED, "generic_decline")
        assert result.reference is not None
        assert gateway.fetch_charge(result.reference) == result

    def test_a_card_that_wants_authentication_says_so(self, gateway: PaymentGateway, run: str) -> None:
        customer = self.customer(gateway, run)
        method = gateway.attach_method(f"{run}:attach", customer, "pm_card_authenticationRequired")
        result = gateway.charge(f"{run}:charge", self.attempt(gateway, run, method))
        assert (result.status, result.code) == (ChargeStatus.REQUIRES_ACTION, "authentication_required")

    def test_a_card_declined_on_keeping_is_refused(self, gateway: PaymentGateway, run: str) -> None:
        with pytest.raises(GatewayRefused) as refused:
            gateway.attach_method(f"{run}:attach", self.customer(gateway, run), "pm_card_chargeDeclined")
        assert refused.value.code == "generic_decline"

    def test_a_charge_below_the_smallest_amount_is_refused(self, gateway: PaymentGateway, run: str) -> None:
        with pytest.raises(GatewayRefused) as refused:
            gateway.charge(f"{run}:charge", self.attempt(gateway, run, "pm_card_visa", 49))
        assert refused.value.code == "amount_too_small"

    def test_a_charge_that_never_was_cannot_be_fetched(self, gateway: PaymentGateway) -> None:
        with pytest.raises(GatewayRefused) as refused:
            gateway.fetch_charge("pi_nothing")
        assert refused.value.code == "resource_missing"

    def test_refunds_add_up_to_the_charge_and_no_more(self, gateway: PaymentGateway, run: str) -> None:
        paid = gateway.charge(f"{run}:charge", self.attempt(gateway, run, "pm_card_visa")).reference
        assert paid is not None
        first = gateway.refund(f"{run}:refund:1", Refund(f"{run}-1", paid, Money(400, "EUR"), "cn-1"))
        assert (first.status, first.code) == (RefundStatus.SUCCEEDED, None)
        assert gateway.refund(f"{run}:refund:1", Refund(f"{run}-1", paid, Money(400, "EUR"), "cn-1")) == first
        assert gateway.find_refund(f"{run}-1", paid) == first
        over = gateway.refund(f"{run}:refund:2", Refund(f"{run}-2", paid, Money(91, "EUR"), "cn-2"))
        assert (over.status, over.reference, over.code) == (RefundStatus.REFUSED, None, "refund_exceeds_charge")
        rest = gateway.refund(f"{run}:refund:3", Refund(f"{run}-3", paid, Money(90, "EUR"), "cn-3"))
        assert rest.status is RefundStatus.SUCCEEDED
        nothing_left = gateway.refund(f"{run}:refund:4", Refund(f"{run}-4", paid, Money(1, "EUR"), "cn-4"))
        assert (nothing_left.status, nothing_left.code) == (RefundStatus.REFUSED, "charge_already_refunded")
        assert gateway.find_refund(f"{run}-4", paid) is None
