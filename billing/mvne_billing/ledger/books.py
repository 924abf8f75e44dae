"""Reading the ledger: balances, and the proof that it is whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Subquery, func, literal_column, or_, select, union, union_all

from mvne_billing.ledger.transfer import Transfer
from mvne_billing.tables import OPEN_SESSION, SESSION_CODE, session, transfer, usage

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


def touching(brand: str, subscription: str, accounts: Collection[str]) -> Subquery:
    """Return the transfers of a line that touch any of these accounts, as something to select from.

    Those of its charging sessions are found through the sessions, the others by account: an index of the first by
    account would cost every step of a session a page to write, see `tables.SESSION_CODE`.
    """
    touched = or_(transfer.c.debit.in_(accounts), transfer.c.credit.in_(accounts))
    named: ColumnElement[str] = literal_column(f"'{SESSION_CODE}'")
    ended = select(usage.c.session).where(
        usage.c.brand == brand, usage.c.subscription == subscription, usage.c.session.is_not(None)
    )
    running = select(session.c.id).where(session.c.brand == brand, session.c.subscription == subscription, OPEN_SESSION)
    live = select(transfer).where(
        transfer.c.brand == brand,
        transfer.c.code == named,
        transfer.c.reference.in_(union(ended, running).scalar_subquery()),
        touched,
    )
    other = select(transfer).where(transfer.c.brand == brand, transfer.c.code != named, touched)
    return union_all(other, live).subquery()


def transfers(conn: Connection, brand: str) -> Iterator[tuple[Transfer, str]]:
    """Yield every transfer with the hash stored beside it, in the order of their ids."""
    query = select(transfer).where(transfer.c.brand == brand).order_by(transfer.c.id)
    for row in conn.execute(query, execution_options={"yield_per": 1000}):
        yield _transfer(row), row.hash


def disagreements(books: Balances, prefix: str, expected: Mapping[tuple[str, str], int], what: str) -> Iterator[str]:
    """Say which accounts that begin with `prefix` do not hold what is `expected`, by currency and account."""
    held = {
        (currency, account): micro
        for currency, accounts_ in books.items()
        for account, micro in accounts_.items()
        if account.startswith(prefix)
    }
    for key in sorted(held.keys() | expected.keys()):
        if held.get(key, 0) != expected.get(key, 0):
            yield f"{key[1]} holds {held.get(key, 0)} micro-{key[0]}; {what} come to {expected.get(key, 0)}"


def _transfer(row: Row[tuple[Any, ...]]) -> Transfer:
    return Transfer(**{name: row._mapping[name] for name in Transfer.__dataclass_fields__})
