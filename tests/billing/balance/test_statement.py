"""The books alone tell a balance, at any moment."""

from __future__ import annotations

import pytest

from mvne_billing.balance import statement
from mvne_billing.balance.statement import Statement
from tests.billing.balance.purse import START, A, B, Purse, day


@pytest.fixture
def month(purse: Purse) -> Purse:
    """Paid in on day 0, used on day 2, sent on day 3, given on day 4, expired on day 30."""
    purse.pay_in("20", at=START)
    purse.reserve("6", at=day(2))
    purse.use("4", at=day(2, 1))
    purse.give_back("1", at=day(2, 2))
    purse.send("5", at=day(3))
    purse.adjust("2", at=day(4))
    purse.lapse(day(30))
    return purse


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (day(-1), Statement()),
        (day(0), Statement(free=20, paid_in=20)),
        (day(2), Statement(free=14, reserved=6, paid_in=20)),
        (day(2, 1), Statement(free=14, reserved=2, paid_in=20, spent=4)),
        (day(2, 2), Statement(free=15, reserved=1, paid_in=20, spent=4)),
        (day(3), Statement(free=10, reserved=1, paid_in=20, spent=4, sent=-5)),
        (day(4), Statement(free=12, reserved=1, paid_in=20, spent=4, sent=-5, adjusted=2)),
        (day(30), Statement(free=2, reserved=1, paid_in=20, spent=4, sent=-5, adjusted=2, expired=10)),
        (None, Statement(free=2, reserved=1, paid_in=20, spent=4, sent=-5, adjusted=2, expired=10)),
    ],
)
def test_a_balance_is_recomputed_for_any_moment(month: Purse, at: object, told: Statement) -> None:
    found = month.statement(A, at)  # type: ignore[arg-type]  # a moment or None
    assert found == Statement(**{name: 1_000_000 * getattr(told, name) for name in Statement.__dataclass_fields__})
    assert found.free + found.reserved + found.spent == found.funded


def test_the_last_moment_is_what_the_tables_say(month: Purse) -> None:
    month.agrees()
    assert (month.free(), month.free(B)) == ("2.00", "5.00")


def test_a_refund_of_use_is_spent_less(purse: Purse) -> None:
    purse.pay_in("10")
    purse.spend("4")
    purse.refund("1")
    assert (purse.statement().spent, purse.statement().funded) == (3_000_000, 10_000_000)


def test_movements_come_newest_first_with_the_balance_after_each(month: Purse) -> None:
    with month.books.transact() as conn:
        found = statement.movements(conn, month.books.brand, A, 50)
        newest = statement.movements(conn, month.books.brand, A, 2)
        until = statement.movements(conn, month.books.brand, A, 50, day(2))
    assert [(one.code, one.free // 10**6, one.free_after // 10**6) for one in found] == [
        ("expiry", -10, 2),
        ("adjustment", 2, 12),
        ("balance_transfer", -5, 10),
        ("return", 1, 15),
        ("use", 0, 14),
        ("reserve", -6, 14),
        ("topup", 20, 20),
    ]
    assert [one.reserved // 10**6 for one in found] == [0, 0, 0, -1, -4, 6, 0]
    assert (newest, until) == (found[:2], found[5:])
