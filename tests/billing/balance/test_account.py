"""A balance is opened once, in one currency, and tells everybody by its version that it was written to."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from mvne_billing.balance import account
from mvne_billing.balance.account import BalanceConflict, BalanceMoved, NoBalance, open_balance
from tests.billing.balance.purse import START, A, Purse, day
from tests.billing.builders import Books


def test_a_balance_opened_again_is_the_same(books: Books, purse: Purse) -> None:
    purse.pay_in("10")
    with books.transact() as conn:
        again = open_balance(conn, books.brand, A, "EUR", day(9))
    assert (again.free_micro, again.opened_at) == (10_000_000, START)


@pytest.mark.parametrize(("currency", "floor"), [("USD", 0), ("EUR", -1)])
def test_a_balance_with_other_terms_is_another_one(books: Books, purse: Purse, currency: str, floor: int) -> None:
    with books.transact() as conn, pytest.raises(BalanceConflict, match="in EUR that may fall to 0"):
        open_balance(conn, books.brand, A, currency, START, floor)


def test_a_line_without_a_balance_is_named(books: Books, purse: Purse) -> None:
    with books.transact() as conn, pytest.raises(NoBalance, match=r"line-x of brand .* has no balance"):
        account.get(conn, books.brand, "line-x")
    with books.transact() as conn, pytest.raises(NoBalance, match="line-x"):
        account.locked(conn, books.brand, [A, "line-x"])


def test_a_balance_is_of_one_brand(books: Books, purse: Purse) -> None:
    with books.transact() as conn:
        assert account.find(conn, "other", A) is None


def test_every_write_raises_the_version(books: Books, purse: Purse) -> None:
    versions = [purse.balance().version]
    for what in (
        lambda: purse.pay_in("10"),
        lambda: purse.adjust("-1"),
        lambda: purse.send("5"),
        lambda: purse.lapse(day(30)),
    ):
        what()
        versions.append(purse.balance().version)
    assert versions == [0, 1, 2, 3, 4]


def test_a_balance_that_somebody_else_wrote_is_not_overwritten(books: Books, purse: Purse) -> None:
    known = purse.balance()
    purse.pay_in("10")
    with books.transact() as conn, pytest.raises(BalanceMoved, match="do it again"):
        account.write(conn, books.brand, known, 5)
    assert purse.free() == "10.00"


def test_the_database_refuses_a_balance_below_its_floor(books: Books, purse: Purse) -> None:
    known = purse.balance()
    with pytest.raises(IntegrityError, match="not_overdrawn"), books.transact() as conn:
        account.write(conn, books.brand, known, -1)
