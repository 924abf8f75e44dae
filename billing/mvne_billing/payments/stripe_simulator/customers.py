"""Customers and the payment methods kept for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvne_billing.payments.stripe_simulator import fields, listing
from mvne_billing.payments.stripe_simulator.account import Account
from mvne_billing.payments.stripe_simulator.cards import BY_LOOK, HANDLES, TestMethod
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal, missing

_FIELDS = ("name", "email", "description", "phone", "preferred_locales")


def create_customer(account: Account, params: Mapping[str, Any]) -> Json:
    """Make a customer; two may have the same address, as at Stripe."""
    empty = dict.fromkeys(("name", "email", "description", "phone", "currency", "default_source"))
    body = {**empty, "balance": 0, "delinquent": False, "preferred_locales": [], **fields.given(params, _FIELDS)}
    customer = account.new("customer", {**body, "metadata": fields.metadata(params)})
    account.emit("customer.created", customer)
    return customer


def retrieve_customer(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a customer; of a deleted one only that it is deleted."""
    customer = account.get("customer", reference)
    return _deleted(customer) if customer.get("deleted") else customer


def update_customer(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Change a customer."""
    customer = live(account, reference, "id", 404)
    after = fields.given(params, _FIELDS) | {"metadata": fields.metadata(params, customer["metadata"])}
    before = fields.changes(customer, after)
    changed = account.save({**customer, **after})
    account.emit("customer.updated", changed, before)
    return changed


def delete_customer(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Delete a customer for good; the payment methods kept for it go with it."""
    customer = live(account, reference, "id", 404)
    methods = {"customer": reference, "limit": 100}
    for method in listing.page(account, "payment_method", "", methods)["data"]:
        account.save({**method, "customer": None})
    account.emit("customer.deleted", customer)
    return _deleted(account.save({"id": reference, "object": "customer", "deleted": True}))


def list_customers(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of customers."""
    return listing.page(account, "customer", "/v1/customers", params)


def search_customers(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of the customers that a search finds."""
    return listing.search(account, "customer", "/v1/customers/search", params)


def live(account: Account, reference: str, param: str, status: int = 400) -> Json:
    """Return a customer that is not deleted; raise `Refusal`."""
    customer = account.get("customer", reference, param, status)
    if customer.get("deleted"):
        raise missing("customer", reference, param, status)
    return customer


def retrieve_method(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a payment method."""
    return account.get("payment_method", reference)


def list_methods(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of payment methods kept for a customer."""
    return listing.page(account, "payment_method", "/v1/payment_methods", params)


def attach_method(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Keep a payment method for a customer; some test cards are declined already here."""
    if "customer" not in params:
        raise Refusal("A payment method is attached to a customer", code="parameter_missing", param="customer")
    customer = live(account, params["customer"], "customer")
    method = method_of(account, reference, "id", 404)
    if method["customer"] not in (None, customer["id"]):
        raise Refusal("This payment method belongs to another customer", param="payment_method")
    test = behaviour(method)
    if not test.attaches:
        raise declined(test)
    kept = account.save({**method, "customer": customer["id"]})
    account.emit("payment_method.attached", kept)
    return kept


def detach_method(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Stop keeping a payment method."""
    method = account.get("payment_method", reference)
    if method["customer"] is None:
        raise Refusal("This payment method is not attached to a customer")
    loose = account.save({**method, "customer": None})
    account.emit("payment_method.detached", loose, {"customer": method["customer"]})
    return loose


def method_of(account: Account, reference: str, param: str, status: int = 400) -> Json:
    """Return a payment method by id, or a fresh one for a test handle such as `pm_card_visa`."""
    test = HANDLES.get(reference)
    if test is None:
        return account.get("payment_method", reference, param, status)
    shape = {"country": test.brand.upper(), "last4": test.last4} if test.is_debit else _card(test)
    kind = "sepa_debit" if test.is_debit else "card"
    return account.new("payment_method", {"type": kind, kind: shape, "customer": None, "metadata": {}})


def behaviour(method: Json) -> TestMethod:
    """Return how a payment method behaves."""
    kind = method["type"]
    look = method[kind]
    where = look["country"].lower() if kind == "sepa_debit" else look["brand"]
    return BY_LOOK[kind == "sepa_debit", where, look["last4"]]


def declined(test: TestMethod, **more: Any) -> Refusal:
    """Return a card error (402) of this test card; `more` says what exists nevertheless."""
    extra = {"decline_code": test.decline_code, **more}
    return Refusal(test.message, status=402, kind="card_error", code=test.code, more=extra, keeps=bool(more))


def _card(test: TestMethod) -> Json:
    return {
        "brand": test.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "last4": test.last4,
    }


def _deleted(customer: Json) -> Json:
    return {"id": customer["id"], "object": "customer", "deleted": True}
