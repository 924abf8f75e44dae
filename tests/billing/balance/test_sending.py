"""Sending money from line to line: both or neither, within limits, and never to live longer by it."""

from __future__ import annotations

from typing import Any

import pytest

from mvne_billing.balance.account import BalanceConflict, InsufficientBalance, NoBalance, open_balance
from mvne_billing.balance.transferring import SameLine
from mvne_plans.money import CurrencyMismatch
from mvne_plans.period import Every
from mvne_plans.prepaid import NotAllowed, Sending
from tests.billing.balance.purse import START, A, B, Purse, day
from tests.billing.builders import Books, money, subscription


def test_what_one_line_sends_the_other_gets(purse: Purse) -> None:
    purse.pay_in("10")
    gave, got = purse.send("4")
    assert (purse.free(), purse.free(B)) == ("6.00", "4.00")
    assert (gave.after.free_micro, got.after.free_micro) == (6_000_000, 4_000_000)
    assert purse.books.balances()["wallet:line-b"] == -4_000_000
    assert (purse.statement().sent, purse.statement(B).sent) == (-4_000_000, 4_000_000)
    purse.agrees()


def test_the_same_sending_is_done_once(purse: Purse) -> None:
    purse.pay_in("10")
    purse.send("4", name="s-1")
    assert [one.is_new for one in purse.send("4", name="s-1", at=day(1))] == [False, False]
    for amount, giver, taker in (("5", A, B), ("4", B, A)):
        with pytest.raises(BalanceConflict, match="s-1 is in the books with other content"):
            purse.send(amount, giver, taker, name="s-1")
    assert (purse.free(), purse.free(B)) == ("6.00", "4.00")


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("0.99", "send 1.00 EUR to 15.00 EUR at once"),
        ("15.01", "send 1.00 EUR to 15.00 EUR at once"),
        ("10", "20.00 EUR may be sent in 24 hours, 8.00 EUR are left"),
    ],
)
def test_a_sending_stays_within_the_limits(purse: Purse, amount: str, says: str) -> None:
    purse.pay_in("100")
    purse.send("12")
    with pytest.raises(NotAllowed, match=says):
        purse.send(amount, at=day(0, 23))
    assert purse.send("8", at=day(0, 23))
    assert purse.send("12", at=day(1)), "a day later the first does not count any more"


def test_a_brand_without_limits_lets_nobody_send(purse: Purse) -> None:
    purse.pay_in("10")
    with pytest.raises(NotAllowed, match="cannot send each other money"):
        purse.with_rules(sending=None).send("1")


@pytest.mark.parametrize("floor", ["0", "-5"])
def test_only_money_that_is_there_is_sent_never_credit(books: Books, floor: str) -> None:
    purse = Purse(books).open(floor=floor)
    purse.pay_in("10")
    purse.reserve("3")
    with pytest.raises(InsufficientBalance, match=r"line-a can spend 7.00 EUR; 7.01 EUR are asked for"):
        purse.send("7.01")
    assert (purse.free(), purse.free(B)) == ("7.00", "0.00")
    purse.send("7")
    purse.agrees()


def test_a_taker_without_a_balance_leaves_the_giver_untouched(purse: Purse) -> None:
    purse.pay_in("10")
    with pytest.raises(NoBalance, match="line-x"):
        purse.send("4", taker="line-x")
    assert purse.free() == "10.00"


def test_a_taker_that_would_hold_too_much_leaves_the_giver_untouched(purse: Purse) -> None:
    purse.pay_in("10")
    purse.pay_in("10", B)
    with pytest.raises(NotAllowed, match=r"may hold 13.00 EUR"):
        purse.with_rules(holds=money("13")).send("4")
    assert (purse.free(), purse.free(B)) == ("10.00", "10.00")


def test_a_line_cannot_send_to_itself(purse: Purse) -> None:
    purse.pay_in("10")
    with pytest.raises(SameLine):
        purse.send("4", taker=A)


def test_both_lines_are_in_the_currency_that_is_sent(books: Books, purse: Purse) -> None:
    books.subscribe(subscription("line-usd"))
    with books.transact() as conn:
        open_balance(conn, books.brand, "line-usd", "USD", START)
    purse.pay_in("10")
    for amount, taker in ((money("4"), "line-usd"), (money("4", "USD"), B)):
        with pytest.raises(CurrencyMismatch, match="EUR and USD do not mix"):
            purse.send(amount, taker=taker)
    assert purse.free() == "10.00"


def test_money_that_is_sent_expires_when_it_would_have(purse: Purse) -> None:
    purse.with_rules(lasts=Every.parse("10 days")).pay_in("3")
    purse.with_rules(lasts=None).pay_in("5")
    purse.send("4")
    assert [(lot.micro, lot.expires_at is None) for lot in purse.lots(B)] == [(3_000_000, False), (1_000_000, True)]
    purse.lapse(day(10), B)
    assert (purse.free(), purse.free(B), purse.expired()) == ("4.00", "1.00", "3.00")


def test_money_that_has_expired_is_not_sent(purse: Purse) -> None:
    purse.pay_in("10")
    with pytest.raises(InsufficientBalance, match=r"can spend 0.00 EUR"):
        purse.send("1", at=day(30))


def test_what_a_session_holds_of_an_expired_lot_is_not_sent_along(purse: Purse) -> None:
    purse.with_rules(lasts=Every.parse("10 days")).pay_in("3")
    purse.with_rules(lasts=None).pay_in("5")
    purse.reserve("2")
    purse.send("4", at=day(12))
    assert (purse.free(), purse.free(B), purse.expired()) == ("1.00", "4.00", "1.00")
    purse.lapse(day(13), B)
    assert purse.free(B) == "4.00"
    purse.give_back("2", at=day(14))
    purse.lapse(day(14))
    assert (purse.free(), purse.expired()) == ("1.00", "3.00")
    purse.agrees()


def test_a_refund_that_is_sent_lasts_for_ever(purse: Purse) -> None:
    purse.pay_in("5")
    purse.spend("5")
    purse.lapse(day(30))
    purse.refund("5", at=day(31))
    purse.send("5", at=day(32))
    purse.lapse(day(999), B)
    assert (purse.free(), purse.free(B)) == ("0.00", "5.00")


def test_limits_are_the_rules_own(purse: Purse) -> None:
    generous: dict[str, Any] = {"sending": Sending(money("0.01"), money("50"), money("50"))}
    purse.pay_in("50")
    purse.with_rules(**generous).send("50")
    assert purse.free(B) == "50.00"
