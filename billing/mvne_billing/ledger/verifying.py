"""The proof of the books: every entry is intact, and every sub-ledger agrees with the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from mvne_billing.ledger import accounts
from mvne_billing.ledger.books import Balances, balances, transfers
from mvne_billing.states import PaymentState, RefundState
from mvne_billing.tables import counter, invoice, payment, refund, transfer, usage
from mvne_plans.canonical import text_hash
from mvne_plans.money import micro_per_minor
from mvne_plans.quantity import Kind


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: how many transfers, every account's balance, and what does not agree."""

    transfers: int
    balances: Balances
    faults: tuple[str, ...]


def verify(conn: Connection, brand: str) -> Verified:
    """Check a brand's books against themselves and against usage, invoices and payments."""
    books = balances(conn, brand)
    checks = (_sums(books), _hashes(conn, brand), _corrections(conn, brand), _documents(conn, brand))
    cross = (_use(conn, brand, books), _unbilled(conn, brand, books))
    paid = (_receivable(conn, brand, books), _cash(conn, brand, books))
    faults = tuple(fault for check in (*checks, *cross, *paid) for fault in check)
    count = conn.execute(select(func.count()).where(transfer.c.brand == brand)).scalar_one()
    return Verified(count, books, faults)


def _sums(books: Balances) -> Iterator[str]:
    for currency, held in books.items():
        if sum(held.values()):
            yield f"the accounts in {currency} add up to {sum(held.values())} micro-units, not to 0"


def _hashes(conn: Connection, brand: str) -> Iterator[str]:
    for one, stored in transfers(conn, brand):
        if one.content_hash() != stored:
            yield f"transfer {one.id} was changed after it was written"


def _corrections(conn: Connection, brand: str) -> Iterator[str]:
    known = select(transfer.c.id).where(transfer.c.brand == brand)
    query = select(transfer.c.id, transfer.c.corrects).where(
        transfer.c.brand == brand, transfer.c.corrects.is_not(None), transfer.c.corrects.not_in(known)
    )
    for row in conn.execute(query):
        yield f"transfer {row.id} corrects {row.corrects}, which is not there"


def _documents(conn: Connection, brand: str) -> Iterator[str]:
    """Every document is as it was issued, and none of a series is missing."""
    there: dict[str, int] = defaultdict(int)
    query = select(invoice).where(invoice.c.brand == brand).order_by(invoice.c.number)
    for row in conn.execute(query, execution_options={"yield_per": 1000}):
        there[row.number.rpartition("-")[0]] += 1
        told = _columns(json.loads(row.content))
        if text_hash(row.content) != row.hash or told != {name: row._mapping[name] for name in told}:
            yield f"document {row.number} was changed after it was issued"
    for row in conn.execute(select(counter).where(counter.c.brand == brand).order_by(counter.c.series)):
        if there[row.series] != row.last:
            yield f"{row.last} documents of series {row.series} were issued; {there[row.series]} are there"


def _columns(document: Mapping[str, Any]) -> dict[str, object]:
    """Return what the columns beside a document's content must say."""
    names = ("id", "number", "kind", "subscription", "customer", "corrects")
    amounts = {f"{name}_minor": document[name]["minor"] for name in ("net", "total")}
    return {**{name: document[name] for name in names}, **amounts, "currency": document["total"]["currency"]}


def _use(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """What use earned and cost in the ledger is what the priced records say."""
    query = (
        select(usage.c.currency, usage.c.kind, func.sum(usage.c.charge_micro), func.sum(usage.c.cost_micro))
        .where(usage.c.brand == brand)
        .group_by(usage.c.currency, usage.c.kind)
    )
    rows = [(currency, Kind(kind), int(charge), int(cost)) for currency, kind, charge, cost in conn.execute(query)]
    earned = {(currency, accounts.usage_revenue(kind)): -charge for currency, kind, charge, _ in rows}
    yield from _compare(books, "revenue:usage:", earned, "the priced use")
    for kind in Kind:
        spent = {(row[0], accounts.cost(kind)): row[3] for row in rows if row[1] is kind}
        yield from _compare(books, accounts.cost(kind), spent, "the cost of the use")


def _unbilled(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """What is unbilled in the ledger is the priced use that no invoice has taken up."""
    query = (
        select(usage.c.currency, usage.c.subscription, func.sum(usage.c.charge_micro))
        .where(usage.c.brand == brand, usage.c.invoice.is_(None))
        .group_by(usage.c.currency, usage.c.subscription)
    )
    expected = {(row[0], accounts.unbilled(row[1])): int(row[2]) for row in conn.execute(query)}
    yield from _compare(books, "unbilled:", expected, "the priced use that is not invoiced")


def _receivable(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """What a subscriber owes in the ledger is invoices and credit notes less payments plus refunds."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    owners: dict[str, str] = {}
    for row in conn.execute(select(invoice).where(invoice.c.brand == brand)):
        owners[row.id] = row.subscription
        expected[row.currency, accounts.receivable(row.subscription)] += row.total_minor * micro_per_minor(row.currency)
    paid = select(payment).where(payment.c.brand == brand, payment.c.state == PaymentState.SUCCEEDED)
    for row in conn.execute(paid):
        key = (row.currency, accounts.receivable(owners[row.invoice]))
        expected[key] -= row.amount_minor * micro_per_minor(row.currency)
    given = select(refund).where(refund.c.brand == brand, refund.c.state == RefundState.SUCCEEDED)
    for row in conn.execute(given):
        key = (row.currency, accounts.receivable(owners[row.credit_note]))
        expected[key] += row.amount_minor * micro_per_minor(row.currency)
    yield from _compare(books, "receivable:", expected, "its invoices less its payments")


def _cash(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """Cash is what was received less what was given back."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    sides = ((payment, PaymentState.SUCCEEDED, 1), (refund, RefundState.SUCCEEDED, -1))
    for table, state, sign in sides:
        query = (
            select(table.c.currency, func.sum(table.c.amount_minor))
            .where(table.c.brand == brand, table.c.state == state)
            .group_by(table.c.currency)
        )
        for currency, minor in conn.execute(query):
            expected[currency, accounts.CASH] += sign * int(minor) * micro_per_minor(currency)
    yield from _compare(books, accounts.CASH, expected, "the payments less the refunds")


def _compare(books: Balances, prefix: str, expected: dict[tuple[str, str], int], what: str) -> Iterator[str]:
    held = {
        (currency, account): micro
        for currency, accounts_ in books.items()
        for account, micro in accounts_.items()
        if account.startswith(prefix)
    }
    for key in sorted(held.keys() | expected.keys()):
        if held.get(key, 0) != expected.get(key, 0):
            yield f"{key[1]} holds {held.get(key, 0)} micro-{key[0]}; {what} come to {expected.get(key, 0)}"
