"""Collecting what is billed: attempts on a schedule, then suspension, then the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mvne import jobs, lines, outbox, people
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.states import LineState
from mvne.warning import warn
from mvne_billing.invoice import issuing
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.payments import attempts, wallet
from mvne_billing.payments.attempts import NothingDue, Payer, Payment
from mvne_billing.payments.gateway import CustomerSpec
from mvne_billing.states import PaymentState

#: When a failed attempt is repeated, in days after the one before.
RETRY_AFTER_DAYS = (3, 7)

#: How long a line stays suspended for an unpaid bill before it ends.
END_AFTER = timedelta(days=14)

#: Declines that another attempt cannot mend (Stripe's decline codes for a card that is gone).
HARD_DECLINES = frozenset({"lost_card", "stolen_card", "pickup_card", "expired_card", "invalid_account"})

#: Why a line is suspended or ended when its bill is not paid.
UNPAID = "invoice_unpaid"


class NoPaymentMethod(MvneError):
    """The subscriber has no payment method; nothing can be collected."""


@dataclass(frozen=True, slots=True)
class Collected:
    """One attempt: the invoice and how it ended."""

    invoice: Invoice
    payment: Payment


def use_method(platform: Platform, brand: str, subscriber_id: str, method: str) -> None:
    """Charge this payment method of a subscriber's from now on; raise `GatewayRefused` when it is declined at once."""
    with platform.store.read() as conn:
        known = people.get(conn, brand, subscriber_id)
    name = f"{brand}:{known.id}"
    spec = CustomerSpec(name, known.name, known.email, known.language)
    customer = known.gateway_customer or platform.gateway.ensure_customer(f"{name}:customer", spec)
    kept = platform.gateway.attach_method(f"{name}:method:{method}", customer, method)
    with platform.store.transact() as conn:
        people.payable(conn, brand, known.id, customer, kept)


def collect(platform: Platform, brand: str, invoice_id: str, at: datetime) -> Payment:
    """Try once to collect an invoice, and write down what it means for the line.

    A balance that covers all of it pays it; otherwise the payment method is charged.
    """
    with platform.store.read() as conn:
        document = issuing.get(conn, brand, invoice_id)
        is_covered = wallet.can_pay(conn, brand, invoice_id)
    if is_covered:
        with platform.store.transact() as conn:
            paid = pay_bill_from_balance(conn, selling(conn, brand), document, at)
        if paid is not None:
            return paid
    with platform.store.read() as conn:
        payer = payer_of(conn, brand, document.customer)

    def noticed(conn: Connection, payment: Payment) -> None:
        _follow_up(conn, brand, document, payment, at)

    return attempts.collect(platform.store.transact, brand, invoice_id, payer, platform.gateway, at, noticed)


def pay_from_balance(conn: Connection, sold: Selling, line_id: str, at: datetime) -> list[Payment]:
    """Pay the open bills of a line that its balance covers, the oldest first: money came in."""
    found = []
    for document in issuing.of_subscription(conn, sold.brand, line_id):
        if document.kind == "invoice" and wallet.can_pay(conn, sold.brand, document.id):
            paid = pay_bill_from_balance(conn, sold, document, at)
            found += [paid] if paid is not None else []
    return found


def pay_bill_from_balance(conn: Connection, sold: Selling, document: Invoice, at: datetime) -> Payment | None:
    """Pay a bill from the balance of its line, and write down what it means; None when that does not cover it."""

    def noticed(conn: Connection, payment: Payment) -> None:
        _follow_up(conn, sold.brand, document, payment, at)

    done = wallet.pay(conn, sold.brand, document.id, at, noticed)
    if done is None:
        return None
    warn(conn, sold, done[1], at)
    return done[0]


def collect_due(platform: Platform, brand: str, as_of: datetime) -> Iterator[Collected]:
    """Try every open invoice whose next attempt is due by `as_of`; end lines that stayed unpaid too long.

    Without a payment method or a balance there is nothing to try: the invoice waits for one, and then for the end.
    """
    with platform.store.read() as conn:
        waiting = attempts.open_invoices(conn, brand)
    for invoice_id in waiting:
        with platform.store.read() as conn:
            document = issuing.get(conn, brand, invoice_id)
            before = attempts.of_invoice(conn, brand, invoice_id)
            payable = people.get(conn, brand, document.customer).gateway_method is not None
            is_covered = wallet.can_pay(conn, brand, invoice_id)
        due_at = _next_attempt(document, before)
        if is_covered or (payable and due_at is not None and due_at <= as_of):
            with suppress(NothingDue):  # somebody else's run was faster
                yield Collected(document, collect(platform, brand, invoice_id, as_of))
        elif (due_at is None or not payable) and _last_try(document, before) + END_AFTER <= as_of:
            with platform.store.transact() as conn:
                content = {"line": document.subscription, "invoice": invoice_id}
                jobs.ask(conn, brand, f"{document.subscription}:end:{invoice_id}", "end_unpaid", content, as_of)


def _last_try(document: Invoice, before: list[Payment]) -> datetime:
    """Return when an invoice was last tried, or when it was issued."""
    return before[-1].at if before else document.issued_at


def _next_attempt(document: Invoice, before: list[Payment]) -> datetime | None:
    """Return when an invoice is to be tried next, None when it was tried often enough."""
    if not before:
        return document.issued_at
    last = before[-1]
    if last.state in attempts.OPEN:
        return last.at
    if last.code in HARD_DECLINES or len(before) > len(RETRY_AFTER_DAYS):
        return None
    return last.at + timedelta(days=RETRY_AFTER_DAYS[len(before) - 1])


def _follow_up(conn: Connection, brand: str, document: Invoice, payment: Payment, at: datetime) -> None:
    line = lines.get(conn, brand, document.subscription)
    content = {"invoice": document.number, "amount": str(payment.amount), "code": payment.code}
    if payment.state is PaymentState.SUCCEEDED:
        outbox.emit(conn, brand, "payment.succeeded", payment.id, content, at)
        if line.state is LineState.SUSPENDED and line.cause == UNPAID:
            jobs.ask(conn, brand, f"{line.id}:resume:{payment.id}", "resume", {"line": line.id}, at)
    elif payment.state is PaymentState.FAILED:
        outbox.emit(conn, brand, "payment.failed", payment.id, content, at)
        exhausted = _next_attempt(document, attempts.of_invoice(conn, brand, document.id)) is None
        if exhausted and line.state is LineState.ACTIVE:
            wanted = {"line": line.id, "cause": UNPAID, "invoice": document.id}
            jobs.ask(conn, brand, f"{line.id}:suspend:{payment.id}", "suspend", wanted, at)


def payer_of(conn: Connection, brand: str, subscriber_id: str) -> Payer:
    """Return the gateway's references of a subscriber; raise `NoPaymentMethod`."""
    known = people.get(conn, brand, subscriber_id)
    if known.gateway_customer is None or known.gateway_method is None:
        raise NoPaymentMethod(f"subscriber {subscriber_id} has no payment method; give one with --method")
    return Payer(known.gateway_customer, known.gateway_method)


__all__ = [
    "Collected",
    "NoPaymentMethod",
    "NothingDue",
    "collect",
    "collect_due",
    "pay_bill_from_balance",
    "pay_from_balance",
    "payer_of",
]
