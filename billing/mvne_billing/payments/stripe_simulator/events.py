"""Events and their delivery as signed notifications: at least once; to order late, twice, out of order or never."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import stripe

from mvne_billing.payments.stripe_simulator import listing
from mvne_billing.payments.stripe_simulator.account import Account
from mvne_billing.payments.stripe_simulator.refusals import Json
from mvne_billing.payments.stripe_simulator.tables import EVENT, OBJECT, TAG

#: Receives a body and a `Stripe-Signature`, and answers with an HTTP status.
Endpoint = Callable[[bytes, str], int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the notifications: `refused` ones were answered with anything but 2xx and will come again."""

    delivered: int = 0
    refused: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """An event waiting to be told."""

    id: str
    type: str
    body: str


def retrieve_event(account: Account, params: Mapping[str, Any], reference: str) -> Json:
    """Return an event."""
    return account.get("event", reference)


def list_events(account: Account, params: Mapping[str, Any]) -> Json:
    """Return a page of events."""
    return listing.page(account, "event", "/v1/events", params)


def pending(connection: sa.Connection, limit: int) -> list[Notification]:
    """Return the oldest notifications that nobody has taken yet."""
    query = (
        sa.select(OBJECT.c.id, TAG.c.value.label("type"), OBJECT.c.body)
        .join(EVENT, EVENT.c.id == OBJECT.c.id)
        .join(TAG, sa.and_(TAG.c.object == OBJECT.c.id, TAG.c.name == "type"))
        .where(EVENT.c.state == "pending")
        .order_by(EVENT.c.seq)
        .limit(limit)
    )
    return [Notification(row.id, row.type, row.body) for row in connection.execute(query)]


def mark(connection: sa.Connection, event: str, state: str) -> None:
    """Record one attempt to deliver a notification, and how it stands after it."""
    change = EVENT.update().where(EVENT.c.id == event, EVENT.c.state == "pending")
    connection.execute(change.values(state=state, attempts=EVENT.c.attempts + 1))


def send(notification: Notification, endpoint: Endpoint, secret: str, now: int, times: int = 1) -> bool:
    """Sign as Stripe's SDK does, send, and return whether the last answer was 2xx."""
    signature = stripe.WebhookSignature.generate_signature_header(notification.body, secret, now)
    answers = [endpoint(notification.body.encode(), signature) for _ in range(times)]
    return 200 <= answers[-1] < 300
