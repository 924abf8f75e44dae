"""Products and prices. A price's amount never changes; its lookup key may move to another price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvne_billing.payments.stripe_simulator import fields, listing
from mvne_billing.payments.stripe_simulator.account import Account
from mvne_billing.payments.stripe_simulator.amounts import currency
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal

_PRODUCT = ("name", "description")
_PRICE = ("nickname",)


def create_product(account: Account, params: Mapping[str, Any]) -> Json:
    """Make a product, under the caller's id when it gives one."""
    chosen = params.get("id")
    if chosen is not None and account.has(chosen):
        raise Refusal(f"The id {chosen} is taken", code="resource_already_exists", param="id")
    body = {"active": params.get("active", True), "default_price": None, "description": None, "images": []}
    body |= {"marketing_features": [], "type": "service", "updated": account.now}
    body |= {**fields.given(params, _PRODUCT), "metadata": fields.metadata(params)}
    product = account.new("product", body, chosen)
    account.emit("product.created", product)
    return product


def retrieve_product(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a product."""
    return account.get("product", reference)


def update_product(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Change a product's name, description, metadata, or whether it is sold."""
    product = account.get("product", reference)
    after = fields.given(params, (*_PRODUCT, "active"))
    return _updated(account, product, after, params, touched=True)


def list_products(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of products."""
    return listing.page(account, "product", "/v1/products", params)


def create_price(account: Account, params: Mapping[str, Any]) -> Json:
    """Make a one-off price of a product."""
    product = account.get("product", params.get("product", ""), "product", 400)
    if "unit_amount" not in params or params["unit_amount"] < 0:
        raise Refusal("A price needs a unit_amount of at least 0", code="parameter_missing", param="unit_amount")
    amount = params["unit_amount"]
    body = {
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "currency": currency(params["currency"]),
        "lookup_key": None,
        "nickname": params.get("nickname"),
        "product": product["id"],
        "recurring": None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
        "metadata": fields.metadata(params),
    }
    body["lookup_key"] = _claimed_key(account, params)
    price = account.new("price", body)
    account.emit("price.created", price)
    return price


def retrieve_price(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a price."""
    return account.get("price", reference)


def update_price(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Change whether a price is sold, its nickname, metadata or lookup key; its amount has no such field."""
    price = account.get("price", reference)
    after = fields.given(params, (*_PRICE, "active"))
    if "lookup_key" in params and params["lookup_key"] != price["lookup_key"]:
        after["lookup_key"] = _claimed_key(account, params)
    return _updated(account, price, after, params)


def list_prices(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of prices."""
    if len(params.get("lookup_keys", ())) > 10:
        raise Refusal("At most 10 lookup_keys at a time", param="lookup_keys")
    return listing.page(account, "price", "/v1/prices", params)


def _updated(account: Account, body: Json, after: Json, params: Mapping[str, Any], *, touched: bool = False) -> Json:
    after["metadata"] = fields.metadata(params, body["metadata"])
    before = fields.changes(body, after)
    changed = account.save({**body, **after, **({"updated": account.now} if touched else {})})
    account.emit(f"{body['object']}.updated", changed, before)
    return changed


def _claimed_key(account: Account, params: Mapping[str, Any]) -> str | None:
    """Take the lookup key from the price that has it, if the caller says so."""
    wanted: str | None = params.get("lookup_key")
    if wanted is None:
        return None
    if len(wanted) > 200:
        raise Refusal("A lookup_key has at most 200 signs", param="lookup_key")
    for holder in listing.page(account, "price", "", {"lookup_keys": [wanted]})["data"]:
        if not params.get("transfer_lookup_key"):
            raise Refusal(
                f"A price already has the lookup key {wanted}", code="resource_already_exists", param="lookup_key"
            )
        account.save({**holder, "lookup_key": None})
    return wanted
