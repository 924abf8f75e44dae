"""What the Stripe adapter adds to the contract: keys it refuses, steps it finishes, errors it tells apart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import pytest
import stripe

from mvne_billing.payments import stripe_answers as answers
from mvne_billing.payments.gateway import (
    ChargeStatus,
    CustomerSpec,
    GatewayRefused,
    GatewayUnavailable,
    PriceSpec,
    ProductSpec,
    RefundStatus,
    SyncAction,
)
from mvne_billing.payments.stripe_amounts import from_stripe, to_stripe
from mvne_billing.payments.stripe_gateway import NETWORK_RETRIES, StripeGateway
from mvne_billing.payments.stripe_simulator.http import SimulatedClient
from mvne_billing.payments.stripe_simulator.keys import Answer
from mvne_plans.money import Money, MoneyError
from tests.billing.payments.world import SECRET, TEST_KEY, World

PRICE = PriceSpec("tilleul:douceur:1", "douceur", Money(490, "EUR"), {"mvne_hash": "1"})


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x", "pk_test_x", ""])
def test_a_key_that_is_not_a_test_key_needs_an_explicit_word(key: str) -> None:
    with pytest.raises(ValueError, match="live=True"):
        StripeGateway(key, SECRET)


def test_a_live_key_is_taken_when_live_is_said(world: World) -> None:
    gateway = StripeGateway("sk_live_x", SECRET, world.stripe.http_client(), live=True)
    with pytest.raises(GatewayRefused) as refused:
        gateway.fetch_charge("pi_1")
    assert refused.value.code == "authentication"


def test_the_port_does_not_know_stripe() -> None:
    program = "import sys, mvne_billing.payments.gateway; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_sdk_neither_retries_nor_reports_by_itself(world: World) -> None:
    assert NETWORK_RETRIES == 0
    assert stripe.enable_telemetry is False
    world.stripe.fail_next(503, times=1)
    with pytest.raises(GatewayUnavailable):
        world.gateway.fetch_charge("pi_1")


def test_a_replacement_cut_in_half_is_finished_by_the_next_sync(world: World) -> None:
    world.gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    first = world.gateway.sync_price("k1", PRICE)
    dearer = PriceSpec(PRICE.lookup_key, PRICE.product, Money(590, "EUR"), {"mvne_hash": "2"})
    world.stripe.fail_next("timeout", path=f"/v1/prices/{first.reference}")
    with pytest.raises(GatewayUnavailable):
        world.gateway.sync_price("k2", dearer)
    assert [price["active"] for price in world.all("prices")] == [True, True]
    assert world.gateway.sync_price("k2", dearer).action is SyncAction.UNCHANGED
    assert [price["active"] for price in world.all("prices")] == [False, True]


@pytest.mark.parametrize("archive", [False, True])
def test_two_replacements_after_a_cut_leave_one_price_on_sale(world: World, archive: bool) -> None:
    world.gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    first = world.gateway.sync_price("k1", PRICE)
    world.stripe.fail_next("timeout", path=f"/v1/prices/{first.reference}")
    with pytest.raises(GatewayUnavailable):
        world.gateway.sync_price("k2", PriceSpec(PRICE.lookup_key, PRICE.product, Money(590, "EUR")))
    if archive:
        world.gateway.archive_price(PRICE.lookup_key)
    else:
        world.gateway.sync_price("k3", PriceSpec(PRICE.lookup_key, PRICE.product, Money(690, "EUR")))
    on_sale = [price["unit_amount"] for price in world.all("prices") if price["active"]]
    assert on_sale == ([] if archive else [690])


def test_a_lost_answer_to_a_new_price_makes_no_second_one(world: World) -> None:
    world.gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    world.stripe.fail_next("timeout", after_effect=True, path="/v1/prices")
    with pytest.raises(GatewayUnavailable):
        world.gateway.sync_price("k1", PRICE)
    world.gateway.sync_price("k1", PRICE)
    assert len(world.all("prices")) == 1


def test_other_metadata_change_a_price_in_place(world: World) -> None:
    world.gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    made = world.gateway.sync_price("k1", PRICE)
    changed = PriceSpec(PRICE.lookup_key, PRICE.product, PRICE.amount, {"plan": "douceur"})
    again = world.gateway.sync_price("k2", changed)
    assert (again.action, again.reference) == (SyncAction.UPDATED, made.reference)
    (found,) = world.gateway.find_prices([PRICE.lookup_key])
    assert found.metadata == {"plan": "douceur"}


def test_names_and_metadata_go_back_and_forth_on_one_day(world: World) -> None:
    names = ["Douceur", "Douceur Plus", "Douceur", "Douceur Plus"]
    for name in names:
        world.gateway.sync_product(f"product:{name}", ProductSpec("douceur", name, metadata={name[-4:]: "1"}))
        product = world.sdk.products.retrieve("douceur")
        assert (product.name, product.metadata.to_dict()) == (name, {name[-4:]: "1"})


def test_prices_are_found_in_the_order_asked_more_than_ten_at_once(world: World) -> None:
    world.gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    keys = [f"price-{number}" for number in range(12)]
    for number, key in enumerate(keys):
        world.gateway.sync_price(key, PriceSpec(key, "douceur", Money(100 + number, "EUR")))
    asked = [*reversed(keys), "unknown"]
    assert [price.lookup_key for price in world.gateway.find_prices(asked)] == asked[:-1]


def test_a_customer_is_found_after_the_key_is_forgotten(world: World) -> None:
    reference = world.customer()
    world.clock.advance(hours=25)
    assert world.customer() == reference
    assert len(world.all("customers")) == 1


def test_a_changed_customer_is_brought_up_to_date_and_the_rest_is_left(world: World) -> None:
    reference = world.customer()
    world.clock.advance(minutes=1)
    assert world.gateway.ensure_customer("k2", CustomerSpec("sub-1", "Ada L.", locale="en")) == reference
    customer = world.sdk.customers.retrieve(reference)
    assert (customer.name, customer.email, customer.preferred_locales) == ("Ada L.", "ada@tilleul.example", ["en"])


def test_a_customer_needs_nothing_but_our_id(world: World) -> None:
    reference = world.gateway.ensure_customer("k", CustomerSpec("sub-'1'\\"))
    world.clock.advance(minutes=1)
    assert world.gateway.ensure_customer("k2", CustomerSpec("sub-'1'\\")) == reference
    assert world.gateway.ensure_customer("k3", CustomerSpec("sub-1")) != reference


def test_a_deleted_customer_is_not_what_a_search_finds(world: World) -> None:
    first = world.customer()
    world.clock.advance(minutes=1)
    world.gateway.remove_customer(first)
    second = world.customer()
    assert second != first
    world.gateway.remove_customer(second)
    assert len({first, second, world.customer()}) == 3


def test_a_removed_customer_keeps_no_card(world: World) -> None:
    customer = world.customer()
    method = world.gateway.attach_method("attach", customer, "pm_card_visa")
    world.gateway.remove_customer(customer)
    assert world.sdk.payment_methods.retrieve(method).customer is None
    with pytest.raises(GatewayRefused) as refused:
        world.charge("pay-1", method, customer=customer)
    assert refused.value.code == "resource_missing"


def test_a_removal_that_did_not_get_through_is_an_error(world: World) -> None:
    customer = world.customer()
    world.stripe.fail_next()
    with pytest.raises(GatewayUnavailable):
        world.gateway.remove_customer(customer)


def test_a_card_of_another_customer_is_refused(world: World) -> None:
    method = world.gateway.attach_method("attach", world.customer("sub-1"), "pm_card_visa")
    with pytest.raises(GatewayRefused, match="another customer"):
        world.charge("pay-1", method, customer=world.customer("sub-2"))


def test_a_payment_is_found_on_a_later_page_and_the_one_that_got_furthest_counts(world: World) -> None:
    customer = world.customer()
    world.charge("pay-1", "pm_card_chargeDeclined", customer=customer)
    world.clock.advance(hours=24)
    paid = world.charge("pay-1", "pm_card_chargeCustomerFail", customer=customer)
    assert paid.status is ChargeStatus.FAILED
    world.clock.advance(hours=24)
    paid = world.charge("pay-1", "pm_card_visa", customer=customer)
    for number in range(101):
        world.charge(f"other-{number}", "pm_card_visa", customer=customer)
    assert world.gateway.find_charge("pay-1", customer) == paid
    assert world.gateway.find_charge("pay-1", world.customer("sub-2")) is None


@pytest.mark.parametrize(
    ("intent", "status", "code", "action"),
    [
        (
            {"status": "requires_action", "next_action": None},
            ChargeStatus.REQUIRES_ACTION,
            "authentication_required",
            None,
        ),
        (
            {"status": "requires_action", "next_action": {"redirect_to_url": {"url": "https://bank.example"}}},
            ChargeStatus.REQUIRES_ACTION,
            "authentication_required",
            "https://bank.example",
        ),
        ({"status": "canceled", "cancellation_reason": "abandoned"}, ChargeStatus.FAILED, "abandoned", None),
        ({"status": "canceled", "cancellation_reason": None}, ChargeStatus.FAILED, "canceled", None),
        (
            {"status": "requires_payment_method", "last_payment_error": {"code": "expired_card"}},
            ChargeStatus.FAILED,
            "expired_card",
            None,
        ),
        ({"status": "requires_payment_method"}, ChargeStatus.FAILED, "requires_payment_method", None),
        ({"status": "processing"}, ChargeStatus.PROCESSING, None, None),
    ],
)
def test_every_state_of_an_intent_has_a_meaning(
    intent: dict[str, Any], status: ChargeStatus, code: str | None, action: str | None
) -> None:
    result = answers.charge_result({"id": "pi_1", **intent})
    assert (result.status, result.code, result.next_action) == (status, code, action)


@pytest.mark.parametrize("status", ["requires_capture", "requires_confirmation", "something_new"])
def test_a_state_that_our_intents_never_have_is_not_guessed(status: str) -> None:
    with pytest.raises(GatewayRefused, match="not one of ours"):
        answers.charge_result({"id": "pi_1", "status": status})


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("succeeded", RefundStatus.SUCCEEDED),
        ("pending", RefundStatus.PENDING),
        ("requires_action", RefundStatus.PENDING),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.FAILED),
    ],
)
def test_every_state_of_a_refund_has_a_meaning(status: str, meaning: RefundStatus) -> None:
    assert answers.refund_result({"id": "re_1", "status": status, "failure_reason": "x"}).status is meaning


def test_a_refund_in_an_unknown_state_is_not_guessed() -> None:
    with pytest.raises(GatewayRefused, match="not known here"):
        answers.refund_result({"id": "re_1", "status": "something_new"})


def test_a_price_without_a_whole_amount_is_not_one_of_ours() -> None:
    with pytest.raises(GatewayRefused, match="not one of ours"):
        answers.price({"id": "price_1", "unit_amount": None})


@pytest.mark.parametrize(
    ("money", "wire"),
    [
        (Money(490, "EUR"), (490, "eur")),
        (Money(500, "JPY"), (500, "jpy")),
        (Money(5, "ISK"), (500, "isk")),
        (Money(5, "UGX"), (500, "ugx")),
        (Money(5120, "KWD"), (5120, "kwd")),
        (Money(17500, "HUF"), (17500, "huf")),
    ],
)
def test_amounts_go_to_stripe_and_back(money: Money, wire: tuple[int, str]) -> None:
    assert to_stripe(money) == wire
    assert from_stripe(*wire) == money


def test_a_currency_that_is_not_known_is_not_guessed() -> None:
    with pytest.raises(MoneyError):
        from_stripe(1, "xyz")


def test_what_is_sent_is_an_attempt_without_the_customer_under_the_callers_key(world: World) -> None:
    sent: list[tuple[str, str, str, str | None]] = []

    def respond(method: str, path: str, text: str, headers: Mapping[str, str]) -> tuple[Answer, str]:
        sent.append((method, path, unquote_plus(text), headers.get("Idempotency-Key")))
        return world.stripe.request(method, path, text, headers)

    customer = world.customer()
    world.gateway = StripeGateway(TEST_KEY, SECRET, SimulatedClient(respond))
    paid = world.charge("pay-1", "pm_card_visa", customer=customer).reference
    assert paid is not None
    world.refund("r-1", paid, 100)
    assert sent == [
        (
            "post",
            "/v1/payment_intents",
            f"amount=490&currency=eur&customer={customer}&payment_method=pm_card_visa&confirm=true&off_session=true"
            "&error_on_requires_action=true&automatic_payment_methods[enabled]=true"
            "&automatic_payment_methods[allow_redirects]=never"
            "&metadata[mvne_payment]=pay-1&metadata[mvne_invoice]=inv-1",
            "pay:pay-1",
        ),
        (
            "post",
            "/v1/refunds",
            f"payment_intent={paid}&amount=100&metadata[mvne_refund]=r-1&metadata[mvne_credit_note]=cn-r-1",
            "refund:r-1",
        ),
    ]


class DeafStripe(stripe.HTTPClient):
    """A network with something on it that is not Stripe."""

    name = "deaf"

    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self.answer = (body, status, {"Request-Id": "req_1"})

    def request(self, *args: Any, **kwargs: Any) -> tuple[str, int, dict[str, str]]:
        return self.answer

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, "<html>Bad gateway</html>", GatewayUnavailable),
        (200, "<html>Hotel Wi-Fi: please sign in</html>", GatewayUnavailable),
        (409, '{"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}', GatewayUnavailable),
        (429, '{"error": {"type": "invalid_request_error", "code": "rate_limit"}}', GatewayUnavailable),
        (403, '{"error": {"type": "invalid_request_error", "message": "no rights"}}', GatewayRefused),
        (402, '{"error": {"type": "card_error"}}', GatewayRefused),
    ],
)
def test_what_comes_back_is_told_apart(status: int, body: str, error: type[Exception]) -> None:
    gateway = StripeGateway(TEST_KEY, SECRET, DeafStripe(status, body))
    with pytest.raises(error):
        gateway.remove_customer("cus_1")


def test_a_product_that_cannot_be_read_is_not_taken_for_a_missing_one() -> None:
    body = '{"error": {"type": "invalid_request_error", "code": "url_invalid", "message": "no"}}'
    gateway = StripeGateway(TEST_KEY, SECRET, DeafStripe(400, body))
    with pytest.raises(GatewayRefused) as refused:
        gateway.sync_product("k", ProductSpec("douceur", "Douceur"))
    assert refused.value.code == "url_invalid"


def test_a_search_that_still_shows_a_deleted_customer_does_not_mislead(world: World) -> None:
    gone = world.customer()
    world.gateway.remove_customer(gone)
    stale = json.dumps({"object": "search_result", "data": [{"id": gone, "object": "customer"}], "has_more": False})

    def respond(method: str, path: str, text: str, headers: Mapping[str, str]) -> tuple[Answer, str]:
        if path == "/v1/customers/search":
            return Answer(200, stale), "req_1"
        return world.stripe.request(method, path, text, headers)

    world.gateway = StripeGateway(TEST_KEY, SECRET, SimulatedClient(respond))
    assert world.customer() not in (gone, "")
