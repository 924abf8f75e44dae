"""The state machines of billing, each as a table: which state may follow which. Whatever is not listed is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"  #: bought, its line is not up yet
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


SUBSCRIPTION_MOVES: Mapping[SubscriptionState, frozenset[SubscriptionState]] = {
    SubscriptionState.PENDING: frozenset({SubscriptionState.ACTIVE, SubscriptionState.ENDED}),
    SubscriptionState.ACTIVE: frozenset({SubscriptionState.SUSPENDED, SubscriptionState.ENDED}),
    SubscriptionState.SUSPENDED: frozenset({SubscriptionState.ACTIVE, SubscriptionState.ENDED}),
    SubscriptionState.ENDED: frozenset(),
}


class PaymentState(StrEnum):
    """Where one attempt to collect an invoice stands."""

    CREATED = "created"  #: written with its key, the gateway may or may not have heard of it
    PROCESSING = "processing"  #: the bank takes days (SEPA)
    REQUIRES_ACTION = "requires_action"  #: the holder must authenticate
    SUCCEEDED = "succeeded"
    FAILED = "failed"


PAYMENT_MOVES: Mapping[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(PaymentState) - {PaymentState.CREATED},
    PaymentState.PROCESSING: frozenset({PaymentState.SUCCEEDED, PaymentState.FAILED}),
    PaymentState.REQUIRES_ACTION: frozenset({PaymentState.PROCESSING, PaymentState.SUCCEEDED, PaymentState.FAILED}),
    PaymentState.SUCCEEDED: frozenset(),
    PaymentState.FAILED: frozenset(),
}


class RefundState(StrEnum):
    """Where a refund stands."""

    CREATED = "created"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


REFUND_MOVES: Mapping[RefundState, frozenset[RefundState]] = {
    RefundState.CREATED: frozenset({RefundState.SUCCEEDED, RefundState.FAILED}),
    RefundState.SUCCEEDED: frozenset(),
    RefundState.FAILED: frozenset(),
}
