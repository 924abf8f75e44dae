"""The simulated Stripe refuses what Stripe's own parameter types do not allow, in Stripe's shape."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from stripe._encode import _api_encode

from mvne_billing.payments.stripe_simulator import gate, operations
from mvne_billing.payments.stripe_simulator.forms import decode
from mvne_billing.payments.stripe_simulator.refusals import Refusal
from mvne_billing.payments.stripe_simulator.routes import ROUTES
from tests.billing.payments.world import World

PRICE = {"currency": "eur", "unit_amount": 490, "product": "prod_1"}
INTENT = {"amount": 490, "currency": "eur"}
UNKNOWN, MISSING, INTEGER = "parameter_unknown", "parameter_missing", "parameter_invalid_integer"

REFUSED: list[tuple[str, str, dict[str, Any], str | None, str]] = [
    ("post", "/v1/payment_intents", {**INTENT, "amount": 4.9}, INTEGER, "amount"),
    ("post", "/v1/payment_intents", {**INTENT, "amount": "4.90"}, INTEGER, "amount"),
    ("post", "/v1/payment_intents", {**INTENT, "amount": "4,90 €"}, INTEGER, "amount"),
    ("post", "/v1/payment_intents", {**INTENT, "amount": "٤٩٠"}, INTEGER, "amount"),
    ("post", "/v1/payment_intents", {"amount": 490}, MISSING, "currency"),
    ("post", "/v1/payment_intents", {**INTENT, "currency": ""}, "parameter_invalid_empty", "currency"),
    ("post", "/v1/payment_intents", {**INTENT, "currency": ["eur"]}, None, "currency"),
    ("post", "/v1/payment_intents", {**INTENT, "capture_method": "auto"}, None, "capture_method"),
    ("post", "/v1/payment_intents", {**INTENT, "confirm": "yes"}, None, "confirm"),
    ("post", "/v1/payment_intents", {**INTENT, "off_session": "perhaps"}, None, "off_session"),
    (
        "post",
        "/v1/payment_intents",
        {**INTENT, "allowed_payment_method_types": "card"},
        None,
        "allowed_payment_method_types",
    ),
    ("post", "/v1/payment_intents", {**INTENT, "payment_method_types": ["card"]}, UNKNOWN, "payment_method_types"),
    ("post", "/v1/payment_intents", {**INTENT, "metadata": "x"}, None, "metadata"),
    ("post", "/v1/payment_intents", {**INTENT, "metadata": {"a": {"b": "c"}}}, None, "metadata"),
    ("post", "/v1/payment_intents", {**INTENT, "automatic_payment_methods": "on"}, None, "automatic_payment_methods"),
    (
        "post",
        "/v1/payment_intents",
        {**INTENT, "automatic_payment_methods": {"enabled": True, "allow_redirect": "never"}},
        UNKNOWN,
        "automatic_payment_methods[allow_redirect]",
    ),
    (
        "post",
        "/v1/payment_intents",
        {**INTENT, "automatic_payment_methods": {"allow_redirects": "never"}},
        MISSING,
        "automatic_payment_methods[enabled]",
    ),
    (
        "post",
        "/v1/payment_intents",
        {**INTENT, "automatic_payment_methods": {"enabled": True, "allow_redirects": "sometimes"}},
        None,
        "automatic_payment_methods[allow_redirects]",
    ),
    ("post", "/v1/payment_intents", {**INTENT, "idempotency_key": "k"}, UNKNOWN, "idempotency_key"),
    ("post", "/v1/prices", {**PRICE, "unit_amout": 490}, UNKNOWN, "unit_amout"),
    ("post", "/v1/prices", {**PRICE, "recurring": {"interval": "monthly"}}, None, "recurring[interval]"),
    ("post", "/v1/prices", {**PRICE, "recurring": {"intervl": "month"}}, UNKNOWN, "recurring[intervl]"),
    ("post", "/v1/prices", {**PRICE, "recurring": {"interval_count": 1}}, MISSING, "recurring[interval]"),
    ("post", "/v1/prices", {**PRICE, "tiers": [{"up_to": "infinity"}]}, INTEGER, "tiers[0][up_to]"),
    ("post", "/v1/prices", {**PRICE, "unit_amount_decimal": "4.9.0"}, None, "unit_amount_decimal"),
    ("post", "/v1/prices/price_1", {"unit_amount": 590}, UNKNOWN, "unit_amount"),
    ("post", "/v1/refunds", {"payment_intent": "pi_1", "reason": "regret"}, None, "reason"),
    ("post", "/v1/refunds", {"payment_intent": "pi_1", "origin": "till"}, None, "origin"),
    ("post", "/v1/products", {"active": True}, MISSING, "name"),
    ("get", "/v1/customers/search", {"limit": 3}, MISSING, "query"),
    ("get", "/v1/payment_intents", {"created": {"after": 5}}, UNKNOWN, "created[after]"),
    ("get", "/v1/payment_intents", {"created": "today"}, INTEGER, "created"),
]


def typed(method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the gate makes of parameters that went through the SDK's own encoding."""
    found = operations.find(method, path)
    assert found is not None
    return gate.check(found[0].parameters, decode(urlencode(list(_api_encode(params)))))


@pytest.mark.parametrize(("method", "path", "params", "code", "param"), REFUSED)
def test_what_the_sdk_types_do_not_allow_is_refused(
    method: str, path: str, params: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(Refusal) as refused:
        typed(method, path, params)
    assert refused.value.status == 400
    assert refused.value.error["type"] == "invalid_request_error"
    assert (refused.value.error.get("code"), refused.value.error["param"]) == (code, param)


def test_a_misspelt_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(Refusal, match="did you mean unit_amount"):
        typed("post", "/v1/prices", {**PRICE, "unit_amout": 490})


@pytest.mark.parametrize(
    ("method", "path", "params", "meant"),
    [
        ("post", "/v1/payment_intents", {**INTENT, "confirm": True}, {**INTENT, "confirm": True}),
        ("post", "/v1/payment_intents", {**INTENT, "off_session": True}, {**INTENT, "off_session": True}),
        ("post", "/v1/payment_intents", {**INTENT, "off_session": "recurring"}, {**INTENT, "off_session": "recurring"}),
        ("post", "/v1/payment_intents", {**INTENT, "metadata": {"a": "1"}}, {**INTENT, "metadata": {"a": "1"}}),
        ("post", "/v1/payment_intents", {**INTENT, "metadata": {"0": "1"}}, {**INTENT, "metadata": {"0": "1"}}),
        ("post", "/v1/customers/cus_1", {"metadata": ""}, {"metadata": ""}),
        ("post", "/v1/customers/cus_1", {"metadata": {"a": ""}}, {"metadata": {"a": ""}}),
        ("post", "/v1/prices", {**PRICE, "tiers": [{"up_to": "inf"}]}, {**PRICE, "tiers": [{"up_to": "inf"}]}),
        ("post", "/v1/prices", {**PRICE, "tiers": [{"up_to": 5}]}, {**PRICE, "tiers": [{"up_to": 5}]}),
        (
            "post",
            "/v1/prices",
            {**PRICE, "unit_amount_decimal": Decimal("0.35")},
            {**PRICE, "unit_amount_decimal": Decimal("0.35")},
        ),
        ("get", "/v1/payment_intents", {"created": {"gte": 5}, "limit": 3}, {"created": {"gte": 5}, "limit": 3}),
        ("get", "/v1/payment_intents", {"created": 5}, {"created": 5}),
        ("get", "/v1/products", {"ids": ["a", "b"]}, {"ids": ["a", "b"]}),
        ("post", "/v1/refunds", {"origin": "customer_balance"}, {"origin": "customer_balance"}),
    ],
)
def test_what_fits_comes_out_with_its_type(
    method: str, path: str, params: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert typed(method, path, params) == meant


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_route_is_an_operation_of_the_sdk_with_parameters_it_declares(route: tuple[str, str]) -> None:
    method, path = route
    found = operations.find(method, path.replace("{", "").replace("}", ""))
    assert found is not None
    assert found[0].path == path
    assert ROUTES[route].knows <= set(found[0].parameters.__annotations__) - gate.OPTIONS


@pytest.mark.parametrize("noun", operations.SERVICES)
def test_every_operation_of_the_services_is_read_from_the_sdk(noun: str) -> None:
    service = getattr(stripe, operations.SERVICES[noun])
    methods = {name for name in vars(service) if not name.startswith("_") and not name.endswith("_async")}
    assert len(operations.operations(noun)) == len(methods)


def test_every_parameter_type_of_every_operation_can_be_checked() -> None:
    checked = 0
    for noun in operations.SERVICES:
        for operation in operations.operations(noun):
            for hint in set(operation.parameters.__annotations__) - gate.OPTIONS:
                gate.compile_check(gate.resolve(operation.parameters.__annotations__[hint], operation.parameters))
                checked += 1
    assert checked > 300


@pytest.mark.parametrize("hint", [bytes, int | bool, list[str] | dict[str, str]])
def test_a_type_that_the_gate_does_not_know_is_an_error_of_ours(hint: Any) -> None:
    with pytest.raises(TypeError, match=r"gate\.py"):
        gate.compile_check(hint)


@pytest.mark.parametrize(
    ("text", "param"), [("a[b=1", "a[b"), ("[a]=1", "[a]"), ("a=1&a[b]=2", "a"), ("a[[b]]=1", "a[[b]]")]
)
def test_a_name_that_cannot_be_read_is_refused(text: str, param: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode(text)
    assert refused.value.error["param"] == param


def test_lists_may_be_written_with_and_without_numbers() -> None:
    assert decode("a[]=x&a[]=y") == decode("a[0]=x&a[1]=y") == {"a": ["x", "y"]}


def test_a_refused_parameter_reaches_the_sdk_as_an_invalid_request(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.sdk.payment_intents.create({"amount": "4.90", "currency": "eur"})  # type: ignore[typeddict-item]  # the point
    assert (refused.value.code, refused.value.param, refused.value.http_status) == (INTEGER, "amount", 400)


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("get", "/v1/nothing", "Unrecognized"),
        ("get", "/v2/core/events", "Unrecognized"),
        ("post", "/v1/payment_intents/pi_1/nothing", "Unrecognized"),
        ("post", "/v1/payment_intents/pi_1/capture", "does not answer"),
    ],
)
def test_an_address_that_is_not_simulated_is_refused_with_the_reason(
    world: World, method: str, path: str, says: str
) -> None:
    answer, _ = world.stripe.request(method, path, "", {"Authorization": "Bearer sk_test_x"})
    assert answer.status == 404
    assert says in answer.body


def test_a_parameter_that_is_not_simulated_is_refused_not_ignored(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not act on receipt_email") as refused:
        world.sdk.payment_intents.create({"amount": 490, "currency": "eur", "receipt_email": "a@tilleul.example"})
    assert refused.value.param == "receipt_email"
