"""Expiry: what nobody spent in time goes to breakage, what sessions hold stays theirs, and a sweep finds it all."""

from __future__ import annotations

from mvne_billing.balance import account, lapsing
from mvne_billing.balance.account import open_balance
from mvne_billing.balance.holding import Change
from mvne_plans.period import Every
from tests.billing.balance.purse import START, A, B, Purse, day
from tests.billing.builders import subscription


def sweep(purse: Purse, at: int, told: list[Change] | None = None) -> dict[str, int]:
    """Return what the sweep took, by line."""
    noted = told if told is not None else []
    changes = lapsing.run(purse.books.transact, purse.books.brand, day(at), lambda conn, one: noted.append(one))
    return {one.before.subscription: one.before.free_micro - one.after.free_micro for one in changes}


def test_what_is_left_of_a_lot_goes_to_breakage_at_its_end_and_not_before(purse: Purse) -> None:
    purse.pay_in("10")
    purse.spend("4")
    assert (purse.lapse(day(29)).is_new, purse.free()) == (False, "6.00")
    assert (purse.lapse(day(30)).is_new, purse.free()) == (True, "0.00")
    assert (purse.lapse(day(31)).is_new, purse.expired()) == (False, "6.00")
    purse.agrees()


def test_money_is_spent_from_what_ends_first(purse: Purse) -> None:
    purse.with_rules(lasts=None).pay_in("10")
    purse.with_rules(lasts=Every.parse("7 days")).pay_in("10")
    purse.spend("8")
    purse.lapse(day(7))
    assert (purse.free(), purse.expired()) == ("10.00", "2.00")


def test_what_was_spent_before_a_lot_came_is_not_taken_off_it(purse: Purse) -> None:
    purse.with_rules(lasts=None).pay_in("10")
    purse.spend("5")
    purse.with_rules(lasts=Every.parse("7 days")).pay_in("10")
    purse.lapse(day(7))
    assert (purse.free(), purse.expired()) == ("5.00", "10.00")


def test_what_a_session_holds_when_its_lot_ends_can_be_used(purse: Purse) -> None:
    purse.pay_in("10")
    purse.reserve("7")
    purse.lapse(day(30))
    assert (purse.free(), purse.balance().reserved_micro, purse.expired()) == ("0.00", 7_000_000, "3.00")
    purse.use("5", at=day(30))
    purse.agrees()


def test_what_a_session_gives_back_of_an_ended_lot_lapses_then(purse: Purse) -> None:
    purse.pay_in("10")
    purse.reserve("7")
    purse.lapse(day(30))
    purse.use("5", at=day(30))
    purse.give_back("2", at=day(31))
    assert purse.free() == "2.00"
    assert sweep(purse, 31) == {A: 2_000_000}
    assert purse.expired() == "5.00"
    purse.agrees()


def test_a_refund_does_not_expire_with_the_lot_that_was_spent(purse: Purse) -> None:
    purse.pay_in("10")
    purse.spend("10")
    purse.lapse(day(30))
    purse.refund("4", at=day(31))
    assert sweep(purse, 60) == {}
    assert purse.free() == "4.00"


def test_a_sweep_takes_from_every_line_once_and_tells(purse: Purse) -> None:
    purse.pay_in("10")
    purse.pay_in("5", B)
    purse.spend("5", B)
    told: list[Change] = []
    assert sweep(purse, 29, told) == {}
    assert sweep(purse, 30, told) == {A: 10_000_000}
    assert sweep(purse, 31, told) == {}
    assert [(one.before.subscription, one.after.free_micro) for one in told] == [(A, 0)]
    assert purse.lots(B) == [], "a lot that was spent is not looked at again"


def test_a_sweep_goes_through_more_lines_than_one_page(purse: Purse) -> None:
    books = purse.books
    names = [f"line-{number}" for number in range(7)]
    for name in names:
        books.subscribe(subscription(name))
        with books.transact() as conn:
            open_balance(conn, books.brand, name, "EUR", START)
        purse.pay_in("1", name)
    with books.transact() as conn:
        first = lapsing.due(conn, books.brand, day(30), limit=3)
        assert first == names[:3]
        assert lapsing.due(conn, books.brand, day(30), after=first[-1]) == names[3:]
    assert sweep(purse, 30) == dict.fromkeys(names, 1_000_000)


def test_whoever_charges_live_is_told_what_is_over_and_when_to_look_again(purse: Purse) -> None:
    purse.with_rules(lasts=Every.parse("7 days")).pay_in("10")
    purse.with_rules(lasts=Every.parse("9 days")).pay_in("5")
    purse.spend("4")
    purse.reserve("3")
    with purse.books.transact() as conn:
        known = account.get(conn, purse.books.brand, A)
        asked = [lapsing.overdue(conn, purse.books.brand, known, day(number)) for number in (0, 7, 9)]
    assert asked == [(0, day(7)), (3_000_000, day(9)), (8_000_000, None)]


def test_any_write_takes_what_has_expired_with_it(purse: Purse) -> None:
    purse.pay_in("10")
    purse.pay_in("5", at=day(30))
    assert (purse.free(), purse.expired()) == ("5.00", "10.00")
    purse.agrees()
