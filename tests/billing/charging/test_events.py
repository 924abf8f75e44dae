"""Events: charged at once, given back, or only asked about."""

from __future__ import annotations

import pytest

from mvne_billing.charging.session import (
    Action,
    InvalidRequest,
    NothingToRefund,
    Result,
    SequenceConflict,
    Service,
    Units,
    UnknownSubscription,
)
from mvne_billing.tables import allowance, session, transfer, usage
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Guard
from tests.billing.builders import GB
from tests.billing.charging.till import CALL, DATA, START, TEXT, Till, group

EUR = 1_000_000


def test_a_message_is_charged_at_once_and_known_by_its_id(till: Till) -> None:
    till.line()
    told = till.event(Action.CHARGE, service=TEXT, units=2)
    assert (told.result, told.charged_micro, told.free_micro, told.is_open) == (
        Result.SUCCESS,
        120_000,
        9_880_000,
        False,
    )
    assert till.event(Action.CHARGE, service=TEXT, units=2) == told
    till.restart()
    assert till.event(Action.CHARGE, service=TEXT, units=2) == told
    assert till.money() == (9_880_000, 0)
    (row,) = till.rows(usage)
    assert (row["session"], row["amount"], row["charge_micro"], row["cost_micro"]) == ("e", 2, 120_000, 4_000)
    with pytest.raises(SequenceConflict):
        till.event(Action.CHARGE, service=TEXT, units=3)


def test_an_event_is_charged_whole_or_not_at_all(till: Till) -> None:
    till.line(amount="0.10")
    told = till.event(Action.CHARGE, service=TEXT, units=2)
    assert (told.result, told.charged_micro, till.money()) == (Result.QUOTA_LIMIT_REACHED, 0, (100_000, 0))
    assert till.event(Action.CHARGE, service=TEXT, units=2) == told
    assert till.event(Action.CHARGE, session="f", service=TEXT).result is Result.SUCCESS


def test_an_event_uses_the_allowance_first(till: Till) -> None:
    till.line()
    assert till.event(Action.CHARGE, service=DATA, units=GB).charged_micro == 0
    assert till.event(Action.CHARGE, session="f", service=DATA, units=GB).charged_micro == 5 * EUR
    assert [row["used"] for row in till.rows(allowance)] == [GB]


def test_an_event_of_a_line_billed_after_goes_on_its_bill(till: Till) -> None:
    till.line(plan_id="douceur")
    assert till.event(Action.CHARGE, service=TEXT).charged_micro == 60_000
    assert till.books.balances()["unbilled:line-a"] == 60_000


@pytest.mark.parametrize("action", [Action.CHECK, Action.PRICE])
def test_questions_change_nothing(till: Till, action: Action) -> None:
    till.plan(buckets=()).line(amount="0.10")
    before = (till.money(), till.rows(session), till.rows(transfer))
    told = till.event(action, service=CALL, units=120)
    assert (told.result, told.charged_micro) == (Result.SUCCESS, 100_000)
    assert (till.money(), till.rows(session), till.rows(transfer)) == before


def test_a_balance_check_says_what_would_not_be_granted_and_a_price_enquiry_what_it_would_cost(till: Till) -> None:
    till.plan(buckets=(), guards=(Guard("shock", "spend", EUR),)).line(amount="5")
    checked = till.event(Action.CHECK, service=CALL, units=7200)
    assert (checked.result, group(checked, 0).granted, group(checked, 0).message) == (
        Result.QUOTA_LIMIT_REACHED,
        0,
        "shock",
    )
    asked = till.event(Action.PRICE, service=CALL, units=7200)
    assert (asked.result, asked.charged_micro) == (Result.SUCCESS, 6 * EUR)


def test_a_question_about_what_has_no_price_is_answered_so(till: Till) -> None:
    till.line()
    nowhere = Service(Kind.VOICE, "+999123", "FR")
    for action in (Action.CHECK, Action.PRICE, Action.CHARGE):
        assert till.event(action, service=nowhere).result is Result.RATING_FAILED


def test_an_event_says_what_it_is_for(till: Till) -> None:
    till.line()
    with pytest.raises(InvalidRequest, match="which service"):
        till.event(Action.CHARGE)
    with pytest.raises(UnknownSubscription):
        till.event(Action.CHARGE, service=TEXT, line="nobody")
    with pytest.raises(InvalidRequest):
        till.event(Action.CHARGE, service=TEXT, units=-1)
    with pytest.raises(UnknownSubscription):
        till.event(Action.CHARGE, service=TEXT, at=-(10**7))


def test_a_refund_gives_money_and_units_back_where_they_came_from(till: Till) -> None:
    till.line()
    till.create(Units(1, CALL, 0))
    till.release(1, Units(1, used=700))
    assert till.money() == (10 * EUR - 83_333, 0)
    told = till.event(Action.REFUND, refunds="s", rating_group=1, units=160)
    # 540 s are left: all in the allowance, so that all the money and 60 s of the allowance return.
    assert (told.charged_micro, till.money()) == (-83_333, (10 * EUR, 0))
    assert [row["used"] for row in till.rows(allowance)] == [540]
    assert till.event(Action.REFUND, refunds="s", rating_group=1, units=160) == told
    assert till.money() == (10 * EUR, 0)
    assert [(row["session"], row["amount"], row["charge_micro"]) for row in till.rows(usage)] == [
        ("e", 0, -83_333),
        ("s", 700, 83_333),
    ]


def test_no_more_is_given_back_than_was_used(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 0))
    till.release(1, Units(1, used=120))
    assert till.event(Action.REFUND, refunds="s", rating_group=1, units=60).charged_micro == -50_000
    with pytest.raises(NothingToRefund, match="used 60 units"):
        till.event(Action.REFUND, session="f", refunds="s", rating_group=1, units=61)
    till.restart()
    assert till.event(Action.REFUND, session="g", refunds="s", rating_group=1, units=0).charged_micro == -50_000
    with pytest.raises(NothingToRefund):
        till.event(Action.REFUND, session="h", refunds="s", rating_group=1, units=0)
    assert till.money() == (10 * EUR, 0)


def test_only_a_closed_session_of_the_line_is_refunded(till: Till) -> None:
    till.line().line("line-b")
    till.create(Units(1, CALL, 0))
    for refunds, number in (("s", 1), ("none", 1), ("", 1)):
        with pytest.raises(NothingToRefund):
            till.event(Action.REFUND, refunds=refunds, rating_group=number)
    till.release(1, Units(1, used=700))
    with pytest.raises(NothingToRefund):
        till.event(Action.REFUND, refunds="s", rating_group=9)
    with pytest.raises(NothingToRefund):
        till.event(Action.REFUND, refunds="s", rating_group=1, line="line-b")


def test_what_nobody_paid_is_not_given_back(till: Till) -> None:
    till.plan(buckets=()).line(amount="0.05")
    till.create(Units(1, CALL, 60))
    till.release(1, Units(1, used=180))
    till.event(Action.REFUND, refunds="s", rating_group=1, units=0)
    assert till.money() == (50_000, 0)
    assert till.books.balances().get("cost:overrun", 0) == 0


def test_a_refund_of_a_line_billed_after_comes_off_its_next_bill(till: Till) -> None:
    till.line(plan_id="douceur")
    till.event(Action.CHARGE, service=TEXT, units=3)
    till.event(Action.REFUND, session="back", refunds="e", units=1)
    assert till.books.balances()["unbilled:line-a"] == 120_000
    till.books.bill("2027-04-10")


def test_a_reversed_event_may_be_asked_for_with_its_own_number(till: Till) -> None:
    till.line()
    till.event(Action.CHARGE, service=TEXT, sequence=4)
    assert till.rows(session)[0]["sequence"] == 4
    assert START.year == 2027
