"""The simulated account within one request: its objects read and changed, its events, its ids and its time.

Changes wait until the request is over and are written together, so a refused request leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import stripe

from mvne_billing.payments.stripe_simulator.refusals import Json, missing
from mvne_billing.payments.stripe_simulator.tables import COUNTER, EVENT, OBJECT, TAG

#: By which of its fields each kind of object can be listed.
LISTED_BY: Mapping[str, tuple[str, ...]] = {
    "product": ("active",),
    "price": ("active", "currency", "lookup_key", "product", "type"),
    "customer": ("deleted", "email"),
    "payment_method": ("customer", "type"),
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "event": ("type",),
}

_PREFIX = {
    "product": "prod",
    "price": "price",
    "customer": "cus",
    "payment_method": "pm",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "event": "evt",
}

#: The tag of an object that something will happen to: when, in zero-padded seconds since 1970.
DUE = "due"

_SERIALS_PER_REQUEST = 1000

# Built once: a sandbox makes thousands of requests.
_COUNT = COUNTER.update().values(value=COUNTER.c.value + 1)
_SERIAL = sa.select(COUNTER.c.value)
_BODY = sa.select(OBJECT.c.body).where(OBJECT.c.id == sa.bindparam("reference"))
_DUE = (
    sa.select(OBJECT.c.kind, OBJECT.c.id)
    .join(TAG, TAG.c.object == OBJECT.c.id)
    .where(TAG.c.name == DUE, TAG.c.value <= sa.bindparam("now"))
    .order_by(OBJECT.c.seq)
)
_CHANGE = OBJECT.update().where(OBJECT.c.id == sa.bindparam("own")).values(body=sa.bindparam("text"))


@dataclass
class Account:
    """One request's view. `serial` numbers the request (0 when it only reads); `now` is in seconds since 1970."""

    connection: sa.Connection
    now: int
    serial: int = 0
    key: str | None = None
    _used: int = 0
    _seen: dict[str, Json] = field(default_factory=dict)
    _changed: dict[str, str] = field(default_factory=dict)  # id -> kind, in the order of change
    _made: dict[str, int] = field(default_factory=dict)  # id -> seq
    _due: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def writing(cls, connection: sa.Connection, now: int, key: str | None = None) -> Account:
        """Open the account to change it; waits until every other changing request is over."""
        connection.execute(_COUNT)
        return cls(connection, now, connection.execute(_SERIAL).scalar_one(), key)

    def new(self, kind: str, fields: Json, reference: str | None = None) -> Json:
        """Make an object; `livemode: false` where Stripe's class has the field."""
        seq = self._next()
        chosen = reference or f"{_PREFIX[kind]}_sim{seq:014d}"
        live = {} if kind == "refund" else {"livemode": False}
        body = {"id": chosen, "object": kind, "created": self.now, **live, **fields}
        self._made[chosen] = seq
        return self.save(body)

    def save(self, body: Json) -> Json:
        """Remember a changed object."""
        self._seen[body["id"]] = body
        self._changed[body["id"]] = body["object"]
        return body

    def get(self, kind: str, reference: str, param: str = "id", status: int = 404) -> Json:
        """Return an object; raise `Refusal` when there is none of this kind."""
        body = self._seen.get(reference)
        if body is None:
            text = self.connection.execute(_BODY, {"reference": reference}).scalar()
            body = self._seen[reference] = json.loads(text) if text else {}
        if body.get("object") != kind:
            raise missing(kind, reference, param, status)
        return body

    def has(self, reference: str) -> bool:
        """Return whether an object of any kind has this id."""
        return reference in self._made or self.connection.execute(_BODY, {"reference": reference}).first() is not None

    def later(self, body: Json, at: int | None) -> None:
        """Say when something will happen to an object; None: nothing more."""
        self._due[body["id"]] = at

    def emit(self, event: str, body: Json, before: Mapping[str, Any] | None = None) -> None:
        """Record an event with the object as it is now and the fields that it had before; bodies are never edited."""
        data: Json = {"object": body}
        if before:
            data["previous_attributes"] = dict(before)
        request = {"id": request_id(self.serial) if self.serial else None, "idempotency_key": self.key}
        version = stripe.api_version
        fields = {"api_version": version, "data": data, "pending_webhooks": 1, "request": request, "type": event}
        self.new("event", fields)

    def due(self) -> Sequence[tuple[str, str]]:
        """Return kind and id of the objects whose time has come, oldest first."""
        return [(row.kind, row.id) for row in self.connection.execute(_DUE, {"now": _padded(self.now)})]

    def flush(self) -> None:
        """Write what changed, in a handful of statements whatever the number of objects."""
        stored = [reference for reference in self._changed if reference not in self._made]
        cleared = [*stored, *(name for name in self._due if name not in self._made)]
        if cleared:
            self.connection.execute(TAG.delete().where(TAG.c.object.in_(set(cleared))))
        if stored:
            self.connection.execute(_CHANGE, [{"own": name, "text": json.dumps(self._seen[name])} for name in stored])
        self._insert(OBJECT, self._rows())
        self._insert(TAG, [row for name in self._changed for row in self._tags(self._seen[name])])
        self._insert(EVENT, self._notifications())

    def discard(self) -> None:
        """Drop what was changed: the request was refused."""
        for waiting in (self._seen, self._changed, self._made, self._due):
            waiting.clear()

    def _next(self) -> int:
        self._used += 1
        return self.serial * _SERIALS_PER_REQUEST + self._used

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(table.insert(), rows)

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {
                "id": name,
                "kind": self._changed[name],
                "seq": seq,
                "created": self.now,
                "body": json.dumps(self._seen[name]),
            }
            for name, seq in self._made.items()
        ]

    def _notifications(self) -> list[dict[str, Any]]:
        events = [(name, seq) for name, seq in self._made.items() if self._changed[name] == "event"]
        return [{"id": name, "seq": seq, "state": "pending", "attempts": 0} for name, seq in events]

    def _tags(self, body: Json) -> Iterator[dict[str, Any]]:
        due = self._due.get(body["id"])
        if due is not None:
            yield {"object": body["id"], "name": DUE, "value": _padded(due)}
        for name in LISTED_BY[body["object"]]:
            if body.get(name) is not None:
                yield {"object": body["id"], "name": name, "value": tag(body[name])}
        for name, text in body.get("metadata", {}).items():
            yield {"object": body["id"], "name": f"metadata.{name}", "value": text}


def tag(value: Any) -> str:
    """Return a field's value as the tags hold it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def request_id(serial: int) -> str:
    """Return the id under which Stripe would log a request."""
    return f"req_sim{serial:011d}"


def _padded(seconds: int) -> str:
    return f"{seconds:014d}"
