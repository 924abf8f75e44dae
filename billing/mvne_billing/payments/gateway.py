"""The payment gateway: what billing asks of whoever collects the money.

The bill is ours; the gateway only collects it. Every call that makes something carries a key that the caller has
written down before the call, so that a retry after a crash finds the first answer instead of charging twice.

Nothing here knows Stripe: adapters live beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mvne_billing.errors import BillingError
from mvne_plans.money import Money

#: The code of a refused refund that asks for more than is left of its charge.
OVER_REFUND = "refund_exceeds_charge"


class PaymentError(BillingError):
    """A call to the payment gateway did not give an answer to work with."""


class GatewayUnavailable(PaymentError):
    """The gateway gave no usable answer; what it did is unknown. Call again with the same key.

    `replayed` is True when this failure is itself the stored answer to the key: the same key will fail the same way
    until the gateway forgets it. Then look (`find_charge`, `find_refund`) before a new attempt with a new key.
    """

    def __init__(self, message: str, *, replayed: bool = False) -> None:
        super().__init__(message)
        self.replayed = replayed


class GatewayRefused(PaymentError):
    """The gateway understood the request and said no; the same request will be refused again. `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class KeyReused(PaymentError):
    """This key was used before with other parameters: two different payments must not share a key."""


class BadSignature(PaymentError):
    """This notification was not signed with our secret, or too long ago: drop it."""


class SyncAction(StrEnum):
    """What a sync did to the gateway's copy of the catalogue."""

    CREATED = "created"
    UPDATED = "updated"  #: changed in place: a name, metadata, back on sale
    REPLACED = "replaced"  #: a new price took the lookup key, the old one is archived
    ARCHIVED = "archived"
    UNCHANGED = "unchanged"


class ChargeStatus(StrEnum):
    """How a charge stands. Only `SUCCEEDED` is money."""

    SUCCEEDED = "succeeded"
    PROCESSING = "processing"  #: a bank debit on its way: days, and it may still fail
    REQUIRES_ACTION = "requires_action"  #: the customer must authenticate (3-D Secure)
    FAILED = "failed"


class RefundStatus(StrEnum):
    """How a refund stands. A refund may fail days after it succeeded."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    REFUSED = "refused"  #: never made: more than is left, or the charge has not succeeded


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """What is sold, as the gateway shows it; `id` is ours and stable (brand and plan)."""

    id: str
    name: str
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """A one-off price for display and checkout, found by `lookup_key`; the engine of ours computes the bill."""

    lookup_key: str
    product: str
    amount: Money
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """A price as the gateway has it."""

    reference: str
    lookup_key: str
    product: str
    amount: Money
    active: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did, and the gateway's reference of what stands there now."""

    action: SyncAction
    reference: str


@dataclass(frozen=True, slots=True)
class CustomerSpec:
    """Who pays: `id` is ours; `locale` is a language tag (`fr`, `en-US`), the gateway writes to the customer in it."""

    id: str
    name: str | None = None
    email: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to collect one invoice, without the customer present; `customer` and `method` are references."""

    payment_id: str
    invoice_id: str
    amount: Money
    customer: str
    method: str


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """How an attempt ended; `code` is the issuer's decline code, or the gateway's error code when there is none.

    `reference` is None only when the gateway refused before it made anything. `next_action` is where to send the
    customer.
    """

    status: ChargeStatus
    reference: str | None
    code: str | None = None
    message: str | None = None
    next_action: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money back to where it came from, for one credit note; `charge` is the reference of the charge."""

    refund_id: str
    charge: str
    amount: Money
    credit_note_id: str


@dataclass(frozen=True, slots=True)
class RefundResult:
    """How a refund ended; a refused one has no reference and a `code` such as `OVER_REFUND`."""

    status: RefundStatus
    reference: str | None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified notification: something happened to `reference`. Fetch the object; never trust an old picture of it.

    `charge` is the reference of the charge that the event concerns, when it concerns one.
    """

    id: str
    type: str
    reference: str
    created: datetime
    charge: str | None = None


class PaymentGateway(Protocol):
    """Whoever collects the money.

    Every method may raise `GatewayUnavailable` and `GatewayRefused`; those that take a `key` also `KeyReused`. A
    declined card is an answer of `charge`, not an error.
    """

    def sync_product(self, key: str, product: ProductSpec) -> Synced:
        """Make the gateway's product equal to `product`."""
        ...

    def sync_price(self, key: str, price: PriceSpec) -> Synced:
        """Make the price behind the lookup key equal to `price`; an amount never changes in place."""
        ...

    def archive_price(self, lookup_key: str) -> Synced:
        """Take a price off sale; it is kept, because old payments refer to it."""
        ...

    def find_prices(self, lookup_keys: Sequence[str]) -> tuple[Price, ...]:
        """Return the prices behind these lookup keys, in the order asked; unknown keys are left out."""
        ...

    def ensure_customer(self, key: str, customer: CustomerSpec) -> str:
        """Return the reference of our customer, made or brought up to date."""
        ...

    def attach_method(self, key: str, customer: str, method: str) -> str:
        """Keep a payment method for a customer; return the reference to charge. A declined card is `GatewayRefused`."""
        ...

    def remove_customer(self, customer: str) -> None:
        """Forget a customer and the payment methods kept; gone already is as good."""
        ...

    def charge(self, key: str, charge: Charge) -> ChargeResult:
        """Try to collect once. The same key and charge give the first answer again, and never a second payment."""
        ...

    def fetch_charge(self, reference: str) -> ChargeResult:
        """Return how a charge stands now."""
        ...

    def find_charge(self, payment_id: str, customer: str) -> ChargeResult | None:
        """Return the charge made for our payment, or None: what to ask after a crash when the key may be forgotten."""
        ...

    def refund(self, key: str, refund: Refund) -> RefundResult:
        """Give money back once."""
        ...

    def find_refund(self, refund_id: str, charge: str) -> RefundResult | None:
        """Return the refund made for our refund id, or None: the same question as `find_charge`."""
        ...

    def parse_event(self, payload: bytes, signature: str, at: datetime) -> GatewayEvent:
        """Verify and read a notification received `at`; raise `BadSignature` when it is not the gateway's."""
        ...
