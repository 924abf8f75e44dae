"""Refunds: never more than was captured, whatever the order of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvne_billing.payments.stripe_simulator import fields, listing
from mvne_billing.payments.stripe_simulator.account import Account
from mvne_billing.payments.stripe_simulator.amounts import shown
from mvne_billing.payments.stripe_simulator.customers import behaviour
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal


def create_refund(account: Account, params: Mapping[str, Any]) -> Json:
    """Give back part of a charge, or all that is left of it."""
    charge = _charge(account, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["refunded"]:
        raise Refusal(f"Charge {charge['id']} is already refunded", code="charge_already_refunded", param="charge")
    amount = params.get("amount", left)
    if amount < 1:
        raise Refusal("amount must be at least 1", code="parameter_invalid_integer", param="amount")
    if amount > left:
        code = charge["currency"].upper()
        raise Refusal(f"A refund of {shown(amount, code)} is more than the {shown(left, code)} left", param="amount")
    test = behaviour(account.get("payment_method", charge["payment_method"]))
    refund = account.new(
        "refund", _fresh(charge, amount, params, "pending" if test.refund == "pending" else "succeeded")
    )
    if test.refund != "succeeded":
        account.later(refund, account.now)
    account.emit("refund.created", refund)
    account.emit("charge.refunded", _booked(account, charge, amount))
    return refund


def retrieve_refund(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a refund."""
    return account.get("refund", reference)


def list_refunds(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of refunds."""
    return listing.page(account, "refund", "/v1/refunds", params)


def settle(account: Account, reference: str) -> None:
    """Let a refund on its way arrive, or come back: then the charge has its money again."""
    refund = account.get("refund", reference)
    account.later(refund, None)
    if refund["status"] == "pending":
        account.emit("refund.updated", account.save({**refund, "status": "succeeded"}), {"status": "pending"})
        return
    failed = account.save({**refund, "status": "failed", "failure_reason": "expired_or_canceled_card"})
    _booked(account, account.get("charge", refund["charge"]), -refund["amount"])
    account.emit("refund.failed", failed)


def _charge(account: Account, params: Mapping[str, Any]) -> Json:
    """Return the charge that a request names, itself or by its payment intent."""
    if ("charge" in params) == ("payment_intent" in params):
        raise Refusal("A refund names a charge or a payment_intent", code="parameter_missing", param="payment_intent")
    if "charge" in params:
        charge = account.get("charge", params["charge"], "charge", 400)
    else:
        intent = account.get("payment_intent", params["payment_intent"], "payment_intent", 400)
        charge = account.get("charge", intent["latest_charge"]) if intent["latest_charge"] else {}
    if charge.get("status") != "succeeded":
        raise Refusal("There is no successful charge to refund", code="charge_not_refundable", param="payment_intent")
    return charge


def _fresh(charge: Json, amount: int, params: Mapping[str, Any], status: str) -> Json:
    return {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "metadata": fields.metadata(params),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "status": status,
    }


def _booked(account: Account, charge: Json, amount: int) -> Json:
    refunded = charge["amount_refunded"] + amount
    return account.save({**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]})
