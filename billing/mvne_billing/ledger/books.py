"""Reading the ledger: balances, and the proof that it is whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, func, select

from mvne_billing.ledger.transfer import Transfer
from mvne_billing.tables import transfer

Balances = dict[str, dict[str, int]]


def balances(conn: Connection, brand: str) -> Balances:
    """Return every account's balance, debits minus credits in micro-units, by currency and account."""
    books: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for side, sign in ((transfer.c.debit, 1), (transfer.c.credit, -1)):
        query = (
            select(transfer.c.currency, side, func.sum(transfer.c.micro))
            .where(transfer.c.brand == brand)
            .group_by(transfer.c.currency, side)
        )
        for currency, account, micro in conn.execute(query):
            books[currency][account] += sign * int(micro)
    return {currency: dict(sorted(accounts.items())) for currency, accounts in sorted(books.items())}


def balance(conn: Connection, brand: str, account: str) -> int:
    """Return one account's balance, debits minus credits, in micro-units of whatever currency it holds."""
    totals = []
    for side in (transfer.c.debit, transfer.c.credit):
        query = select(func.coalesce(func.sum(transfer.c.micro), 0)).where(transfer.c.brand == brand, side == account)
        totals.append(int(conn.execute(query).scalar_one()))
    return totals[0] - totals[1]


def transfers(conn: Connection, brand: str) -> Iterator[tuple[Transfer, str]]:
    """Yield every transfer with the hash stored beside it, in the order of their ids."""
    query = select(transfer).where(transfer.c.brand == brand).order_by(transfer.c.id)
    for row in conn.execute(query, execution_options={"yield_per": 1000}):
        yield _transfer(row), row.hash


def _transfer(row: Row[tuple[Any, ...]]) -> Transfer:
    return Transfer(**{name: row._mapping[name] for name in Transfer.__dataclass_fields__})
