"""Prepaid money that expires while it is charged from: not to be spent between its end and the sweep that takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mvne_billing.balance import lapsing, topup
from mvne_billing.balance.topup import Source, TopUp
from mvne_billing.charging.session import Action, Result, Units
from mvne_billing.tables import transfer
from mvne_plans.period import Every
from mvne_plans.prepaid import PrepaidRules
from tests.billing.builders import money
from tests.billing.charging.till import CALL, START, TEXT, A, Till, group

EUR = 1_000_000
#: A top-up is good for a day.
RULES = PrepaidRules(lasts=Every.parse("1 day"), most=money("100"))
DAY = 24 * 3600
BEFORE, AFTER = DAY - 60, DAY + 60


@pytest.fixture
def till(till: Till) -> Till:
    """A line with 1.00 that expires after a day and 0.20 that never does; calls cost 0.05/min."""
    till.plan(buckets=()).line(amount="0.20")
    with till.books.transact() as conn:
        wanted = TopUp("top-1", A, Source.SHOP, money("1"), START, "kiosk 4", "cash")
        topup.take(conn, till.books.brand, wanted, RULES)
    return till


def lapse(till: Till, at: int) -> None:
    with till.books.transact() as conn:
        lapsing.lapse(conn, till.books.brand, A, START + timedelta(seconds=at))


@pytest.mark.parametrize(
    ("at", "granted", "free"), [(BEFORE, 1440, 0), (DAY, 240, 0), (AFTER, 240, 0)], ids=["before", "at", "after"]
)
def test_what_has_expired_is_not_granted_from_its_end_on(till: Till, at: int, granted: int, free: int) -> None:
    told = till.create(Units(1, CALL, 7200), at=at)
    assert (group(told).granted, told.free_micro) == (granted, free)


@pytest.mark.parametrize("is_fresh", [False, True], ids=["in memory", "read again"])
def test_it_expires_in_memory_as_in_the_store(till: Till, is_fresh: bool) -> None:
    till.create(Units(1, CALL, 60), session="a", at=BEFORE)
    till.release(1, Units(1, used=60), session="a", at=BEFORE + 30)
    if is_fresh:
        till.restart()
    # Use before its end came out of what expires: 0.20 are left.
    told = till.create(Units(1, CALL, 7200), session="b", at=AFTER)
    assert group(told).granted == 240
    assert told.free_micro == 0
    told = till.create(Units(1, CALL, 60), session="c", at=AFTER)
    assert (told.result, told.free_micro) == (Result.QUOTA_LIMIT_REACHED, 0)


def test_a_session_keeps_what_it_held_and_does_not_hold_it_again(till: Till) -> None:
    till.create(Units(1, CALL, 1440), at=BEFORE)
    # 1.20 are held; 0.60 are used, and of the 0.60 that come back 0.20 are good.
    told = till.update(1, Units(1, used=720, requested=7200), at=AFTER)
    assert (told.charged_micro, group(told).granted) == (600_000, 240)
    told = till.release(2, Units(1, used=0), at=AFTER + 60)
    assert told.free_micro == 200_000
    lapse(till, AFTER + 120)
    assert till.money() == (200_000, 0)


def test_more_used_than_granted_is_not_paid_with_expired_money(till: Till) -> None:
    till.create(Units(1, CALL, 60), at=BEFORE)
    told = till.release(1, Units(1, used=600), at=AFTER)
    # 0.50: 0.05 were held, 0.20 are good, the rest is the brand's loss.
    assert (told.charged_micro, told.free_micro) == (500_000, 0)
    (loss,) = till.rows(transfer, debit="cost:overrun")
    assert loss["micro"] == 250_000


def test_an_event_is_not_paid_with_expired_money(till: Till) -> None:
    told = till.event(Action.CHARGE, "e", at=BEFORE, service=TEXT, units=5)
    assert (told.result, told.charged_micro) == (Result.SUCCESS, 300_000)
    told = till.event(Action.CHARGE, "f", at=AFTER, service=TEXT, units=5)
    assert (told.result, told.charged_micro) == (Result.QUOTA_LIMIT_REACHED, 0)
    told = till.event(Action.CHARGE, "g", at=AFTER, service=TEXT, units=3)
    assert (told.result, told.free_micro) == (Result.SUCCESS, 20_000)


def test_money_that_comes_in_later_is_good(till: Till) -> None:
    assert group(till.create(Units(1, CALL, 7200), at=AFTER)).granted == 240
    till.release(1, Units(1, used=0), at=AFTER)
    till.pay_in("1")
    told = till.create(Units(1, CALL, 7200), session="t", at=AFTER)
    assert group(told).granted == 1440
