"""Paying a bill from prepaid money: all of it or none, and back to where it came from when the bill is credited."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, insert

from mvne_billing.balance import account
from mvne_billing.balance.holding import Change, hold, store
from mvne_billing.invoice import issuing
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer
from mvne_billing.payments import attempts
from mvne_billing.payments.attempts import Noticed, Payer, Payment
from mvne_billing.states import PaymentState
from mvne_billing.tables import payment as table

#: Who pays, where no gateway is asked.
FROM_BALANCE = Payer("balance", accounts.FROM_BALANCE)


def can_pay(conn: Connection, brand: str, invoice_id: str) -> bool:
    """Say whether a bill that asks for something has a balance that covers all of it; `pay` looks again, under lock."""
    known = account.find(conn, brand, issuing.get(conn, brand, invoice_id).subscription)
    if known is None or known.free_micro <= 0:
        return False
    due = attempts.due(conn, brand, invoice_id)
    return known.currency == due.currency and 0 < due.micro <= known.free_micro


def pay(conn: Connection, brand: str, invoice_id: str, at: datetime, noticed: Noticed) -> tuple[Payment, Change] | None:
    """Pay what a bill asks for from the line's balance; None when it is not covered, not due, or a card is being asked.

    Only money that is there pays, never credit below 0, and nothing that has expired. Raises `NoBalance`.
    """
    document = issuing.get(conn, brand, invoice_id)
    held = hold(conn, brand, document.subscription)[document.subscription]
    before = attempts.of_invoice(conn, brand, invoice_id)
    due = attempts.due(conn, brand, invoice_id)
    current = held.lapsed(at)
    is_covered = due.currency == held.balance.currency and 0 < due.micro <= current.balance.free_micro
    if not is_covered or any(one.state in attempts.OPEN for one in before):
        return None
    number = len(before) + 1
    name = f"pay:{invoice_id}:{number}"
    paid = Payment(name, invoice_id, number, FROM_BALANCE, due, PaymentState.SUCCEEDED, f"{brand}:{name}", at)
    values = {"brand": brand, "id": name, "invoice": invoice_id, "attempt": number, **asdict(FROM_BALANCE)}
    values |= {"amount_minor": due.minor, "currency": due.currency, "state": paid.state, "key": paid.key, "at": at}
    conn.execute(insert(table), values)
    like = Entry(due.currency, "payment", at, name, document.subscription)
    wallet, owed = accounts.wallet(document.subscription), accounts.receivable(document.subscription)
    change = store(conn, brand, held, current.debited(Transfer(name, wallet, owed, due.micro, *like), 0))
    noticed(conn, paid)
    return paid, change


def give_back(conn: Connection, brand: str, subscription: str, micro: int, refund_id: str, at: datetime) -> Change:
    """Give the money of a credited bill back to the balance that paid it, where it does not expire any more."""
    held = hold(conn, brand, subscription)[subscription]
    like = Entry(held.balance.currency, "refund", at, refund_id, subscription)
    back = Transfer(refund_id, accounts.receivable(subscription), accounts.wallet(subscription), micro, *like)
    return store(conn, brand, held, held.lapsed(at).refunded(back))
