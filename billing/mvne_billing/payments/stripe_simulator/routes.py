"""What the simulator answers: each address with its handler and the parameters that the handler acts on.

A parameter that Stripe has and that is not named here is refused, so that nothing is ignored in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mvne_billing.payments.stripe_simulator import catalogue, customers, events, intents, refunds
from mvne_billing.payments.stripe_simulator.refusals import Json

#: Takes the account, the typed parameters, and the ids in the address.
Handler = Callable[..., Json]

_PAGE = "limit starting_after ending_before created"
_METHOD = "/v1/payment_methods/{payment_method}"
_INTENT = "/v1/payment_intents/{intent}"
_CONFIRM = "off_session error_on_requires_action return_url payment_method"
_CUSTOMER = "name email description phone preferred_locales metadata"


@dataclass(frozen=True, slots=True)
class Route:
    """A handler and the parameters it knows."""

    handler: Handler
    knows: frozenset[str]


def _route(handler: Handler, knows: str = "") -> Route:
    return Route(handler, frozenset(knows.split()))


#: By HTTP method and the SDK's path.
ROUTES: dict[tuple[str, str], Route] = {
    ("post", "/v1/products"): _route(catalogue.create_product, "id name description active metadata"),
    ("get", "/v1/products"): _route(catalogue.list_products, f"{_PAGE} active ids"),
    ("get", "/v1/products/{id}"): _route(catalogue.retrieve_product),
    ("post", "/v1/products/{id}"): _route(catalogue.update_product, "name description active metadata"),
    ("post", "/v1/prices"): _route(
        catalogue.create_price,
        "currency unit_amount product active nickname lookup_key transfer_lookup_key tax_behavior metadata",
    ),
    ("get", "/v1/prices"): _route(catalogue.list_prices, f"{_PAGE} active currency lookup_keys product type"),
    ("get", "/v1/prices/{price}"): _route(catalogue.retrieve_price),
    ("post", "/v1/prices/{price}"): _route(
        catalogue.update_price, "active nickname lookup_key transfer_lookup_key metadata"
    ),
    ("post", "/v1/customers"): _route(customers.create_customer, _CUSTOMER),
    ("get", "/v1/customers"): _route(customers.list_customers, f"{_PAGE} email"),
    ("get", "/v1/customers/search"): _route(customers.search_customers, "query limit page"),
    ("get", "/v1/customers/{customer}"): _route(customers.retrieve_customer),
    ("post", "/v1/customers/{customer}"): _route(customers.update_customer, _CUSTOMER),
    ("delete", "/v1/customers/{customer}"): _route(customers.delete_customer),
    ("get", "/v1/payment_methods"): _route(customers.list_methods, "limit starting_after ending_before customer type"),
    ("get", _METHOD): _route(customers.retrieve_method),
    ("post", f"{_METHOD}/attach"): _route(customers.attach_method, "customer"),
    ("post", f"{_METHOD}/detach"): _route(customers.detach_method),
    ("post", "/v1/payment_intents"): _route(
        intents.create_intent,
        "amount currency customer confirm description metadata automatic_payment_methods allowed_payment_method_types "
        + _CONFIRM,
    ),
    ("get", "/v1/payment_intents"): _route(intents.list_intents, f"{_PAGE} customer"),
    ("get", "/v1/payment_intents/search"): _route(intents.search_intents, "query limit page"),
    ("get", _INTENT): _route(intents.retrieve_intent),
    ("post", f"{_INTENT}/confirm"): _route(intents.confirm_intent, _CONFIRM),
    ("post", f"{_INTENT}/cancel"): _route(intents.cancel_intent, "cancellation_reason"),
    ("get", "/v1/charges"): _route(intents.list_charges, f"{_PAGE} customer payment_intent"),
    ("get", "/v1/charges/{charge}"): _route(intents.retrieve_charge),
    ("post", "/v1/refunds"): _route(refunds.create_refund, "amount charge payment_intent reason metadata"),
    ("get", "/v1/refunds"): _route(refunds.list_refunds, f"{_PAGE} charge payment_intent"),
    ("get", "/v1/refunds/{refund}"): _route(refunds.retrieve_refund),
    ("get", "/v1/events"): _route(events.list_events, f"{_PAGE} type types"),
    ("get", "/v1/events/{id}"): _route(events.retrieve_event),
}
