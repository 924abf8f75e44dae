"""A subscriber is warned once when a balance falls below a mark, and again after it was above."""

from __future__ import annotations

import pytest

from mvne_billing.balance.account import Balance
from mvne_billing.balance.marks import passed
from tests.billing.balance.purse import START
from tests.billing.builders import money

MARKS = (money("1"), money("5"), money("0"))


def balance(free: str, reserved: str = "0") -> Balance:
    return Balance("line-a", "EUR", money(free).micro, money(reserved).micro, 0, 1, START)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (balance("10"), balance("5"), []),
        (balance("10"), balance("4.99"), ["5.00"]),
        (balance("4.99"), balance("4"), []),
        (balance("10"), balance("0.50"), ["5.00", "1.00"]),
        (balance("10"), balance("0"), ["5.00", "1.00", "0.00"]),
        (balance("0.50"), balance("0"), ["0.00"]),
        (balance("0"), balance("-1"), []),
        (balance("0.50"), balance("10"), []),
        (balance("10"), balance("0", "10"), []),
        (balance("0", "10"), balance("4", "0"), ["5.00"]),
    ],
    ids=[
        "at the mark",
        "below",
        "below before",
        "two at once",
        "all gone",
        "the last",
        "overdrawn",
        "up",
        "held",
        "used",
    ],
)
def test_a_mark_is_passed_downwards_by_what_is_spent(before: Balance, after: Balance, told: list[str]) -> None:
    assert [mark.decimal() for mark in passed(before.held_micro, after.held_micro, MARKS)] == told
