"""Giving money back: a credit note first, then a refund of the payment, with a key of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from mvne_billing.errors import BillingError
from mvne_billing.invoice import issuing
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, move, post
from mvne_billing.payments import attempts
from mvne_billing.payments.attempts import KEY_LIFETIME
from mvne_billing.payments.gateway import (
    GatewayRefused,
    GatewayUnavailable,
    PaymentGateway,
    RefundResult,
    RefundStatus,
)
from mvne_billing.payments.gateway import Refund as Asked
from mvne_billing.payments.wallet import give_back
from mvne_billing.sql import Transact
from mvne_billing.states import REFUND_MOVES, PaymentState, RefundState
from mvne_billing.tables import refund as table
from mvne_plans.money import Money

_STATES = {
    RefundStatus.SUCCEEDED: RefundState.SUCCEEDED,
    RefundStatus.PENDING: RefundState.CREATED,
    RefundStatus.FAILED: RefundState.FAILED,
    RefundStatus.REFUSED: RefundState.FAILED,
}


class RefundTooLarge(BillingError):
    """More would be given back than was received."""


class RefundConflict(BillingError):
    """The refund's id is taken by another one, or its credit note is not of the invoice that was paid."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on a payment, for a credit note."""

    id: str
    payment: str
    credit_note: str
    amount: Money
    state: RefundState
    key: str
    at: datetime
    reference: str | None = None
    code: str | None = None


def refund(
    transact: Transact, brand: str, refund_id: str, payment_id: str, note_id: str, gateway: PaymentGateway, at: datetime
) -> Refund:
    """Refund a payment by the amount of a credit note; the same refund again finds the first.

    Raises `RefundConflict` and `RefundTooLarge` before the gateway is asked, `GatewayUnavailable` when the outcome is
    unknown: call again.
    """
    with transact() as conn:
        wanted = _begin(conn, brand, refund_id, payment_id, note_id, at)
        paid = attempts.get(conn, brand, payment_id)
        if paid.payer.method == accounts.FROM_BALANCE and wanted.state is RefundState.CREATED:
            return _record(conn, brand, wanted.id, RefundResult(RefundStatus.SUCCEEDED, None), at, to_balance=True)
    if wanted.state is not RefundState.CREATED or paid.reference is None:
        return wanted
    result = _ask(gateway, wanted, paid.reference, at)
    with transact() as conn:
        return _record(conn, brand, wanted.id, result, at)


def get(conn: Connection, brand: str, refund_id: str, lock: bool = False) -> Refund | None:
    """Return a refund or None."""
    query = select(table).where(table.c.brand == brand, table.c.id == refund_id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return _from_row(row) if row else None


def refunded(conn: Connection, brand: str, payment_id: str) -> int:
    """Return how much of a payment is given back or on its way, in minor units."""
    query = select(func.coalesce(func.sum(table.c.amount_minor), 0)).where(
        table.c.brand == brand, table.c.payment == payment_id, table.c.state != RefundState.FAILED
    )
    return int(conn.execute(query).scalar_one())


def _begin(conn: Connection, brand: str, refund_id: str, payment_id: str, note_id: str, at: datetime) -> Refund:
    payment = attempts.get(conn, brand, payment_id, lock=True)
    known = get(conn, brand, refund_id)
    if known is not None:
        if (known.payment, known.credit_note) != (payment_id, note_id):
            raise RefundConflict(f"refund {refund_id} exists with other content; give the new one another id")
        return known
    note = issuing.get(conn, brand, note_id)
    if note.corrects != payment.invoice:
        raise RefundConflict(f"{note.number} is no credit note of the invoice that payment {payment_id} paid")
    amount = -note.total
    received = payment.amount.minor if payment.state is PaymentState.SUCCEEDED else 0
    left = received - refunded(conn, brand, payment_id)
    if not 0 < amount.minor <= left:
        raise RefundTooLarge(f"{amount} cannot be given back: {Money(left, amount.currency)} of the payment is left")
    wanted = Refund(refund_id, payment_id, note_id, amount, RefundState.CREATED, f"{brand}:{refund_id}", at)
    values = {"brand": brand, "id": refund_id, "payment": payment_id, "credit_note": note_id, "at": at}
    values |= {"amount_minor": amount.minor, "currency": amount.currency, "state": wanted.state, "key": wanted.key}
    conn.execute(insert(table).values(values))
    return wanted


def _ask(gateway: PaymentGateway, wanted: Refund, charge: str, at: datetime) -> RefundResult:
    """Return what the gateway says about a refund, making it if it was not made yet."""
    # Once it has a name, or its key may be forgotten, it is looked up: asked for again, it could be made twice.
    if wanted.reference is not None or at - wanted.at > KEY_LIFETIME:
        found = gateway.find_refund(wanted.id, charge)
        if found is not None:
            return found
    try:
        return gateway.refund(wanted.key, Asked(wanted.id, charge, wanted.amount, wanted.credit_note))
    except GatewayRefused as refusal:
        return RefundResult(RefundStatus.REFUSED, None, refusal.code, refusal.message)
    except GatewayUnavailable as failure:
        if not failure.replayed:
            raise
        # The gateway answers this key with a stored failure for good: what counts is whether money moved.
        found = gateway.find_refund(wanted.id, charge)
        return found or RefundResult(RefundStatus.FAILED, None, "gateway_error", str(failure))


def _record(
    conn: Connection, brand: str, refund_id: str, result: RefundResult, at: datetime, to_balance: bool = False
) -> Refund:
    """Write down what the gateway said; money given back goes into the books once, or back into the line's balance."""
    row = conn.execute(select(table).where(table.c.brand == brand, table.c.id == refund_id).with_for_update()).one()
    known = _from_row(row)
    to = _STATES[result.status]
    if not REFUND_MOVES[known.state]:
        return known
    changed = {"state": to, "reference": result.reference, "code": result.code}
    conn.execute(update(table).where(table.c.brand == brand, table.c.id == refund_id).values(**changed))
    if to is RefundState.SUCCEEDED:
        owner = issuing.get(conn, brand, known.credit_note).subscription
        if to_balance:
            give_back(conn, brand, owner, known.amount.micro, refund_id, at)
            return replace(known, state=to)
        like = Entry(known.amount.currency, "refund", at, refund_id, owner)
        post(conn, brand, list(move(refund_id, accounts.receivable(owner), accounts.CASH, known.amount.micro, like)))
    return replace(known, state=to, reference=result.reference, code=result.code)


def _from_row(row: Row[tuple[Any, ...]]) -> Refund:
    return Refund(
        id=row.id,
        payment=row.payment,
        credit_note=row.credit_note,
        amount=Money(row.amount_minor, row.currency),
        state=RefundState(row.state),
        key=row.key,
        at=row.at,
        reference=row.reference,
        code=row.code,
    )
