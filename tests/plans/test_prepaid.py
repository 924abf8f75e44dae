"""The rules of prepaid money say what may be paid in, held and sent, what comes on top, and when it is over."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from mvne_plans.money import CurrencyMismatch, Money
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, NotAllowed, PrepaidRules, Sending, good_until


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


RULES = PrepaidRules(least=eur("5"), most=eur("50"), holds=eur("100"))


@pytest.mark.parametrize("amount", ["5", "50", "20.01"])
def test_a_top_up_within_its_bounds_is_allowed(amount: str) -> None:
    RULES.check_topup(eur(amount))


@pytest.mark.parametrize(
    ("amount", "says"), [("4.99", "smallest"), ("50.01", "largest"), ("0", "above 0"), ("-5", "above 0")]
)
def test_a_top_up_outside_them_is_not(amount: str, says: str) -> None:
    with pytest.raises(NotAllowed, match=says):
        RULES.check_topup(eur(amount))


def test_without_bounds_anything_above_nothing_is_allowed() -> None:
    PrepaidRules().check_topup(eur("0.01"))
    PrepaidRules().check_holding(10**15)


def test_amounts_of_another_currency_do_not_compare() -> None:
    with pytest.raises(CurrencyMismatch):
        RULES.check_topup(Money.parse("20", "USD"))


def test_a_balance_may_be_filled_to_its_bound() -> None:
    RULES.check_holding(100_000_000)
    with pytest.raises(NotAllowed, match=r"may hold 100.00 EUR at most"):
        RULES.check_holding(100_000_001)


@pytest.mark.parametrize(("paid", "above"), [("4.99", None), ("5", "5"), ("9.99", "5"), ("10", "10"), ("1000", "10")])
def test_of_several_bonuses_the_one_with_the_highest_bound_counts(paid: str, above: str | None) -> None:
    rules = PrepaidRules(bonuses=(Bonus(eur("10"), Decimal(5)), Bonus(eur("5"), Decimal(50))))
    found = rules.bonus(eur(paid))
    assert (found.above if found else None) == (eur(above) if above else None)


@pytest.mark.parametrize(
    ("percent", "paid", "given"),
    [("10", "20", "2.00"), ("10", "20.04", "2.00"), ("10", "20.05", "2.01"), ("2.5", "10", "0.25"), (None, "20", "0")],
)
def test_a_bonus_is_rounded_half_up_to_the_cent(percent: str | None, paid: str, given: str) -> None:
    assert Bonus(eur("1"), Decimal(percent) if percent else None).money(eur(paid)) == eur(given)


@pytest.mark.parametrize(
    ("amount", "sent", "is_allowed"),
    [
        ("1", "0", True),
        ("10", "0", True),
        ("0.99", "0", False),
        ("10.01", "0", False),
        ("6", "9", True),
        ("7", "9", False),
    ],
)
def test_sending_is_bounded_at_once_and_in_a_day(amount: str, sent: str, is_allowed: bool) -> None:
    sending = Sending(eur("1"), eur("10"), eur("15"))
    if is_allowed:
        sending.check(eur(amount), eur(sent))
    else:
        with pytest.raises(NotAllowed):
            sending.check(eur(amount), eur(sent))


def test_money_is_good_by_the_wall_clock_of_the_brand() -> None:
    winter = datetime.fromisoformat("2027-03-01T10:00:00+01:00")
    assert good_until(winter, Every.parse("month"), "Europe/Paris") == datetime.fromisoformat(
        "2027-04-01T10:00:00+02:00"
    )
    assert good_until(winter, None, "Europe/Paris") is None
