"""Idempotency keys: the first answer to a key is the answer to every request that repeats it.

Stripe's rules (docs.stripe.com/api/idempotent_requests): errors are kept too, even a 500; other parameters or another
address with the same key are refused; a request that fails its parameter check is not kept; a key is forgotten after
a day.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import sqlalchemy as sa

from mvne_billing.payments.stripe_simulator.forms import Form
from mvne_billing.payments.stripe_simulator.refusals import Refusal
from mvne_billing.payments.stripe_simulator.tables import KEY

#: How long a key is remembered, in seconds; Stripe promises at least a day.
LIFETIME = 24 * 3600

_RECALL = sa.select(KEY).where(KEY.c.key == sa.bindparam("own"))

#: The longest key.
MAXIMUM = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and body; `replayed` when it was given before."""

    status: int
    body: str
    replayed: bool = False


def recall(connection: sa.Connection, key: str, address: str, form: dict[str, Form], now: int) -> Answer | None:
    """Return the answer given to this key before, or None; raise `Refusal` when the request is another one."""
    if len(key) > MAXIMUM:
        raise Refusal(f"An idempotency key has at most {MAXIMUM} signs")
    row = connection.execute(_RECALL, {"own": key}).first()
    if row is None:
        return None
    if row.created + LIFETIME <= now:
        connection.execute(KEY.delete().where(KEY.c.key == key))
        return None
    if (row.address, row.fingerprint) != (address, fingerprint(form)):
        raise Refusal(f"The idempotency key {key!r} was used for another request", kind="idempotency_error")
    return Answer(row.status, row.body, replayed=True)


def remember(
    connection: sa.Connection, key: str, address: str, form: dict[str, Form], now: int, answer: Answer
) -> None:
    """Keep the answer to a key."""
    row = {"key": key, "address": address, "fingerprint": fingerprint(form), "created": now}
    connection.execute(KEY.insert(), {**row, "status": answer.status, "body": answer.body})


def fingerprint(form: dict[str, Form]) -> str:
    """Return a digest of a request's parameters, whatever their order."""
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()
