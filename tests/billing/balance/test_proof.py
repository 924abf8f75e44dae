"""`verify` sees every hand that touched prepaid money beside the books."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, update

from mvne_billing.balance import redeeming, voucher
from mvne_billing.balance.voucher import Batch
from mvne_billing.tables import balance, credit, topup, voucher_batch
from mvne_billing.tables import voucher as voucher_table
from tests.billing.balance.purse import START, A, Purse
from tests.billing.balance.test_vouchers import chance
from tests.billing.builders import money


@pytest.fixture
def used(purse: Purse) -> Purse:
    """Paid in, sent, given, reserved, and a voucher redeemed."""
    books, codes = purse.books, []  # type: ignore[var-annotated]  # codes as they are printed
    purse.pay_in("20")
    purse.send("5")
    purse.adjust("1")
    purse.reserve("2")
    with books.transact() as conn:
        voucher.make(conn, books.brand, Batch("spring", 2, money("10"), "zoe", START), chance(), codes.extend)
    redeeming.redeem(books.transact, books.brand, "r-1", A, codes[0], purse.rules, START)
    purse.agrees()
    return purse


@pytest.mark.parametrize(
    ("table", "values", "says"),
    [
        (balance, {"free_micro": balance.c.free_micro + 1}, "wallet:line-a holds -24000000 micro-EUR"),
        (balance, {"reserved_micro": balance.c.reserved_micro + 1}, "reserved:line-a holds -2000000 micro-EUR"),
        (credit, {"micro": credit.c.micro + 1}, "line line-a got 31000000 micro-units by the books"),
        (topup, {"amount_minor": topup.c.amount_minor + 1}, "cash:shop holds 20000000 micro-EUR"),
        (topup, {"source": "bank"}, "cash:bank holds 0 micro-EUR; the top-ups taken there come to 20000000"),
        (topup, {"source": "card"}, "cash:stripe holds 0 micro-EUR"),
        (voucher_batch, {"micro": voucher_batch.c.micro + 1}, "vouchers:spring holds 10000000 micro-EUR"),
        (voucher_table, {"redeemed_by": A, "redeemed_at": START}, "the vouchers redeemed come to 20000000"),
    ],
    ids=["free", "reserved", "lot", "top-up", "source", "card", "batch", "voucher"],
)
def test_a_changed_row_is_seen(used: Purse, table: Table, values: dict[str, Any], says: str) -> None:
    with used.books.transact() as conn:
        conn.execute(update(table).where(table.c.brand == used.books.brand).values(**values))
    assert any(says in fault for fault in used.books.faults()), used.books.faults()


@pytest.mark.parametrize("table", [balance, credit, topup, voucher_table], ids=lambda table: table.name)
def test_a_row_that_is_gone_is_seen(used: Purse, table: Table) -> None:
    with used.books.transact() as conn:
        conn.execute(delete(table).where(table.c.brand == used.books.brand))
    assert used.books.faults()


def test_a_lot_out_of_nowhere_is_seen(used: Purse) -> None:
    row = {"brand": used.books.brand, "id": "x", "subscription": A, "kind": "bonus", "micro": 5, "left_micro": 5}
    with used.books.transact() as conn:
        conn.execute(insert(credit), row | {"at": START, "content": "{}"})
    assert used.books.faults() == ("line line-a got 31000000 micro-units by the books; its lots add up to 31000005",)
