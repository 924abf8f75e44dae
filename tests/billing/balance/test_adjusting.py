"""Adjusting a balance: up or down, by somebody, for a reason, never below the floor."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mvne_billing.balance import adjusting
from mvne_billing.balance.account import BalanceConflict, InsufficientBalance
from mvne_billing.balance.adjusting import NoReason
from mvne_billing.balance.holding import NoId
from mvne_billing.tables import transfer
from tests.billing.balance.purse import START, A, Purse, day
from tests.billing.builders import Books


def test_money_is_given_and_taken_with_who_and_why_in_the_books(purse: Purse) -> None:
    purse.adjust("5")
    purse.adjust("-2")
    assert purse.free() == "3.00"
    assert purse.books.balances() == {"revenue:adjustment": 3_000_000, "wallet:line-a": -3_000_000}
    with purse.books.transact() as conn:
        told = conn.execute(select(transfer.c.reference).where(transfer.c.brand == purse.books.brand)).scalars()
        assert set(told) == {"zoe: sorry"}
    purse.agrees()


@pytest.mark.parametrize("name", [" " * 121, ":" * 200])
def test_an_adjustment_has_an_id_that_fits(purse: Purse, name: str) -> None:
    with pytest.raises(NoId):
        purse.adjust("5", name=name)


def test_the_same_adjustment_is_made_once(purse: Purse) -> None:
    purse.adjust("5", name="a-1")
    assert purse.adjust("5", name="a-1", at=day(3)).is_new is False
    for other in ("6", "-5"):
        with pytest.raises(BalanceConflict, match="a-1"):
            purse.adjust(other, name="a-1")
    assert purse.free() == "5.00"


@pytest.mark.parametrize(
    ("micro", "actor", "reason"),
    [(0, "zoe", "sorry"), (5, " ", "sorry"), (5, "zoe", ""), (5, "zoe", "s" * 200)],
    ids=["nothing", "nobody", "no reason", "a novel"],
)
def test_an_adjustment_without_who_why_or_how_much_is_refused(
    purse: Purse, micro: int, actor: str, reason: str
) -> None:
    with purse.books.transact() as conn, pytest.raises(NoReason, match="says who, why"):
        adjusting.adjust(conn, purse.books.brand, "a-1", A, micro, actor, reason, START)


@pytest.mark.parametrize(("floor", "lowest"), [("0", "0.00"), ("-5", "-5.00")])
def test_no_more_is_taken_than_the_floor_allows(books: Books, floor: str, lowest: str) -> None:
    purse = Purse(books).open(floor=floor)
    purse.pay_in("10")
    purse.reserve("3")
    most = 7 - int(floor)
    with pytest.raises(InsufficientBalance, match=rf"can spend {most}.00 EUR; {most}.01 EUR are asked for"):
        purse.adjust(f"-{most}.01")
    purse.adjust(f"-{most}")
    assert purse.free() == lowest
    purse.agrees()


def test_what_is_given_may_end_and_what_is_taken_comes_from_what_ends_first(purse: Purse) -> None:
    with purse.books.transact() as conn:
        adjusting.adjust(conn, purse.books.brand, "a-1", A, 4_000_000, "zoe", "gift for a week", START, day(7))
    purse.adjust("5")
    purse.adjust("-1")
    purse.lapse(day(7))
    assert (purse.free(), purse.expired()) == ("5.00", "3.00")


def test_money_that_came_while_a_balance_was_below_zero_is_partly_spent_already(books: Books) -> None:
    purse = Purse(books).open(floor="-5")
    purse.spend("4")
    assert purse.free() == "-4.00"
    purse.pay_in("10")
    assert purse.free() == "6.00"
    purse.lapse(day(30))
    assert (purse.free(), purse.expired()) == ("0.00", "6.00")
    purse.agrees()
