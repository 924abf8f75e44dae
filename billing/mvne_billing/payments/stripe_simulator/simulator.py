"""The simulated Stripe: one request in, one answer out, everything it knows in the tables it is given."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import stripe

from mvne_billing.payments.stripe_simulator import events, gate, intents, keys, operations, refunds
from mvne_billing.payments.stripe_simulator.account import Account, request_id
from mvne_billing.payments.stripe_simulator.events import Delivery, Endpoint
from mvne_billing.payments.stripe_simulator.faults import Failure, Fault, Faults
from mvne_billing.payments.stripe_simulator.forms import Form, decode
from mvne_billing.payments.stripe_simulator.http import ConnectionLost, SimulatedClient
from mvne_billing.payments.stripe_simulator.keys import Answer
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal
from mvne_billing.payments.stripe_simulator.routes import ROUTES, Route
from mvne_billing.payments.stripe_simulator.tables import COUNTER, METADATA

_SETTLE = {"payment_intent": intents.settle, "refund": refunds.settle}
_BATCH = 100


class SimulatedStripe:
    """A Stripe account that exists only in `engine`.

    `clock` says what time it is there. Requests that may change something follow one another and commit on their own:
    call the gateway outside a transaction of yours when the engine is the same SQLite file, and give an in-memory
    database an engine of its own. Several processes may share one database.
    """

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._faults = Faults()
        self._lock = threading.RLock()
        METADATA.create_all(engine)
        with engine.begin() as connection:
            if connection.execute(sa.select(COUNTER.c.value)).first() is None:
                connection.execute(COUNTER.insert(), {"name": "request", "value": 0})

    def http_client(self) -> stripe.HTTPClient:
        """Return what to mount below the SDK: `StripeClient(..., http_client=…)`."""
        return SimulatedClient(self.request)

    def fail_next(
        self,
        status: Failure = 500,
        times: int = 1,
        *,
        after_effect: bool = False,
        stored: bool = False,
        path: str = "/",
    ) -> None:
        """Let the next requests fail: with an HTTP status, or `"timeout"` for a broken connection (see `Fault`)."""
        self._faults.order(Fault(status, after_effect, stored, path), times)

    def settle(self) -> int:
        """Let happen whose time has come (bank debits, refunds), and say how many; every request does so first."""
        settled = 0
        while batch := self._settle_batch():
            settled += batch
        return settled

    def authenticate(self, intent: str, *, passed: bool = True) -> None:
        """Play the customer who answers, or fails, the 3-D Secure question of a payment intent."""
        with self._lock, self._engine.begin() as connection:
            account = Account.writing(connection, self._now())
            intents.authenticate(account, intent, passed=passed)
            account.flush()

    def deliver(
        self,
        endpoint: Endpoint,
        secret: str,
        *,
        duplicate: bool = False,
        reorder: bool = False,
        drop: Callable[[str], bool] = lambda event_type: False,
        limit: int = 100,
    ) -> Delivery:
        """Send up to `limit` waiting notifications, oldest first; those not answered with 2xx wait for the next call.

        `duplicate` sends each twice, `reorder` the newest first; those whose type `drop` accepts are lost for good.
        """
        self.settle()
        with self._lock, self._engine.connect() as connection:
            waiting = events.pending(connection, limit)
        counts = {"delivered": 0, "pending": 0, "dropped": 0}
        for event in reversed(waiting) if reorder else waiting:
            state = "dropped"
            if not drop(event.type):
                took = events.send(event, endpoint, secret, self._now(), 2 if duplicate else 1)
                state = "delivered" if took else "pending"
            with self._lock, self._engine.begin() as connection:
                events.mark(connection, event.id, state)
            counts[state] += 1
        return Delivery(counts["delivered"], counts["pending"], counts["dropped"])

    def request(self, method: str, path: str, text: str, headers: Mapping[str, str]) -> tuple[Answer, str]:
        """Answer one HTTP request, `text` its encoded parameters; return the answer and the request's id.

        Raise `ConnectionLost` when told to.
        """
        fault = self._faults.take(path)
        if fault and not (fault.after_effect or fault.stored):
            return _failed(fault), request_id(0)
        with self._lock:
            self.settle()
            try:
                authorise(headers)
                answer, serial = self._answer(method, path, decode(text), headers.get("Idempotency-Key"), fault)
            except Refusal as refusal:
                answer, serial = Answer(refusal.status, json.dumps(refusal.body)), 0
        return (_failed(fault) if fault else answer), request_id(serial)

    def _answer(
        self, method: str, path: str, form: dict[str, Form], key: str | None, fault: Fault | None
    ) -> tuple[Answer, int]:
        route, typed, ids = understood(method, path, form)
        if method == "get":
            with self._engine.connect() as connection:
                return Answer(200, json.dumps(route.handler(Account(connection, self._now()), typed, *ids))), 0
        with self._engine.begin() as connection:
            account = Account.writing(connection, self._now(), key)
            address = f"{method} {path}"
            known = keys.recall(connection, key, address, form, account.now) if key else None
            if known:
                return known, account.serial
            answer = carried_out(account, route, typed, ids) if _takes_effect(fault) else _failed_answer(fault)
            if key:
                kept = _failed_answer(fault) if fault and fault.stored else answer
                keys.remember(connection, key, address, form, account.now, kept)
            return answer, account.serial

    def _settle_batch(self) -> int:
        with self._lock:
            with self._engine.connect() as connection:
                if not Account(connection, self._now()).due():
                    return 0
            with self._engine.begin() as connection:
                account = Account.writing(connection, self._now())
                batch = account.due()[:_BATCH]
                for kind, reference in batch:
                    _SETTLE[kind](account, reference)
                account.flush()
                return len(batch)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def authorise(headers: Mapping[str, str]) -> None:
    """Take test keys only: a simulator must never be what a live key talks to."""
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    if not key.startswith(("sk_test_", "rk_test_")):
        raise Refusal("The simulated Stripe takes test keys only (sk_test_…)", status=401)


def understood(method: str, path: str, form: dict[str, Form]) -> tuple[Route, dict[str, Any], tuple[str, ...]]:
    """Find who answers a request, and give its parameters their types; raise `Refusal`."""
    found = operations.find(method, path)
    if found is None:
        raise Refusal(f"Unrecognized request URL ({method.upper()}: {path})", status=404)
    operation, ids = found
    route = ROUTES.get((method, operation.path))
    if route is None:
        raise Refusal(f"The simulator does not answer {method.upper()} {operation.path}", status=404)
    typed = gate.check(operation.parameters, form)
    for name in typed:
        if name not in route.knows:
            raise Refusal(f"The simulator does not act on {name}, which Stripe has", param=name)
    return route, typed, ids


def carried_out(account: Account, route: Route, typed: dict[str, Any], ids: tuple[str, ...]) -> Answer:
    """Carry a request out and write what it changed; a refusal that keeps what was done writes that too."""
    try:
        answer = Answer(200, json.dumps(route.handler(account, typed, *ids)))
    except Refusal as refusal:
        if not refusal.keeps:
            account.discard()
        answer = Answer(refusal.status, json.dumps(refusal.body))
    account.flush()
    return answer


def _takes_effect(fault: Fault | None) -> bool:
    return fault is None or fault.after_effect


def _failed(fault: Fault) -> Answer:
    if fault.status == "timeout":
        raise ConnectionLost("The simulated connection broke, as ordered")
    return _failed_answer(fault)


def _failed_answer(fault: Fault | None) -> Answer:
    status = fault.status if fault and fault.status != "timeout" else 500
    kind = "invalid_request_error" if status == 429 else "api_error"
    body: Json = {"error": {"type": kind, "message": "A simulated failure, as ordered"}}
    return Answer(status, json.dumps(body))
