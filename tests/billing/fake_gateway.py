"""A payment gateway in memory, for tests: it remembers keys, does as it is told, and can be lost before or after.

A key that it has forgotten makes a second charge, as a real one would: nothing here hides a double payment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

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
    PaymentGateway,
    Price,
    PriceSpec,
    ProductSpec,
    Refund,
    RefundResult,
    RefundStatus,
    SyncAction,
    Synced,
)

#: What the next call does: an outcome, or a way to be lost.
BEFORE = "lost before it arrives"
AFTER = "lost after it was done"
STORED_FAILURE = "fails, and fails again for the same key"
REFUSED = "refused"
DECLINED = "declined"
PROCESSING = "processing"
AUTHENTICATE = "requires_action"
PENDING = "pending"


@dataclass
class FakeGateway(PaymentGateway):
    """What it was asked and what it holds; `next` says how the coming calls go, one each, well when it is empty."""

    next: deque[str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    charges: dict[str, tuple[Charge, ChargeResult]] = field(default_factory=dict)
    refunds: dict[str, tuple[Refund, RefundResult]] = field(default_factory=dict)
    keys: dict[str, object] = field(default_factory=dict)
    answers: dict[str, ChargeResult | RefundResult | None] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """The money that came in and stayed, in minor units."""
        taken = sum(one.amount.minor for one, how in self.charges.values() if how.status is ChargeStatus.SUCCEEDED)
        given = sum(one.amount.minor for one, how in self.refunds.values() if how.status is RefundStatus.SUCCEEDED)
        return taken - given

    def forget_keys(self) -> None:
        """A day goes by."""
        self.keys.clear()
        self.answers.clear()

    def settle(self, status: ChargeStatus, code: str | None = None) -> None:
        """The bank or the customer has decided about everything that was open."""
        self.charges = {
            name: (one, replace(how, status=status, code=code)) for name, (one, how) in self.charges.items()
        }

    def settle_refunds(self, status: RefundStatus) -> None:
        self.refunds = {name: (one, replace(how, status=status)) for name, (one, how) in self.refunds.items()}

    def charge(self, key: str, charge: Charge) -> ChargeResult:
        how = self._enter(f"charge {key}", key, charge)
        answer = self.answers.get(key)
        if not isinstance(answer, ChargeResult):
            self._lose(how, key)
            answer = self._charged(how, len(self.charges) + 1)
            self.charges[f"pi_{len(self.charges) + 1}"] = (charge, answer)
            self.answers[key] = answer
        if how == AFTER:
            raise GatewayUnavailable("the answer was lost")
        return answer

    def _charged(self, how: str, number: int) -> ChargeResult:
        reference = f"pi_{number}"
        if how == DECLINED:
            return ChargeResult(ChargeStatus.FAILED, reference, "insufficient_funds", "not enough money")
        if how in (PROCESSING, AUTHENTICATE):
            return ChargeResult(ChargeStatus(how), reference)
        return ChargeResult(ChargeStatus.SUCCEEDED, reference)

    def fetch_charge(self, reference: str) -> ChargeResult:
        self._enter(f"fetch {reference}")
        return next(how for _, how in self.charges.values() if how.reference == reference)

    def find_charge(self, payment_id: str, customer: str) -> ChargeResult | None:
        self._enter(f"find {payment_id}")
        return next((how for one, how in self.charges.values() if one.payment_id == payment_id), None)

    def refund(self, key: str, refund: Refund) -> RefundResult:
        how = self._enter(f"refund {key}", key, refund)
        answer = self.answers.get(key)
        if not isinstance(answer, RefundResult):
            self._lose(how, key)
            answer = self._refunded(how, refund)
            self.answers[key] = answer
        if how == AFTER:
            raise GatewayUnavailable("the answer was lost")
        return answer

    def _refunded(self, how: str, refund: Refund) -> RefundResult:
        if refund.amount.minor > self.received:
            return RefundResult(RefundStatus.REFUSED, None, OVER_REFUND, "more than is left")
        status = RefundStatus.PENDING if how == PENDING else RefundStatus.SUCCEEDED
        reference = f"re_{len(self.refunds) + 1}"
        self.refunds[reference] = (refund, RefundResult(status, reference))
        return self.refunds[reference][1]

    def find_refund(self, refund_id: str, charge: str) -> RefundResult | None:
        self._enter(f"find {refund_id}")
        return next((how for one, how in self.refunds.values() if one.refund_id == refund_id), None)

    def parse_event(self, payload: bytes, signature: str, at: datetime) -> GatewayEvent:
        """Read `<event id> <reference>`, signed `good`."""
        if signature != "good":
            raise BadSignature("not ours")
        event_id, _, reference = payload.decode().partition(" ")
        return GatewayEvent(event_id, "payment.updated", reference, at, reference or None)

    def sync_product(self, key: str, product: ProductSpec) -> Synced:
        return Synced(SyncAction.UNCHANGED, product.id)

    def sync_price(self, key: str, price: PriceSpec) -> Synced:
        return Synced(SyncAction.UNCHANGED, price.lookup_key)

    def archive_price(self, lookup_key: str) -> Synced:
        return Synced(SyncAction.UNCHANGED, lookup_key)

    def find_prices(self, lookup_keys: Sequence[str]) -> tuple[Price, ...]:
        return ()

    def ensure_customer(self, key: str, customer: CustomerSpec) -> str:
        return customer.id

    def attach_method(self, key: str, customer: str, method: str) -> str:
        return method

    def remove_customer(self, customer: str) -> None:
        pass

    def _enter(self, call: str, key: str = "", content: object = None) -> str:
        """Note a call; raise `KeyReused` when its key named another content."""
        self.calls.append(call)
        if key and self.keys.setdefault(key, content) != content:
            raise KeyReused(key)
        return self.next.popleft() if self.next else ""

    def _lose(self, how: str, key: str) -> None:
        if how == BEFORE:
            raise GatewayUnavailable("nobody answers")
        if how == REFUSED:
            raise GatewayRefused("payment_method_missing", "no such card")
        if key in self.answers:
            raise GatewayUnavailable("internal error", replayed=True)
        if how == STORED_FAILURE:
            self.answers[key] = None
            raise GatewayUnavailable("internal error")
