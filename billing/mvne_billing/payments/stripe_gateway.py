"""The payment gateway over Stripe, through Stripe's own SDK.

Keys. `charge`, `refund` and everything that makes an object sends the caller's idempotency key. Changes in place (a
name, off sale) send none of the caller's: they set absolute values, so repeating one is harmless, while a key would
bring back yesterday's answer and hide that nothing was done.

Retries. The SDK's own are switched off: the caller has stored the key, owns the clock and repeats when it suits,
instead of the SDK sleeping inside a bill run. So is the SDK's telemetry, which would write an identifier into the
home directory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, cast

import stripe

from mvne_billing.payments import stripe_answers as answers
from mvne_billing.payments.gateway import (
    OVER_REFUND,
    BadSignature,
    Charge,
    ChargeResult,
    ChargeStatus,
    CustomerSpec,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    KeyReused,
    Price,
    PriceSpec,
    ProductSpec,
    Refund,
    RefundResult,
    RefundStatus,
    SyncAction,
    Synced,
)
from mvne_billing.payments.stripe_amounts import to_stripe

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, CustomerUpdateParams

stripe.enable_telemetry = False

#: See "Retries" above.
NETWORK_RETRIES = 0

#: How old a notification may be: Stripe's own tolerance, against replays.
TOLERANCE = timedelta(minutes=5)

_SIGNED_AT = re.compile(r"(?:^|,)t=(\d{1,12})(?:,|$)", re.ASCII)


class _CustomerFields(TypedDict, total=False):
    """What `CustomerCreateParams` and `CustomerUpdateParams` have in common, as far as we use it."""

    metadata: dict[str, str]
    name: str
    email: str
    preferred_locales: list[str]


class StripeGateway:
    """`PaymentGateway` over Stripe. Live keys are refused unless `live` says that money may really move.

    `http_client` replaces the network, as the simulator does. Use a restricted key (`rk_…`) with write access to
    products, prices, customers, payment methods, payment intents and refunds, and to nothing else.
    """

    def __init__(
        self, api_key: str, webhook_secret: str, http_client: stripe.HTTPClient | None = None, live: bool = False
    ) -> None:
        if not live and not api_key.startswith(("sk_test_", "rk_test_")):
            raise ValueError("this is not a Stripe test key (sk_test_…); a live key needs live=True")
        self._secret = webhook_secret
        client = stripe.StripeClient(api_key, http_client=http_client, max_network_retries=NETWORK_RETRIES)
        self._stripe = client.v1

    def sync_product(self, key: str, product: ProductSpec) -> Synced:
        """Make Stripe's product, whose id is ours, equal to `product`."""
        metadata = dict(product.metadata)
        with translated():
            found = self._product(product.id)
            if found is None:
                self._stripe.products.create(
                    {"id": product.id, "name": product.name, "active": product.active, "metadata": metadata},
                    {"idempotency_key": key},
                )
                return Synced(SyncAction.CREATED, product.id)
            if found == product:
                return Synced(SyncAction.UNCHANGED, product.id)
            metadata = answers.replacing(found.metadata, metadata)
            self._stripe.products.update(
                product.id, {"name": product.name, "active": product.active, "metadata": metadata}
            )
        archived = found.active and not product.active
        return Synced(SyncAction.ARCHIVED if archived else SyncAction.UPDATED, product.id)

    def sync_price(self, key: str, price: PriceSpec) -> Synced:
        """Make the price behind the lookup key equal to `price`; another amount makes another price.

        The new price names the one it replaces, so that a crash between the two steps is finished by the next sync.
        """
        with translated():
            found = self._price(price.lookup_key)
            if found is None:
                return Synced(SyncAction.CREATED, self._new_price(f"{key}/new", price, {}))
            old = answers.price(found)
            self._finish_replacing(found)
            if (old.product, old.amount) == (price.product, price.amount):
                return self._same_amount(old, price)
            reference = self._new_price(f"{key}/after/{old.reference}", price, {answers.REPLACES: old.reference})
            self._stripe.prices.update(old.reference, {"active": False})
        return Synced(SyncAction.REPLACED, reference)

    def archive_price(self, lookup_key: str) -> Synced:
        """Take a price off sale; raise `GatewayRefused` (`resource_missing`) when there is none."""
        with translated():
            found = self._price(lookup_key)
            if found is None:
                raise GatewayRefused("resource_missing", f"no price has the lookup key {lookup_key}")
            self._finish_replacing(found)
            if not found["active"]:
                return Synced(SyncAction.UNCHANGED, found["id"])
            self._stripe.prices.update(found["id"], {"active": False})
        return Synced(SyncAction.ARCHIVED, found["id"])

    def find_prices(self, lookup_keys: Sequence[str]) -> tuple[Price, ...]:
        """Return the prices behind these lookup keys; Stripe takes ten at a time."""
        found: dict[str, Price] = {}
        with translated():
            for start in range(0, len(lookup_keys), 10):
                some = list(lookup_keys[start : start + 10])
                for made in self._stripe.prices.list({"lookup_keys": some, "limit": 100}).data:
                    price = answers.price(_plain(made))
                    found[price.lookup_key] = price
        return tuple(found[lookup_key] for lookup_key in lookup_keys if lookup_key in found)

    def ensure_customer(self, key: str, customer: CustomerSpec) -> str:
        """Return Stripe's customer with our id in its metadata, made or brought up to date.

        What `customer` leaves open stays as it is. Stripe's search runs up to a minute late, so what it finds is read
        anew, and within that minute the key keeps a repeated call from making two. A key whose customer was deleted
        since goes on to a key of its own.
        """
        query = f"metadata['{answers.CUSTOMER}']:{answers.quoted(customer.id)}"
        with translated():
            for hit in self._stripe.customers.search({"query": query, "limit": 100}).data:
                found = _plain(self._stripe.customers.retrieve(hit.id))
                if found.get("deleted"):
                    continue
                if answers.differs(found, customer):
                    self._stripe.customers.update(hit.id, cast("CustomerUpdateParams", _fields(customer)))
                return hit.id
            return self._new_customer(key, customer)

    def attach_method(self, key: str, customer: str, method: str) -> str:
        """Keep a payment method for a customer; a test method such as `pm_card_visa` gets an id of its own."""
        with translated():
            kept = self._stripe.payment_methods.attach(method, {"customer": customer}, {"idempotency_key": key})
        return kept.id

    def remove_customer(self, customer: str) -> None:
        """Delete a customer; one that is gone already is left so."""
        try:
            with translated():
                self._stripe.customers.delete(customer)
        except GatewayRefused as refused:
            if refused.code != "resource_missing":
                raise

    def charge(self, key: str, charge: Charge) -> ChargeResult:
        """Make and confirm one payment intent, the customer not being there."""
        amount, currency = to_stripe(charge.amount)
        try:
            with translated():
                intent = self._stripe.payment_intents.create(
                    {
                        "amount": amount,
                        "currency": currency,
                        "customer": charge.customer,
                        "payment_method": charge.method,
                        "confirm": True,
                        "off_session": True,
                        "error_on_requires_action": True,
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "metadata": {answers.PAYMENT: charge.payment_id, answers.INVOICE: charge.invoice_id},
                    },
                    {"idempotency_key": key},
                )
        except Declined as declined:
            return answers.failure((declined.error.get("payment_intent") or {}).get("id"), declined.error)
        return answers.charge_result(_plain(intent))

    def fetch_charge(self, reference: str) -> ChargeResult:
        """Return how a payment intent stands now."""
        with translated():
            intent = self._stripe.payment_intents.retrieve(reference)
        return answers.charge_result(_plain(intent))

    def find_charge(self, payment_id: str, customer: str) -> ChargeResult | None:
        """Return the payment intent made for our payment, from the customer's list: unlike the search it is never late.

        Of several (a key forgotten between two tries) the one that got furthest counts.
        """
        with translated():
            page = self._stripe.payment_intents.list({"customer": customer, "limit": 100})
            intents = [_plain(intent) for intent in page.auto_paging_iter()]
        own = [intent for intent in intents if intent["metadata"].get(answers.PAYMENT) == payment_id]
        order = list(ChargeStatus)
        return min(map(answers.charge_result, own), key=lambda result: order.index(result.status), default=None)

    def refund(self, key: str, refund: Refund) -> RefundResult:
        """Give part or all of a payment intent back; Stripe refuses more than is left."""
        amount, _ = to_stripe(refund.amount)
        metadata = {answers.REFUND: refund.refund_id, answers.CREDIT_NOTE: refund.credit_note_id}
        try:
            with translated():
                made = self._stripe.refunds.create(
                    {"payment_intent": refund.charge, "amount": amount, "metadata": metadata}, {"idempotency_key": key}
                )
        except GatewayRefused as refused:
            code = _nothing_left(refused)
            if code is None:
                raise
            return RefundResult(RefundStatus.REFUSED, None, code, refused.message)
        return answers.refund_result(_plain(made))

    def find_refund(self, refund_id: str, charge: str) -> RefundResult | None:
        """Return the refund of a payment intent made for our refund id."""
        with translated():
            page = self._stripe.refunds.list({"payment_intent": charge, "limit": 100})
            refunds = [_plain(made) for made in page.auto_paging_iter()]
        own = [made for made in refunds if made["metadata"].get(answers.REFUND) == refund_id]
        return answers.refund_result(own[0]) if own else None

    def parse_event(self, payload: bytes, signature: str, at: datetime) -> GatewayEvent:
        """Verify a webhook's signature and age, and read what it is about."""
        try:
            stripe.WebhookSignature.verify_header(payload, signature, self._secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as wrong:
            raise BadSignature("the notification is not signed with our webhook secret") from wrong
        signed = _SIGNED_AT.search(signature)
        if signed is None or at - datetime.fromtimestamp(int(signed[1]), UTC) > TOLERANCE:
            raise BadSignature("the notification was signed too long ago")
        return answers.event(json.loads(payload))

    def _product(self, reference: str) -> ProductSpec | None:
        try:
            return answers.product(_plain(self._stripe.products.retrieve(reference)))
        except stripe.InvalidRequestError as refused:
            if refused.code != "resource_missing":
                raise
        return None

    def _price(self, lookup_key: str) -> dict[str, Any] | None:
        prices = self._stripe.prices.list({"lookup_keys": [lookup_key], "limit": 1}).data
        return _plain(prices[0]) if prices else None

    def _new_price(self, key: str, price: PriceSpec, more: Mapping[str, str]) -> str:
        amount, currency = to_stripe(price.amount)
        made = self._stripe.prices.create(
            {
                "product": price.product,
                "unit_amount": amount,
                "currency": currency,
                "lookup_key": price.lookup_key,
                "transfer_lookup_key": True,
                "metadata": {**price.metadata, **more},
            },
            {"idempotency_key": key},
        )
        return made.id

    def _finish_replacing(self, price: Mapping[str, Any]) -> None:
        replaced = price["metadata"].get(answers.REPLACES)
        if replaced and self._stripe.prices.retrieve(replaced).active:
            self._stripe.prices.update(replaced, {"active": False})

    def _same_amount(self, found: Price, price: PriceSpec) -> Synced:
        if found.active and found.metadata == price.metadata:
            return Synced(SyncAction.UNCHANGED, found.reference)
        metadata = answers.replacing(found.metadata, price.metadata)
        self._stripe.prices.update(found.reference, {"active": True, "metadata": metadata})
        return Synced(SyncAction.UPDATED, found.reference)

    def _new_customer(self, key: str, customer: CustomerSpec) -> str:
        made = self._stripe.customers.create(cast("CustomerCreateParams", _fields(customer)), {"idempotency_key": key})
        if _was_given_before(made) and _plain(self._stripe.customers.retrieve(made.id)).get("deleted"):
            return self._new_customer(f"{key}/after/{made.id}", customer)
        return made.id


class Declined(GatewayRefused):
    """A card error: an answer for `charge`, a refusal for everything else. `error` is Stripe's error object."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("decline_code") or error.get("code") or "card_declined", error.get("message", ""))
        self.error = error


@contextmanager
def translated() -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except stripe.CardError as error:
        raise Declined(_error_object(error)) from error
    except stripe.IdempotencyError as error:
        raise KeyReused(str(error)) from error
    except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as error:
        code = error.code or _UNCODED[type(error)]
        raise GatewayRefused(code, error.user_message or "no reason given") from error
    except stripe.StripeError as error:  # a broken connection, too many requests, a 409 or 5xx
        raise GatewayUnavailable(str(error), replayed=_is_replay(error.headers)) from error


_UNCODED: Mapping[type[stripe.StripeError], str] = {
    stripe.InvalidRequestError: "invalid_request",
    stripe.AuthenticationError: "authentication",
    stripe.PermissionError: "permission",
}


def _error_object(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    return body["error"] if isinstance(body, dict) else {"code": error.code, "message": error.user_message}


def _nothing_left(refused: GatewayRefused) -> str | None:
    """Return the code of a refund that asks for more than is left, None for any other refusal.

    Stripe gives a refund that is too large no code, only the parameter that is wrong.
    """
    cause = refused.__cause__
    if refused.code in ("charge_already_refunded", "charge_disputed"):
        return refused.code
    too_large = isinstance(cause, stripe.InvalidRequestError) and cause.code is None and cause.param == "amount"
    return OVER_REFUND if too_large else None


def _is_replay(headers: Mapping[str, str] | None) -> bool:
    """Tell an answer that was given before; header names come in any case."""
    return any(name.lower() == "idempotent-replayed" for name in headers or {})


def _was_given_before(answer: stripe.StripeObject) -> bool:
    return answer.last_response is not None and _is_replay(answer.last_response.headers)


def _plain(answer: stripe.StripeObject) -> dict[str, Any]:
    return answer.to_dict()


def _fields(customer: CustomerSpec) -> _CustomerFields:
    fields: _CustomerFields = {"metadata": {answers.CUSTOMER: customer.id}}
    if customer.name is not None:
        fields["name"] = customer.name
    if customer.email is not None:
        fields["email"] = customer.email
    if customer.locale is not None:
        fields["preferred_locales"] = [customer.locale]
    return fields
