"""Payment intents and the charges that their attempts make.

An intent goes from `requires_payment_method` over `requires_confirmation` to `succeeded`; a card that wants 3-D
Secure holds it at `requires_action`, a bank debit at `processing`, a decline throws it back to
`requires_payment_method`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mvne_billing.payments.stripe_simulator import fields, listing
from mvne_billing.payments.stripe_simulator.account import Account
from mvne_billing.payments.stripe_simulator.amounts import chargeable
from mvne_billing.payments.stripe_simulator.cards import TestMethod
from mvne_billing.payments.stripe_simulator.customers import behaviour, declined, live, method_of
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal


class IntentStatus(StrEnum):
    """Where an intent stands, in Stripe's words."""

    NEEDS_METHOD = "requires_payment_method"
    NEEDS_CONFIRMATION = "requires_confirmation"
    NEEDS_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


#: Where an intent may go next. Source: docs.stripe.com/payments/paymentintents/lifecycle.
MOVES: Mapping[IntentStatus, frozenset[IntentStatus]] = {
    IntentStatus.NEEDS_METHOD: frozenset({IntentStatus.NEEDS_CONFIRMATION, IntentStatus.CANCELED}),
    IntentStatus.NEEDS_CONFIRMATION: frozenset(set(IntentStatus) - {IntentStatus.NEEDS_CONFIRMATION}),
    IntentStatus.NEEDS_ACTION: frozenset(
        {IntentStatus.NEEDS_METHOD, IntentStatus.PROCESSING, IntentStatus.SUCCEEDED, IntentStatus.CANCELED}
    ),
    IntentStatus.PROCESSING: frozenset({IntentStatus.SUCCEEDED, IntentStatus.NEEDS_METHOD}),
    IntentStatus.SUCCEEDED: frozenset(),
    IntentStatus.CANCELED: frozenset(),
}

_AUTHENTICATE = "authentication_required"
_HOOKS = "https://hooks.stripe.example/simulated/authenticate/"


def create_intent(account: Account, params: Mapping[str, Any]) -> Json:
    """Make a payment intent, and try it at once when `confirm` says so."""
    currency = chargeable(params["amount"], params["currency"])
    if "customer" in params:
        live(account, params["customer"], "customer")
    for name in ("off_session", "error_on_requires_action", "return_url"):
        if name in params and not params.get("confirm"):
            raise Refusal(f"{name} needs confirm=true", code="parameter_missing", param="confirm")
    method = method_of(account, params["payment_method"], "payment_method") if "payment_method" in params else None
    intent = account.new("payment_intent", _fresh(params, currency, method))
    intent = account.save({**intent, "client_secret": f"{intent['id']}_secret_simulated"})
    account.emit("payment_intent.created", intent)
    return _confirmed(account, intent, params) if params.get("confirm") else intent


def retrieve_intent(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a payment intent."""
    return account.get("payment_intent", reference)


def list_intents(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of payment intents."""
    return listing.page(account, "payment_intent", "/v1/payment_intents", params)


def search_intents(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of the payment intents that a search finds."""
    return listing.search(account, "payment_intent", "/v1/payment_intents/search", params)


def confirm_intent(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Try an intent that was made without trying it, or try again with another payment method."""
    intent = account.get("payment_intent", reference)
    if "payment_method" in params and intent["status"] in (IntentStatus.NEEDS_METHOD, IntentStatus.NEEDS_CONFIRMATION):
        method = method_of(account, params["payment_method"], "payment_method")
        chosen = {"payment_method": method["id"], "status": IntentStatus.NEEDS_CONFIRMATION}
        intent = account.save({**intent, **chosen})
    return _confirmed(account, intent, params)


def cancel_intent(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Give an intent up."""
    intent = account.get("payment_intent", reference)
    reason = params.get("cancellation_reason")
    canceled = _move(
        account, intent, IntentStatus.CANCELED, canceled_at=account.now, cancellation_reason=reason, next_action=None
    )
    account.emit("payment_intent.canceled", canceled)
    return canceled


def retrieve_charge(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return a charge."""
    return account.get("charge", reference)


def list_charges(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of charges."""
    return listing.page(account, "charge", "/v1/charges", params)


def authenticate(account: Account, reference: str, *, passed: bool) -> Json:
    """Let the customer answer the 3-D Secure question of an intent."""
    intent = account.get("payment_intent", reference)
    if intent["status"] != IntentStatus.NEEDS_ACTION:
        raise _unexpected(intent, "be authenticated")
    method = account.get("payment_method", intent["payment_method"])
    intent = account.save({**intent, "next_action": None})
    if passed:
        return _attempt(account, intent, method, raises=False)
    failure = {"code": "payment_intent_authentication_failure", "message": "The customer did not authenticate."}
    return _thrown_back(account, intent, method, {"type": "card_error", **failure})


def settle(account: Account, reference: str) -> None:
    """Let a bank debit arrive, or fail."""
    intent = account.get("payment_intent", reference)
    charge = account.get("charge", intent["latest_charge"])
    method = account.get("payment_method", intent["payment_method"])
    test = behaviour(method)
    account.later(intent, None)
    if test.code is None:
        _paid(account, intent, account.save({**charge, **_captured(charge["amount"])}))
        return
    failure = {"failure_code": test.code, "failure_message": test.message}
    failed = account.save({**charge, "status": "failed", **failure})
    account.emit("charge.failed", failed)
    _thrown_back(account, intent, method, {**_error(test), "charge": failed["id"]})


def _fresh(params: Mapping[str, Any], currency: str, method: Json | None) -> Json:
    kinds = params.get("allowed_payment_method_types")
    automatic = params.get("automatic_payment_methods", {"enabled": True})
    offered = ["card", "sepa_debit"] if currency == "eur" else ["card"]
    return {
        "allowed_payment_method_types": kinds,
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic["enabled"] else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": params.get("customer"),
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": fields.metadata(params),
        "next_action": None,
        "payment_method": method["id"] if method else None,
        "payment_method_types": [kind for kind in offered if kinds is None or kind in kinds],
        "status": IntentStatus.NEEDS_CONFIRMATION if method else IntentStatus.NEEDS_METHOD,
    }


def _confirmed(account: Account, intent: Json, params: Mapping[str, Any]) -> Json:
    if intent["status"] != IntentStatus.NEEDS_CONFIRMATION:
        raise _unexpected(intent, "be confirmed")
    method = account.get("payment_method", intent["payment_method"], "payment_method", 400)
    _fits(intent, method, params)
    if behaviour(method).authenticates:
        return _ask(account, intent, method, params)
    return _attempt(account, intent, method, raises=True)


def _fits(intent: Json, method: Json, params: Mapping[str, Any]) -> None:
    if method["customer"] not in (None, intent["customer"]):
        raise Refusal("This payment method belongs to another customer", param="payment_method")
    if method["type"] not in intent["payment_method_types"]:
        raise Refusal(
            f"A {method['type']} cannot pay this intent: it takes {', '.join(intent['payment_method_types'])}",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )
    redirects = (intent["automatic_payment_methods"] or {}).get("allow_redirects") == "always"
    if redirects and not params.get("off_session") and "return_url" not in params:
        raise Refusal("Some payment methods redirect: give a return_url or allow_redirects=never", param="return_url")


def _ask(account: Account, intent: Json, method: Json, params: Mapping[str, Any]) -> Json:
    """Ask for 3-D Secure; without the customer there, or where the caller cannot show it, that is a decline."""
    if params.get("off_session"):
        return _refused(account, intent, method, _needs("This payment must be authenticated.", _AUTHENTICATE))
    if params.get("error_on_requires_action"):
        text = "This payment must be authenticated, and error_on_requires_action was set."
        return _refused(account, intent, method, _needs(text, "authentication_not_handled"))
    redirect = {"url": f"{_HOOKS}{intent['id']}", "return_url": params.get("return_url")}
    action: Json = {"type": "redirect_to_url", "redirect_to_url": redirect}
    if "return_url" not in params:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    waiting = _move(account, intent, IntentStatus.NEEDS_ACTION, next_action=action)
    account.emit("payment_intent.requires_action", waiting)
    return waiting


def _needs(message: str, decline_code: str) -> TestMethod:
    return TestMethod("", "", _AUTHENTICATE, decline_code, message)


def _attempt(account: Account, intent: Json, method: Json, *, raises: bool) -> Json:
    test = behaviour(method)
    if test.settles is not None:
        charge = _charge(account, intent, method, status="pending")
        waiting = _move(account, intent, IntentStatus.PROCESSING, latest_charge=charge["id"])
        account.later(waiting, account.now + int(test.settles.total_seconds()))
        account.emit("payment_intent.processing", waiting)
        return waiting
    if test.code is not None:
        return _refused(account, intent, method, test, raises=raises)
    return _paid(account, intent, _charge(account, intent, method, **_captured(intent["amount"])))


def _paid(account: Account, intent: Json, charge: Json) -> Json:
    paid = _move(
        account,
        intent,
        IntentStatus.SUCCEEDED,
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
    )
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", paid)
    return paid


def _refused(account: Account, intent: Json, method: Json, test: TestMethod, *, raises: bool = True) -> Json:
    failure = {"failure_code": test.code, "failure_message": test.message}
    charge = _charge(account, intent, method, status="failed", **failure)
    account.emit("charge.failed", charge)
    back = _thrown_back(
        account, {**intent, "latest_charge": charge["id"]}, method, {**_error(test), "charge": charge["id"]}
    )
    if raises:
        raise declined(test, charge=charge["id"], payment_intent=back, payment_method=method)
    return back


def _thrown_back(account: Account, intent: Json, method: Json, error: Json) -> Json:
    failure = {"payment_method": None, "last_payment_error": {**error, "payment_method": method}}
    back = _move(account, intent, IntentStatus.NEEDS_METHOD, **failure)
    account.emit("payment_intent.payment_failed", back)
    return back


def _error(test: TestMethod) -> Json:
    error = {"type": "card_error", "code": test.code, "decline_code": test.decline_code, "message": test.message}
    return {name: value for name, value in error.items() if value is not None}


def _charge(account: Account, intent: Json, method: Json, **outcome: Any) -> Json:
    body = {
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "metadata": intent["metadata"],
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "refunded": False,
    }
    return account.new("charge", {**body, **outcome})


def _captured(amount: int) -> Json:
    return {"amount_captured": amount, "captured": True, "paid": True, "status": "succeeded"}


def _move(account: Account, intent: Json, status: IntentStatus, **after: Any) -> Json:
    if status not in MOVES[IntentStatus(intent["status"])]:
        raise _unexpected(intent, f"become {status}")
    return account.save({**intent, **after, "status": status})


def _unexpected(intent: Json, wish: str) -> Refusal:
    return Refusal(
        f"A payment intent that is {intent['status']} cannot {wish}",
        code="payment_intent_unexpected_state",
        more={"payment_intent": intent},
    )
