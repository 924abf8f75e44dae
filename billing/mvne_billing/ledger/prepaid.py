"""The proof of prepaid money: balances, lots, top-ups and vouchers agree with the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from mvne_billing.ledger import accounts
from mvne_billing.ledger.books import Balances, disagreements
from mvne_billing.states import PaymentState
from mvne_billing.tables import balance, credit, topup, transfer, voucher, voucher_batch
from mvne_plans.money import micro_per_minor

#: What comes into a wallet as lots, by the codes of its postings.
_IN_LOTS = ("topup", "voucher", "bonus", "balance_transfer", "adjustment")

#: Amounts by currency and account.
Expected = dict[tuple[str, str], int]


def checks(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """Say what does not agree of a brand's prepaid money; the gateway's cash is checked with the payments."""
    yield from _balances(conn, brand, books)
    yield from _lots(conn, brand)
    yield from disagreements(books, "vouchers:", _redeemed(conn, brand), "the vouchers redeemed")
    paid = paid_in(conn, brand)
    taken = {key: micro for key, micro in paid.items() if key[1] != accounts.CASH}
    for source in ("cash", "shop", "bank"):
        here = {key: micro for key, micro in taken.items() if key[1] == accounts.cash(source)}
        yield from disagreements(books, accounts.cash(source), here, "the top-ups taken there")


def paid_in(conn: Connection, brand: str) -> Expected:
    """Return what top-ups brought, by the account it came through."""
    query = (
        select(topup.c.currency, topup.c.source, func.sum(topup.c.amount_minor))
        .where(topup.c.brand == brand, topup.c.state == PaymentState.SUCCEEDED)
        .group_by(topup.c.currency, topup.c.source)
    )
    found = {}
    for currency, source, minor in conn.execute(query):
        account = accounts.CASH if source == "card" else accounts.cash(source)
        found[currency, account] = int(minor) * micro_per_minor(currency)
    return found


def _balances(conn: Connection, brand: str, books: Balances) -> Iterator[str]:
    """What a balance says is free and reserved is what the books owe the line."""
    rows = conn.execute(select(balance).where(balance.c.brand == brand)).all()
    free = {(row.currency, accounts.wallet(row.subscription)): -row.free_micro for row in rows}
    held = {(row.currency, accounts.reserved(row.subscription)): -row.reserved_micro for row in rows}
    yield from disagreements(books, accounts.wallet(""), free, "the free balances, which are owed,")
    yield from disagreements(books, accounts.reserved(""), held, "the reserved balances, which are owed,")


def _lots(conn: Connection, brand: str) -> Iterator[str]:
    """Every lot came in by the books, and nothing else did."""
    books = (
        select(transfer.c.credit, func.sum(transfer.c.micro))
        .where(transfer.c.brand == brand, transfer.c.code.in_(_IN_LOTS), transfer.c.credit.startswith("wallet:"))
        .group_by(transfer.c.credit)
    )
    came = {account.partition(":")[2]: int(micro) for account, micro in conn.execute(books)}
    lots = select(credit.c.subscription, func.sum(credit.c.micro)).where(credit.c.brand == brand)
    kept = {line: int(micro) for line, micro in conn.execute(lots.group_by(credit.c.subscription))}
    for line in sorted(came.keys() | kept.keys()):
        got, sums = came.get(line, 0), kept.get(line, 0)
        if got != sums:
            yield f"line {line} got {got} micro-units by the books; its lots add up to {sums}"


def _redeemed(conn: Connection, brand: str) -> Expected:
    query = (
        select(voucher_batch.c.currency, voucher_batch.c.id, func.sum(voucher_batch.c.micro))
        .join(voucher, (voucher.c.brand == voucher_batch.c.brand) & (voucher.c.batch == voucher_batch.c.id))
        .where(voucher_batch.c.brand == brand, voucher.c.redeemed_at.is_not(None))
        .group_by(voucher_batch.c.currency, voucher_batch.c.id)
    )
    return {(currency, accounts.vouchers(batch)): int(micro) for currency, batch, micro in conn.execute(query)}
