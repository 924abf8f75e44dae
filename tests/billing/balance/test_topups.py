"""Topping up: money comes in once, lasts as the rules say, and brings what they give on top."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mvne_billing.balance import topup
from mvne_billing.balance.account import BalanceConflict, NoBalance
from mvne_billing.balance.holding import NoId
from mvne_billing.balance.lots import CreditKind
from mvne_billing.balance.topup import NotAnOperator, Source, TopUp, TopUpNotFound
from mvne_billing.states import PaymentState
from mvne_plans.money import CurrencyMismatch
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, NotAllowed, PrepaidRules
from tests.billing.balance.purse import START, A, B, Purse, day
from tests.billing.builders import money

TEN = TopUp("t-1", A, Source.SHOP, money("10"), START, "kiosk 4", "cash on the counter")


def take(purse: Purse, wanted: TopUp) -> bool:
    with purse.books.transact() as conn:
        return topup.take(conn, purse.books.brand, wanted, purse.rules).is_new


def test_money_from_a_shop_is_in_the_balance_and_in_the_books(purse: Purse) -> None:
    assert take(purse, TEN)
    assert purse.free() == "10.00"
    assert purse.books.balances() == {"cash:shop": 10_000_000, "wallet:line-a": -10_000_000}
    (lot,) = purse.lots()
    assert (lot.id, lot.kind, lot.left_micro) == ("topup:t-1", CreditKind.TOPUP, 10_000_000)
    assert (lot.at, lot.expires_at) == (START, day(30, -1)), "30 days by the wall clock, which springs forward"
    assert "kiosk 4" in lot.content
    with purse.books.transact() as conn:
        assert topup.get(conn, purse.books.brand, "t-1") == TEN
    purse.agrees()


def test_the_same_top_up_comes_in_once_whenever_it_is_said_again(purse: Purse) -> None:
    assert [take(purse, TEN), take(purse, TEN), take(purse, replace(TEN, at=day(1)))] == [True, False, False]
    assert purse.free() == "10.00"


@pytest.mark.parametrize(
    "change",
    [{"subscription": B}, {"amount": money("10.01")}, {"source": Source.CASH}, {"actor": "kiosk 5"}, {"reason": "x"}],
    ids=lambda change: next(iter(change)),
)
def test_the_same_id_with_anything_else_is_another_top_up(purse: Purse, change: dict[str, Any]) -> None:
    take(purse, TEN)
    with pytest.raises(BalanceConflict, match="t-1 exists with other content"):
        take(purse, replace(TEN, **change))
    assert (purse.free(), purse.free(B)) == ("10.00", "0.00")


@pytest.mark.parametrize("change", [{"actor": " "}, {"reason": ""}, {"source": Source.CARD}, {"actor": "x" * 61}])
def test_money_taken_by_hand_says_who_took_it_and_why(purse: Purse, change: dict[str, Any]) -> None:
    with pytest.raises(NotAnOperator, match="who took it"):
        take(purse, replace(TEN, **change))


@pytest.mark.parametrize(
    ("rules", "amount", "says"),
    [
        ({"least": money("10")}, "9.99", "smallest top-up is 10.00 EUR"),
        ({"most": money("10")}, "10.01", "largest top-up is 10.00 EUR"),
        ({"holds": money("15")}, "10", "may hold 15.00 EUR at most"),
        ({}, "0", "an amount above 0"),
        ({}, "-5", "an amount above 0"),
    ],
    ids=["least", "most", "holds", "nothing", "negative"],
)
def test_a_top_up_stays_within_the_limits(purse: Purse, rules: dict[str, Any], amount: str, says: str) -> None:
    purse.pay_in("6")
    limited = purse.with_rules(**rules)
    with pytest.raises(NotAllowed, match=says):
        limited.pay_in(amount)
    assert purse.free() == "6.00"
    limited.pay_in("10" if "least" in rules or "most" in rules else "9")


def test_a_top_up_is_in_the_currency_of_the_balance(purse: Purse) -> None:
    with pytest.raises(CurrencyMismatch, match="in EUR"):
        take(purse, replace(TEN, amount=money("10", "USD")))


def test_a_line_without_a_balance_cannot_be_topped_up(purse: Purse) -> None:
    with pytest.raises(NoBalance, match="line-x"):
        take(purse, replace(TEN, subscription="line-x"))


BONUSES = (
    Bonus(money("20"), Decimal(10), Every.parse("7 days")),
    Bonus(money("50"), Decimal(20)),
    Bonus(money("5"), None, None, "boost"),
)


@pytest.mark.parametrize(
    ("amount", "free", "bonus"),
    [
        ("4.99", "4.99", None),
        ("19.99", "19.99", None),
        ("20", "22.00", "2.00"),
        ("20.05", "22.06", "2.01"),
        ("50", "60.00", "10.00"),
    ],
    ids=["below all", "only an add-on", "ten percent", "half a cent rounds up", "the highest that fits"],
)
def test_a_large_top_up_brings_more(purse: Purse, amount: str, free: str, bonus: str | None) -> None:
    purse.with_rules(bonuses=BONUSES).pay_in(amount, name="t-1")
    assert purse.free() == free
    given = {lot.id: lot.micro for lot in purse.lots() if lot.kind is CreditKind.BONUS}
    assert given == ({} if bonus is None else {"topup:t-1:bonus": money(bonus).micro})
    assert purse.books.balances().get("revenue:bonus", 0) == (0 if bonus is None else money(bonus).micro)
    purse.agrees()


def test_a_bonus_may_end_before_what_was_paid_and_is_spent_first(purse: Purse) -> None:
    purse.with_rules(bonuses=BONUSES).pay_in("20")
    purse.spend("0.50", at=day(1))
    purse.lapse(day(7))
    assert (purse.free(), purse.expired()) == ("20.00", "1.50")


def test_a_payment_renews_what_is_there_where_the_rules_say_so(purse: Purse) -> None:
    renewing = purse.with_rules(extends=True)
    renewing.pay_in("10")
    renewing.pay_in("5", at=day(20))
    purse.lapse(day(35))
    assert purse.free() == "15.00"
    purse.lapse(day(50))
    assert (purse.free(), purse.expired()) == ("0.00", "15.00")


def test_a_payment_renews_nothing_where_they_do_not(purse: Purse) -> None:
    purse.pay_in("10")
    purse.pay_in("5", at=day(20))
    purse.lapse(day(35))
    assert (purse.free(), purse.expired()) == ("5.00", "10.00")


def test_what_has_expired_unseen_is_not_renewed_by_a_later_payment(purse: Purse) -> None:
    renewing = purse.with_rules(extends=True)
    renewing.pay_in("10")
    renewing.pay_in("5", at=day(31))
    assert (purse.free(), purse.expired()) == ("5.00", "10.00")


def test_money_lasts_for_ever_without_a_rule(purse: Purse) -> None:
    Purse(purse.books, PrepaidRules()).pay_in("10")
    purse.lapse(day(10_000))
    assert purse.free() == "10.00"


@pytest.mark.parametrize("name", ["", "t" * 121])
def test_a_top_up_has_an_id_that_fits(purse: Purse, name: str) -> None:
    with pytest.raises(NoId, match="1 to 120 characters"):
        take(purse, replace(TEN, id=name))


def test_an_unknown_top_up_is_named(purse: Purse) -> None:
    with purse.books.transact() as conn, pytest.raises(TopUpNotFound, match="no top-up t-9"):
        topup.get(conn, purse.books.brand, "t-9")


def test_what_is_taken_by_hand_is_never_under_way(purse: Purse) -> None:
    purse.pay_in("10")
    with purse.books.transact() as conn:
        assert topup.unfinished(conn, purse.books.brand) == []
        assert topup.get(conn, purse.books.brand, "op-1").state is PaymentState.SUCCEEDED
