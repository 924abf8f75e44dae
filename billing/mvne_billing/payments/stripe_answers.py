"""What Stripe's answers mean for billing: its JSON read into the gateway's words, without the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mvne_billing.payments.gateway import (
    ChargeResult,
    ChargeStatus,
    CustomerSpec,
    GatewayEvent,
    GatewayRefused,
    Price,
    ProductSpec,
    RefundResult,
    RefundStatus,
)
from mvne_billing.payments.stripe_amounts import from_stripe

#: An object as Stripe shows it.
Answer = Mapping[str, Any]

#: Our ids on Stripe's objects.
PAYMENT, INVOICE, CUSTOMER = "mvne_payment", "mvne_invoice", "mvne_customer"
REFUND, CREDIT_NOTE, REPLACES = "mvne_refund", "mvne_credit_note", "mvne_replaces"

#: The code of a payment that its holder must authenticate.
AUTHENTICATE = "authentication_required"

#: Stripe's status of a payment intent, and ours of a charge. Source:
#: docs.stripe.com/payments/paymentintents/lifecycle.
CHARGE_STATUS = {
    "succeeded": ChargeStatus.SUCCEEDED,
    "processing": ChargeStatus.PROCESSING,
    "requires_action": ChargeStatus.REQUIRES_ACTION,
    "requires_payment_method": ChargeStatus.FAILED,
    "canceled": ChargeStatus.FAILED,
}

#: Stripe's status of a refund, and ours.
REFUND_STATUS = {
    "succeeded": RefundStatus.SUCCEEDED,
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def charge_result(intent: Answer) -> ChargeResult:
    """Read a payment intent; raise `GatewayRefused` for a status that our intents never have."""
    status = CHARGE_STATUS.get(intent["status"])
    if status is None:
        raise GatewayRefused(
            "unexpected_status", f"payment intent {intent['id']} is {intent['status']}: not one of ours"
        )
    if status is ChargeStatus.REQUIRES_ACTION:
        redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
        return ChargeResult(status, intent["id"], AUTHENTICATE, next_action=redirect.get("url"))
    if status is not ChargeStatus.FAILED:
        return ChargeResult(status, intent["id"])
    if intent["status"] == "canceled" or not intent.get("last_payment_error"):
        return ChargeResult(status, intent["id"], intent.get("cancellation_reason") or intent["status"])
    return failure(intent["id"], intent["last_payment_error"])


def failure(reference: str | None, error: Answer) -> ChargeResult:
    """Read a card error. A card that wants its holder to authenticate is not lost: there is a page of ours for that."""
    code, message = error.get("code"), error.get("message")
    if code == AUTHENTICATE:
        return ChargeResult(ChargeStatus.REQUIRES_ACTION, reference, code, message)
    return ChargeResult(ChargeStatus.FAILED, reference, error.get("decline_code") or code, message)


def refund_result(refund: Answer) -> RefundResult:
    """Read a refund; raise `GatewayRefused` for a status that is not known here."""
    status = REFUND_STATUS.get(refund["status"])
    if status is None:
        raise GatewayRefused(
            "unexpected_status", f"refund {refund['id']} is {refund['status']}, which is not known here"
        )
    return RefundResult(status, refund["id"], refund.get("failure_reason"))


def price(answer: Answer) -> Price:
    """Read a price; raise `GatewayRefused` for one without a whole amount, which we never make."""
    if answer["unit_amount"] is None:
        raise GatewayRefused("unexpected_price", f"price {answer['id']} has no whole amount: not one of ours")
    amount = from_stripe(answer["unit_amount"], answer["currency"])
    metadata = {name: text for name, text in answer["metadata"].items() if name != REPLACES}
    return Price(answer["id"], answer["lookup_key"], answer["product"], amount, answer["active"], metadata)


def product(answer: Answer) -> ProductSpec:
    """Read a product."""
    return ProductSpec(answer["id"], answer["name"], answer["active"], answer["metadata"])


def differs(answer: Answer, customer: CustomerSpec) -> bool:
    """Return whether Stripe's customer lacks something that ours says; what ours leaves open does not count."""
    pairs = [(customer.name, answer["name"]), (customer.email, answer["email"])]
    locales = [customer.locale] if customer.locale else None
    return any(own is not None and own != theirs for own, theirs in [*pairs, (locales, answer["preferred_locales"])])


def event(answer: Answer) -> GatewayEvent:
    """Read an event: only what it is about, not how that stood then."""
    thing = answer["data"]["object"]
    charge = thing["id"] if thing["object"] == "payment_intent" else thing.get("payment_intent")
    return GatewayEvent(
        answer["id"], answer["type"], thing["id"], datetime.fromtimestamp(answer["created"], UTC), charge
    )


def quoted(text: str) -> str:
    r"""Return a text as Stripe's search language takes it.

    >>> print(quoted("O'Hara"))
    'O\'Hara'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def replacing(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return metadata to send so that exactly `wanted` remains: an empty text removes a name.

    >>> replacing({"plan": "douceur", "old": "1"}, {"plan": "serenite"})
    {'plan': 'serenite', 'old': ''}
    """
    return {**dict.fromkeys(present, ""), **wanted}
