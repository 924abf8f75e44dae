"""Collecting an invoice: an attempt is written with its key before the gateway hears of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select

from mvne_billing.errors import BillingError
from mvne_billing.invoice import issuing
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, move, post
from mvne_billing.payments.gateway import (
    Charge,
    ChargeResult,
    ChargeStatus,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGateway,
)
from mvne_billing.sql import Transact, change_row, row_of
from mvne_billing.states import PAYMENT_MOVES, PaymentState
from mvne_billing.subscription import subscription
from mvne_billing.tables import invoice as invoice_table
from mvne_billing.tables import payment as table
from mvne_plans.money import Money, total

#: How long the gateway is trusted to remember a key (Stripe: at least 24 h); after that it is asked what it did.
KEY_LIFETIME = timedelta(hours=20)

#: States in which an attempt may still become money.
OPEN = (PaymentState.CREATED, PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION)

_OF_INVOICE = (
    select(table)
    .where(table.c.brand == bindparam("brand"), table.c.invoice == bindparam("invoice"))
    .order_by(table.c.attempt)
)


class NothingDue(BillingError):
    """The invoice is paid, credited, or of no amount."""


class PaymentNotFound(BillingError):
    """There is no such payment in this brand."""


@dataclass(frozen=True, slots=True)
class Payer:
    """The gateway's references of a customer and of the payment method to charge."""

    customer: str
    method: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to collect an invoice. `key` names the call to the gateway; `reference` is the gateway's own name."""

    id: str
    invoice: str
    attempt: int
    payer: Payer
    amount: Money
    state: PaymentState
    key: str
    at: datetime
    reference: str | None = None
    code: str | None = None
    message: str | None = None


#: Called inside the transaction in which an attempt moved to another state, with the attempt as it is then.
Noticed = Callable[[Connection, Payment], None]


def unnoticed(conn: Connection, payment: Payment) -> None:
    """Nobody needs to know."""


def collect(
    transact: Transact,
    brand: str,
    invoice_id: str,
    payer: Payer,
    gateway: PaymentGateway,
    at: datetime,
    noticed: Noticed = unnoticed,
) -> Payment:
    """Try once to collect what an invoice still asks for, or finish the attempt that is under way.

    Raises `NothingDue`, and `GatewayUnavailable` when the outcome is unknown: call again, the same attempt goes on.
    """
    with transact() as conn:
        attempt = _begin(conn, brand, invoice_id, payer, at)
    result = ask(gateway, attempt, at)
    with transact() as conn:
        return record(conn, brand, attempt.id, result, at, noticed)


def record(
    conn: Connection,
    brand: str,
    payment_id: str,
    result: ChargeResult,
    at: datetime,
    noticed: Noticed = unnoticed,
) -> Payment:
    """Write down what the gateway said about an attempt; money received goes into the books once.

    A state never goes back: an answer older than what is known changes nothing.
    """
    known = get(conn, brand, payment_id, lock=True)
    to = PaymentState(result.status.value)
    if to not in PAYMENT_MOVES[known.state]:
        return known
    changed = {"state": to, "reference": result.reference, "code": result.code, "message": result.message}
    change_row(conn, table, brand, payment_id, values=changed)
    if to is PaymentState.SUCCEEDED:
        owner = issuing.get(conn, brand, known.invoice).subscription
        like = Entry(known.amount.currency, "payment", at, payment_id, owner)
        post(conn, brand, list(move(payment_id, accounts.CASH, accounts.receivable(owner), known.amount.micro, like)))
    moved = replace(known, state=to, reference=result.reference, code=result.code, message=result.message)
    noticed(conn, moved)
    return moved


def due(conn: Connection, brand: str, invoice_id: str) -> Money:
    """Return what an invoice still asks for: its total less what was paid and credited."""
    document = issuing.get(conn, brand, invoice_id)
    if issuing.credit_of(conn, brand, invoice_id) is not None:
        return Money.zero(document.total.currency)
    paid = [one.amount for one in of_invoice(conn, brand, invoice_id) if one.state is PaymentState.SUCCEEDED]
    return document.total - total(paid, document.total.currency)


def get(conn: Connection, brand: str, payment_id: str, lock: bool = False) -> Payment:
    """Return an attempt; raise `PaymentNotFound`."""
    row = row_of(conn, table, brand, payment_id, lock=lock)
    if row is None:
        raise PaymentNotFound(f"there is no payment {payment_id} in brand {brand}")
    return _from_row(row)


def of_invoice(conn: Connection, brand: str, invoice_id: str) -> list[Payment]:
    """Return the attempts on an invoice, in order."""
    return [_from_row(row) for row in conn.execute(_OF_INVOICE, {"brand": brand, "invoice": invoice_id})]


def by_reference(conn: Connection, brand: str, reference: str) -> Payment | None:
    """Return the attempt that the gateway calls `reference`, or None."""
    query = select(table).where(table.c.brand == brand, table.c.reference == reference)
    row = conn.execute(query).one_or_none()
    return _from_row(row) if row else None


def open_invoices(conn: Connection, brand: str) -> list[str]:
    """Return the ids of invoices that still ask for money, oldest first."""
    note = invoice_table.alias()
    credited = select(note.c.id).where(note.c.brand == brand, note.c.corrects == invoice_table.c.id)
    paid = select(table.c.id).where(
        table.c.brand == brand, table.c.invoice == invoice_table.c.id, table.c.state == PaymentState.SUCCEEDED
    )
    query = (
        select(invoice_table.c.id)
        .where(invoice_table.c.brand == brand, invoice_table.c.kind == "invoice", invoice_table.c.total_minor > 0)
        .where(~credited.exists(), ~paid.exists())
        .order_by(invoice_table.c.issued_at, invoice_table.c.id)
    )
    return list(conn.execute(query).scalars())


def unfinished(conn: Connection, brand: str) -> Sequence[Payment]:
    """Return attempts whose outcome is not known, in the order of their ids."""
    query = select(table).where(table.c.brand == brand, table.c.state.in_(OPEN)).order_by(table.c.id)
    return [_from_row(row) for row in conn.execute(query)]


def _begin(conn: Connection, brand: str, invoice_id: str, payer: Payer, at: datetime) -> Payment:
    document = issuing.get(conn, brand, invoice_id)
    # One collector at a time per subscription: two would make two attempts.
    subscription.get(conn, brand, document.subscription, lock=True)
    before = of_invoice(conn, brand, invoice_id)
    for one in before:
        if one.state in OPEN:
            return one
    amount = due(conn, brand, invoice_id)
    if amount.minor <= 0:
        raise NothingDue(f"invoice {document.number} asks for nothing")
    number = len(before) + 1
    payment_id = f"pay:{invoice_id}:{number}"
    attempt = Payment(payment_id, invoice_id, number, payer, amount, PaymentState.CREATED, f"{brand}:{payment_id}", at)
    values = {"brand": brand, "id": payment_id, "invoice": invoice_id, "attempt": number, **asdict(payer)}
    values |= {"amount_minor": amount.minor, "currency": amount.currency, "state": attempt.state}
    conn.execute(insert(table), {**values, "key": attempt.key, "at": at})
    return attempt


def ask(gateway: PaymentGateway, attempt: Payment, at: datetime) -> ChargeResult:
    """Return what the gateway says about an attempt, making the charge if it was not made yet.

    Raises `GatewayUnavailable` when the outcome is unknown: ask again.
    """
    if attempt.reference is not None:
        return gateway.fetch_charge(attempt.reference)
    if at - attempt.at > KEY_LIFETIME:
        found = gateway.find_charge(attempt.id, attempt.payer.customer)
        if found is not None:
            return found
    charge = Charge(attempt.id, attempt.invoice, attempt.amount, attempt.payer.customer, attempt.payer.method)
    try:
        return gateway.charge(attempt.key, charge)
    except GatewayRefused as refusal:
        return ChargeResult(ChargeStatus.FAILED, None, refusal.code, refusal.message)
    except GatewayUnavailable as failure:
        if not failure.replayed:
            raise
        # The gateway answers this key with a stored failure for good: what counts is whether money moved.
        found = gateway.find_charge(attempt.id, attempt.payer.customer)
        return found or ChargeResult(ChargeStatus.FAILED, None, "gateway_error", str(failure))


def _from_row(row: Row[tuple[Any, ...]]) -> Payment:
    return Payment(
        id=row.id,
        invoice=row.invoice,
        attempt=row.attempt,
        payer=Payer(row.customer, row.method),
        amount=Money(row.amount_minor, row.currency),
        state=PaymentState(row.state),
        key=row.key,
        at=row.at,
        reference=row.reference,
        code=row.code,
        message=row.message,
    )
