"""The proof of the books: every entry is intact, and every sub-ledger agrees with the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, select

from mvne_billing.ledger import accounts, billed, live, prepaid
from mvne_billing.ledger.books import Balances, balances, disagreements, transfers
from mvne_billing.ledger.live import OpenUse, open_use
from mvne_billing.states import PaymentState, RefundState
from mvne_billing.tables import counter, invoice, payment, refund, transfer, usage, usage_correction
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
    running = open_use(conn, brand)
    cross = (_use(conn, brand, books, running), _unbilled(conn, brand, books, running), billed.checks(conn, brand))
    paid = (_receivable(conn, brand, books), _cash(conn, brand, books), prepaid.checks(conn, brand, books))
    faults = tuple(fault for check in (*checks, *cross, *paid, live.checks(conn, brand)) for fault in check)
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


def _use(conn: Connection, brand: str, books: Balances, running: OpenUse) -> Iterator[str]:
    """What use earned and cost in the ledger is what the priced records say, and sessions that are still open."""
    query = (
        select(usage.c.currency, usage.c.kind, func.sum(usage.c.charge_micro), func.sum(usage.c.cost_micro))
        .where(usage.c.brand == brand)
        .group_by(usage.c.currency, usage.c.kind)
    )
    rows = [(currency, Kind(kind), int(charge), int(cost)) for currency, kind, charge, cost in conn.execute(query)]
    earned: dict[tuple[str, str], int] = defaultdict(int)
    for currency, kind, charge, _ in rows:
        earned[currency, accounts.usage_revenue(kind)] -= charge
    for (currency, kind), micro in running.by_kind.items():
        earned[currency, accounts.usage_revenue(kind)] -= micro
    yield from disagreements(books, "revenue:usage:", earned, "the priced use")
    for kind in Kind:
        spent = {(row[0], accounts.cost(kind)): row[3] for row in rows if row[1] is kind}
        yield from disagreements(books, accounts.cost(kind), spent, "the cost of the use")


def _unbilled(conn: Connection, brand: str, books: Balances, running: OpenUse) -> Iterator[str]:
    """What is unbilled in the ledger is the priced use, and the corrections of bills, that no invoice has taken up."""
    query = (
        select(usage.c.currency, usage.c.subscription, func.sum(usage.c.charge_micro))
        .where(usage.c.brand == brand, usage.c.invoice.is_(None))
        .group_by(usage.c.currency, usage.c.subscription)
    )
    changed = (
        select(usage_correction.c.currency, usage_correction.c.subscription, func.sum(usage_correction.c.micro))
        .where(usage_correction.c.brand == brand, usage_correction.c.invoice.is_(None))
        .group_by(usage_correction.c.currency, usage_correction.c.subscription)
    )
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for currency, line, micro in (*conn.execute(query), *conn.execute(changed)):
        expected[currency, accounts.unbilled(line)] += int(micro)
    for key, micro in running.unbilled.items():
        expected[key] += micro
    yield from disagreements(books, "unbilled:", expected, "the priced use that is not invoiced")


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
    yield from disagreements(books, "receivable:", expected, "its invoices less its payments")


def _cash(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """The gateway's cash is what was received, top-ups included, less what was given back; a balance pays no cash."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    expected |= {key: micro for key, micro in prepaid.paid_in(conn, brand).items() if key[1] == accounts.CASH}
    by_gateway = payment.c.method != accounts.FROM_BALANCE
    from_gateway = exists().where(payment.c.brand == brand, payment.c.id == refund.c.payment, by_gateway)
    sides = ((payment, PaymentState.SUCCEEDED, by_gateway, 1), (refund, RefundState.SUCCEEDED, from_gateway, -1))
    for table, state, through_gateway, sign in sides:
        query = (
            select(table.c.currency, func.sum(table.c.amount_minor))
            .where(table.c.brand == brand, table.c.state == state, through_gateway)
            .group_by(table.c.currency)
        )
        for currency, minor in conn.execute(query):
            expected[currency, accounts.CASH] += sign * int(minor) * micro_per_minor(currency)
    yield from disagreements(books, accounts.CASH, expected, "the payments less the refunds")
