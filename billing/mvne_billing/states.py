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


class SessionState(StrEnum):
    """Where a charging session stands."""

    OPEN = "open"
    CLOSED = "closed"  #: released by its client
    EXPIRED = "expired"  #: swept: its client never came back


SESSION_MOVES: Mapping[SessionState, frozenset[SessionState]] = {
    SessionState.OPEN: frozenset({SessionState.CLOSED, SessionState.EXPIRED}),
    SessionState.CLOSED: frozenset(),
    SessionState.EXPIRED: frozenset(),
}


class UsageState(StrEnum):
    """Where a usage record stands."""

    READ = "read"  #: as its file, feed or session gave it; nothing is written yet
    HELD = "held"  #: in suspense, with its reason
    RATED = "rated"
    LIVE = "live"  #: written by a charging session, which was paid as it went on
    MATCHED = "matched"  #: the network's record of what a session charged already: it costs nothing again
    REPLACED = "replaced"  #: another record corrects it
    DROPPED = "dropped"  #: written off by a person, with a reason
    VOID = "void"  #: its file was unloaded; it may come again


USAGE_MOVES: Mapping[UsageState, frozenset[UsageState]] = {
    UsageState.READ: frozenset({UsageState.HELD, UsageState.RATED, UsageState.LIVE, UsageState.MATCHED}),
    UsageState.HELD: frozenset({UsageState.RATED, UsageState.MATCHED, UsageState.DROPPED, UsageState.VOID}),
    UsageState.RATED: frozenset({UsageState.REPLACED, UsageState.VOID}),
    UsageState.LIVE: frozenset(),
    UsageState.MATCHED: frozenset({UsageState.VOID}),
    UsageState.REPLACED: frozenset({UsageState.RATED, UsageState.VOID}),
    UsageState.DROPPED: frozenset({UsageState.HELD}),
    UsageState.VOID: frozenset({UsageState.HELD, UsageState.RATED, UsageState.MATCHED}),
}

#: States of the records that are in the table of usage; the others are in suspense, or nowhere yet.
STORED = (UsageState.RATED, UsageState.LIVE, UsageState.MATCHED, UsageState.REPLACED, UsageState.VOID)


class Came(StrEnum):
    """When a usage record came in, set against what was there already."""

    IN_ORDER = "in_order"
    OUT_OF_ORDER = "out_of_order"  #: after a later one of its line and kind, which had the allowance first
    LATE = "late"  #: after its time was billed
