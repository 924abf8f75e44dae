"""The simulated Stripe by itself: its answers have Stripe's shape, its lists page, its rules hold, no chance in it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from mvne_billing.payments.gateway import ChargeStatus
from mvne_billing.payments.stripe_gateway import StripeGateway
from mvne_billing.payments.stripe_simulator.http import SimulatedClient
from mvne_billing.payments.stripe_simulator.intents import MOVES, IntentStatus
from mvne_billing.payments.stripe_simulator.refusals import Refusal
from tests.billing.payments.conftest import memory_engine
from tests.billing.payments.world import SECRET, TEST_KEY, Clock, World

CLASSES: Mapping[str, type[stripe.StripeObject]] = {
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
}


def a_busy_day(world: World) -> None:
    """Something of everything the simulator answers."""
    sdk = world.sdk
    sdk.products.create({"id": "douceur", "name": "Douceur", "metadata": {"a": "b"}})
    price = sdk.prices.create({"product": "douceur", "currency": "eur", "unit_amount": 490, "lookup_key": "k"})
    sdk.prices.update(price.id, {"active": False})
    customer = world.customer()
    method = world.gateway.attach_method("attach", customer, "pm_card_visa")
    for place, handle in enumerate([method, "pm_card_chargeDeclined", "pm_success_fr", "pm_card_refundFail"]):
        world.charge(f"pay-{place}", handle, customer=customer)
    intent = sdk.payment_intents.create(
        {
            "amount": 490,
            "currency": "eur",
            "customer": customer,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "https://tilleul.example/paid",
        }
    )
    world.stripe.authenticate(intent.id)
    for charge in [charge["id"] for charge in world.all("charges") if charge["paid"]]:
        sdk.refunds.create({"charge": charge, "amount": 100})
    sdk.payment_methods.detach(method)
    sdk.customers.delete(customer)
    for kind in ("products", "prices", "customers", "payment_intents", "charges", "refunds", "events"):
        world.all(kind)


def recorded(world: World, run: Any) -> list[dict[str, Any]]:
    """Every body that the simulator sends while `run` runs."""
    bodies: list[dict[str, Any]] = []
    answer = world.stripe.request

    def listen(method: str, path: str, text: str, headers: Mapping[str, str]) -> Any:
        given = answer(method, path, text, headers)
        bodies.append(json.loads(given[0].body))
        return given

    client = SimulatedClient(listen)
    world.gateway = StripeGateway(TEST_KEY, SECRET, client)
    world.sdk = stripe.StripeClient(TEST_KEY, http_client=client, max_network_retries=0).v1
    run(world)
    return bodies


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] in CLASSES:
            yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def strange_fields(body: dict[str, Any], known: type[stripe.StripeObject]) -> set[str]:
    """The fields, also of nested objects, that the SDK's class does not declare."""
    inner = getattr(known, "_inner_class_types", {})
    strange = set(body) - set(known.__annotations__)
    for name, value in body.items():
        if name in inner and isinstance(value, dict):
            strange |= {f"{name}.{field}" for field in strange_fields(value, inner[name])}
    return strange


def test_answers_have_only_fields_that_the_sdk_knows(world: World) -> None:
    seen = set()
    for body in recorded(world, a_busy_day):
        for thing in objects(body):
            seen.add(thing["object"])
            assert strange_fields(thing, CLASSES[thing["object"]]) == set(), thing
    assert seen == set(CLASSES)


def test_nothing_that_is_answered_could_be_taken_for_real(world: World) -> None:
    for body in recorded(world, a_busy_day):
        for thing in objects(body):
            assert thing.get("livemode") is False or thing["object"] == "refund" or thing.get("deleted")
            assert "sim" in thing["id"] or thing["object"] == "product"


def test_the_same_requests_get_the_same_answers() -> None:
    days = []
    for _ in range(2):
        engine = memory_engine()
        days.append(recorded(World(engine, Clock()), a_busy_day))
        engine.dispose()
    for first, second in zip(*days, strict=True):
        assert without_sdk_keys(first) == without_sdk_keys(second)


def without_sdk_keys(body: Any) -> Any:
    """An answer without the random keys that the bare SDK makes for itself when its caller gives none."""
    if isinstance(body, dict):
        return {name: without_sdk_keys(value) for name, value in body.items() if name != "idempotency_key"}
    return [without_sdk_keys(item) for item in body] if isinstance(body, list) else body


@pytest.mark.parametrize("key", ["sk_live_1", "pk_test_1", ""])
def test_only_test_keys_are_let_in(world: World, key: str) -> None:
    answer, _ = world.stripe.request("get", "/v1/products", "", {"Authorization": f"Bearer {key}"})
    assert answer.status == 401


def test_lists_page_forwards_and_backwards(stored_world: World) -> None:
    sdk = stored_world.sdk
    ids = [sdk.products.create({"name": f"Plan {number}"}).id for number in range(7)][::-1]
    first = sdk.products.list({"limit": 3})
    assert ([product.id for product in first.data], first.has_more) == (ids[:3], True)
    assert [product.id for product in first.auto_paging_iter()] == ids
    last = sdk.products.list({"limit": 3, "starting_after": ids[3]})
    assert ([product.id for product in last.data], last.has_more) == (ids[4:], False)
    before = sdk.products.list({"limit": 3, "ending_before": ids[5]})
    assert ([product.id for product in before.data], before.has_more) == (ids[2:5], True)
    assert len(sdk.products.list().data) == 7
    assert {product.id for product in sdk.products.list({"ids": ids[:2]}).data} == set(ids[:2])


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"limit": 0}, "between 1 and 100"),
        ({"limit": 101}, "between 1 and 100"),
        ({"starting_after": "prod_none"}, "No such product"),
        ({"starting_after": "a", "ending_before": "b"}, "exclude each other"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(
    world: World, params: stripe.params.ProductListParams, says: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=says):
        world.sdk.products.list(params)


def test_lists_are_filtered_by_field_and_by_time(world: World) -> None:
    first = world.customer("sub-1")
    moment = int(world.clock().timestamp())
    world.clock.advance(hours=1)
    second = world.sdk.customers.create({"email": "bea@tilleul.example"}).id

    def found(params: stripe.params.CustomerListParams) -> list[str]:
        return [customer.id for customer in world.sdk.customers.list(params).data]

    assert found({"email": "bea@tilleul.example"}) == [second]
    assert found({"created": {"gt": moment}}) == found({"created": {"gte": moment + 3600}}) == [second]
    assert found({"created": {"lt": moment + 3600}}) == found({"created": {"lte": moment}}) == [first]
    assert found({"created": moment}) == [first]
    assert [event.type for event in world.sdk.events.list({"type": "customer.created"}).data] == [
        "customer.created"
    ] * 2
    assert world.sdk.events.list({"types": ["price.created", "refund.created"]}).data == []


def test_a_search_sees_an_object_only_after_a_minute(stored_world: World) -> None:
    world = stored_world
    world.paid(payment="pay-1")
    query: stripe.params.PaymentIntentSearchParams = {"query": "metadata['mvne_payment']:'pay-1'"}
    world.clock.advance(seconds=59)
    assert world.sdk.payment_intents.search(query).data == []
    world.clock.advance(seconds=1)
    assert len(world.sdk.payment_intents.search(query).data) == 1


def test_a_search_pages_and_joins_conditions(world: World) -> None:
    for number in range(5):
        metadata = {"brand": "tilleul", "odd": str(number % 2), "it's": 'a "b" \\ AND c'}
        world.sdk.customers.create({"email": f"{number}@tilleul.example", "metadata": metadata})
    world.clock.advance(minutes=1)

    def found(query: str) -> list[str | None]:
        pages = world.sdk.customers.search({"query": query, "limit": 2})
        return [customer.email for customer in pages.auto_paging_iter()]

    assert len(found('metadata["brand"]:"tilleul"')) == 5
    assert found("metadata['brand']:'tilleul' AND metadata['odd']:'1'") == ["3@tilleul.example", "1@tilleul.example"]
    assert found('email:"2@tilleul.example"') == ["2@tilleul.example"]
    assert len(found(r"""metadata['it\'s']:'a "b" \\ AND c'""")) == 5
    assert found("metadata['brand']:'comet'") == []


@pytest.mark.parametrize("query", ["", "name~'x'", "a:'b' OR c:'d'", "a:'b' AND", "a:b", "amount>5"])
def test_a_search_that_is_not_simulated_is_refused(world: World, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        world.sdk.customers.search({"query": query})


def test_a_search_page_that_was_never_given_is_refused(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="next_page"):
        world.sdk.customers.search({"query": "a:'b'", "page": "x"})


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"),
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (17499, "huf", "amount_too_small"),
        (0, "xof", "parameter_invalid_integer"),
        (-490, "eur", "parameter_invalid_integer"),
        (100_000_000, "eur", "amount_too_large"),
        (501, "isk", None),
        (5125, "kwd", None),
        (490, "xyz", None),
        (490, "iqd", None),
    ],
)
def test_an_amount_that_stripe_would_not_charge_is_refused(
    world: World, amount: int, currency: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.payment_intents.create({"amount": amount, "currency": currency})
    assert refused.value.code == code


@pytest.mark.parametrize(("amount", "currency"), [(50, "eur"), (30, "gbp"), (500, "isk"), (5120, "kwd"), (1, "xof")])
def test_the_smallest_amounts_are_charged(world: World, amount: int, currency: str) -> None:
    intent = world.sdk.payment_intents.create({"amount": amount, "currency": currency})
    assert (intent.amount, intent.currency, intent.status) == (amount, currency, "requires_payment_method")


def test_a_bank_debit_pays_in_euro_only(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.payment_intents.create(
            {
                "amount": 490,
                "currency": "usd",
                "payment_method": "pm_success_fr",
                "confirm": True,
                "return_url": "https://tilleul.example/paid",
            }
        )
    assert refused.value.code == "payment_intent_incompatible_payment_method"


def test_an_intent_takes_the_methods_it_allows(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="takes card"):
        world.sdk.payment_intents.create(
            {
                "amount": 490,
                "currency": "eur",
                "payment_method": "pm_success_fr",
                "confirm": True,
                "allowed_payment_method_types": ["card"],
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )


def test_methods_that_redirect_need_somewhere_to_return_to(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        world.sdk.payment_intents.create(
            {"amount": 490, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
        )
    assert world.all("payment_intents") == []


@pytest.mark.parametrize("name", ["off_session", "error_on_requires_action"])
def test_what_only_matters_on_confirming_needs_confirm(world: World, name: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="confirm=true"):
        world.sdk.payment_intents.create({"amount": 490, "currency": "eur", name: True})  # type: ignore[misc]  # a name


def on_session(world: World, card: str = "authenticationRequired", **more: Any) -> stripe.PaymentIntent:
    params: Any = {"amount": 490, "currency": "eur", "payment_method": f"pm_card_{card}", "confirm": True, **more}
    return world.sdk.payment_intents.create(params)


def test_a_customer_who_is_there_is_asked_to_authenticate(world: World) -> None:
    intent = on_session(world, return_url="https://tilleul.example/paid")
    assert intent.status == "requires_action"
    result = world.gateway.fetch_charge(intent.id)
    assert result.status is ChargeStatus.REQUIRES_ACTION
    assert result.next_action is not None
    assert "simulated" in result.next_action
    world.stripe.authenticate(intent.id)
    assert world.gateway.fetch_charge(intent.id).status is ChargeStatus.SUCCEEDED


def test_there_is_nothing_to_authenticate_about_a_paid_intent(world: World) -> None:
    with pytest.raises(Refusal, match="succeeded cannot be authenticated"):
        world.stripe.authenticate(world.paid())


def test_a_charge_names_its_intent_and_what_it_took(world: World) -> None:
    paid = world.paid(1490)
    charge = world.sdk.charges.retrieve(str(world.sdk.payment_intents.retrieve(paid).latest_charge))
    assert (charge.payment_intent, charge.amount_captured, charge.currency, charge.paid) == (paid, 1490, "eur", True)
    assert charge.metadata.to_dict() == {"mvne_payment": "pay-1", "mvne_invoice": "inv-1"}


def test_a_customer_who_fails_to_authenticate_may_try_another_card(world: World) -> None:
    intent = on_session(world, return_url="https://tilleul.example/paid")
    world.stripe.authenticate(intent.id, passed=False)
    result = world.gateway.fetch_charge(intent.id)
    assert (result.status, result.code) == (ChargeStatus.FAILED, "payment_intent_authentication_failure")
    again = world.sdk.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "off_session": True})
    assert (again.status, again.last_payment_error) == ("succeeded", None)


def test_a_card_may_be_declined_after_authentication(world: World) -> None:
    card = "authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = on_session(world, card, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    assert intent.next_action is not None
    assert intent.next_action.type == "use_stripe_sdk"
    world.stripe.authenticate(intent.id)
    result = world.gateway.fetch_charge(intent.id)
    assert (result.status, result.code) == (ChargeStatus.FAILED, "insufficient_funds")


def test_an_intent_that_cannot_show_a_question_is_declined(world: World) -> None:
    with pytest.raises(stripe.CardError) as declined:
        on_session(world, return_url="https://tilleul.example/paid", error_on_requires_action=True)
    assert declined.value.error is not None
    assert declined.value.code == "authentication_required"
    assert declined.value.error.decline_code == "authentication_not_handled"


def test_an_intent_made_first_is_confirmed_later(world: World) -> None:
    intent = world.sdk.payment_intents.create({"amount": 490, "currency": "eur", "payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    chosen = world.sdk.payment_intents.confirm(intent.id, {"payment_method": "pm_card_amex", "off_session": True})
    assert chosen.status == "succeeded"
    method = world.sdk.payment_methods.retrieve(str(chosen.payment_method))
    assert method.card is not None
    assert method.card.brand == "amex"


def test_an_intent_moves_only_as_its_table_says(world: World) -> None:
    paid = world.paid()
    for refused in (world.sdk.payment_intents.cancel, world.sdk.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as wrong:
            refused(paid)
        assert wrong.value.code == "payment_intent_unexpected_state"
    intent = world.sdk.payment_intents.create({"amount": 490, "currency": "eur"})
    gone = world.sdk.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert world.gateway.fetch_charge(intent.id).code == "abandoned"
    assert MOVES[IntentStatus.SUCCEEDED] == MOVES[IntentStatus.CANCELED] == frozenset()
    assert set(MOVES) == set(IntentStatus)


def test_a_lookup_key_moves_only_when_the_caller_says_so(world: World) -> None:
    world.sdk.products.create({"id": "douceur", "name": "Douceur"})
    price: stripe.params.PriceCreateParams = {"product": "douceur", "currency": "eur", "unit_amount": 490}
    first = world.sdk.prices.create({**price, "lookup_key": "k"})
    with pytest.raises(stripe.InvalidRequestError, match="already has the lookup key"):
        world.sdk.prices.create({**price, "lookup_key": "k"})
    second = world.sdk.prices.create({**price, "lookup_key": "k", "transfer_lookup_key": True})
    assert world.sdk.prices.retrieve(first.id).lookup_key is None
    assert [found.id for found in world.sdk.prices.list({"lookup_keys": ["k"]}).data] == [second.id]
    world.sdk.prices.update(first.id, {"lookup_key": "k", "transfer_lookup_key": True})
    assert [found.id for found in world.sdk.prices.list({"lookup_keys": ["k"]}).data] == [first.id]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"currency": "eur", "unit_amount": 490, "product": "nothing"}, "product"),
        ({"currency": "eur", "unit_amount": 490}, "product"),
        ({"currency": "eur", "product": "douceur"}, "unit_amount"),
        ({"currency": "eur", "unit_amount": -1, "product": "douceur"}, "unit_amount"),
        ({"currency": "xyz", "unit_amount": 490, "product": "douceur"}, "currency"),
        ({"currency": "eur", "unit_amount": 490, "product": "douceur", "lookup_key": "k" * 201}, "lookup_key"),
    ],
)
def test_a_price_that_cannot_be_is_refused(world: World, params: stripe.params.PriceCreateParams, param: str) -> None:
    world.sdk.products.create({"id": "douceur", "name": "Douceur"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.prices.create(params)
    assert refused.value.param == param


def test_more_than_ten_lookup_keys_are_refused(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="At most 10"):
        world.sdk.prices.list({"lookup_keys": [str(number) for number in range(11)]})


def test_an_id_that_is_taken_is_refused(world: World) -> None:
    world.sdk.products.create({"id": "douceur", "name": "Douceur"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.products.create({"id": "douceur", "name": "Other"})
    assert refused.value.code == "resource_already_exists"


@pytest.mark.parametrize("metadata", [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{number}": "v" for number in range(51)}])
def test_metadata_have_stripes_bounds(world: World, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="metadata"):
        world.sdk.products.create({"name": "Douceur", "metadata": metadata})


def test_metadata_merge_and_are_removed_by_empty_text(world: World) -> None:
    product = world.sdk.products.create({"name": "Douceur", "metadata": {"a": "1", "b": "2"}})
    merged = world.sdk.products.update(product.id, {"metadata": {"a": "", "c": "3"}})
    assert merged.metadata.to_dict() == {"b": "2", "c": "3"}
    assert world.sdk.products.update(product.id, {"metadata": ""}).metadata.to_dict() == {}


def test_a_field_is_cleared_by_empty_text_where_the_sdk_allows_it(world: World) -> None:
    product = world.sdk.products.create({"name": "Douceur", "description": "Calls"})
    assert world.sdk.products.update(product.id, {"description": ""}).description is None
    with pytest.raises(stripe.InvalidRequestError, match="is empty"):
        world.sdk.products.update(product.id, {"name": ""})


def test_a_card_is_attached_to_one_customer_and_detached_once(world: World) -> None:
    first, second = world.customer("sub-1"), world.customer("sub-2")
    method = world.gateway.attach_method("k1", first, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        world.sdk.payment_methods.attach(method, {"customer": second})
    with pytest.raises(stripe.InvalidRequestError, match="attached to a customer"):
        world.sdk.payment_methods.attach(method)
    assert [kept.id for kept in world.sdk.payment_methods.list({"customer": first}).data] == [method]
    world.sdk.payment_methods.detach(method)
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        world.sdk.payment_methods.detach(method)
    assert world.sdk.payment_methods.list({"customer": first}).data == []


def test_an_id_of_another_kind_is_not_found(world: World) -> None:
    customer = world.customer()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.products.retrieve(customer)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_deleted_customer_says_only_that(world: World) -> None:
    customer = world.customer()
    world.sdk.customers.delete(customer)
    gone = world.sdk.customers.retrieve(customer).to_dict()
    assert gone == {"id": customer, "object": "customer", "deleted": True}
    assert world.all("customers") == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        world.sdk.customers.update(customer, {"name": "Ada"})


def test_time_is_what_the_clock_says(world: World) -> None:
    product = world.sdk.products.create({"name": "Douceur"})
    assert datetime.fromtimestamp(product.created, UTC) == world.clock()
    world.clock.advance(days=400)
    assert world.sdk.products.update(product.id, {"name": "Plus"}).updated == product.created + 400 * 86_400


def test_a_charge_through_the_sdk_costs_little(memory_world: World) -> None:
    """In processor time, so that a busy machine does not fail it: at most 5 ms, the mean of a hundred."""
    world = memory_world
    customer = world.customer()
    method = world.gateway.attach_method("attach", customer, "pm_card_visa")
    world.charge("warm-up", method, customer=customer)
    began = time.process_time_ns()
    for number in range(100):
        world.charge(f"pay-{number}", method, customer=customer)
    assert (time.process_time_ns() - began) / 100 <= 5_000_000
