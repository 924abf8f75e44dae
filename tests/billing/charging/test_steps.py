"""Sessions step by step: what is held, what is charged, what comes back, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mvne_billing.charging.session import (
    MOST_GROUPS,
    ClockBackwards,
    ForeignSession,
    InvalidRequest,
    Request,
    Result,
    SequenceConflict,
    SequenceGap,
    Service,
    SessionClosed,
    SessionExists,
    Step,
    Units,
    UnknownRatingGroup,
    UnknownSession,
    UnknownSubscription,
)
from mvne_billing.tables import allowance, session, transfer, usage
from mvne_plans.quantity import MOST, Kind
from tests.billing.builders import GB, US_NUMBER, moment
from tests.billing.charging.till import CALL, DATA, START, TEXT, A, B, Till, group

EUR = 1_000_000


def test_money_leaves_the_free_balance_when_it_is_held_and_comes_back_unused(till: Till) -> None:
    till.plan(buckets=()).line()
    told = till.create(Units(1, CALL, 600))
    assert (group(told).granted, till.money()) == (600, (10 * EUR - 500_000, 500_000))
    told = till.update(1, Units(1, used=61, requested=600), at=61)
    # 61 s are 61/60 minutes at 0.05; the next 600 s may cost 0.50 more.
    assert (told.charged_micro, till.money()) == (50_833, (10 * EUR - 50_833 - 500_000, 500_000))
    told = till.release(2, Units(1, used=30), at=91)
    assert (told.charged_micro, till.money()) == (75_833, (10 * EUR - 75_833, 0))
    assert not told.is_open


def test_an_allowance_is_held_and_used_before_money(till: Till) -> None:
    till.line()
    till.create(Units(1, DATA, 600_000_000))
    (row,) = till.rows(allowance)
    assert (row["used"], row["reserved"], till.money()) == (0, 600_000_000, (10 * EUR, 0))
    till.update(1, Units(1, used=500_000_000, requested=600_000_000))
    (row,) = till.rows(allowance)
    assert (row["used"], row["reserved"]) == (500_000_000, 500_000_000)
    # Of the second grant 100 MB lie beyond the gigabyte, at 5.00/GB.
    assert till.money() == (10 * EUR - 500_000, 500_000)
    till.release(2, Units(1, used=510_000_000))
    (row,) = till.rows(allowance)
    assert (row["used"], row["reserved"], till.money()) == (GB, 0, (10 * EUR - 50_000, 0))


def test_several_rating_groups_are_held_and_charged_side_by_side(till: Till) -> None:
    till.plan(buckets=()).line()
    told = till.create(Units(1, DATA, 1_000_000), Units(2, CALL, 60), Units(3, TEXT, 1))
    assert [one.granted for one in told.groups] == [1_000_000, 60, 1]
    assert till.money()[1] == 5_000 + 50_000 + 60_000
    told = till.update(1, Units(2, used=30, requested=60))
    assert [one.rating_group for one in told.groups] == [2]
    assert till.money() == (10 * EUR - 50_000 - 90_000, 5_000 + 60_000 + 25_000)
    told = till.release(2, Units(1, used=1_000_000), Units(3, used=1))
    assert {one.rating_group: one.charged_micro for one in told.groups} == {1: 5_000, 3: 60_000}
    assert told.charged_micro == 5_000 + 50_000 + 60_000
    assert sorted((row["kind"], row["amount"], row["charge_micro"]) for row in till.rows(usage)) == [
        ("data", 1_000_000, 5_000),
        ("sms", 1, 60_000),
        ("voice", 30, 50_000),
    ]


def test_a_session_that_used_nothing_costs_nothing(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 600))
    told = till.release(1, Units(1))
    assert (told.charged_micro, till.money()) == (0, (10 * EUR, 0))
    (row,) = till.rows(usage)
    assert (row["amount"], row["charge_micro"], row["cost_micro"], row["state"]) == (0, 0, 0, "live")


def test_a_report_without_a_request_ends_the_grant(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 600))
    told = till.update(1, Units(1, used=60))
    assert (group(told).granted, till.money()) == (None, (10 * EUR - 50_000, 0))


def test_a_group_that_is_not_mentioned_keeps_its_grant(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 600), Units(2, DATA, GB))
    till.update(1, Units(2, used=0, requested=0))
    assert till.money()[1] == 500_000 + 50_000


def test_more_used_than_held_comes_out_of_what_is_free(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 60))
    told = till.release(1, Units(1, used=600))
    assert (told.charged_micro, till.money()) == (500_000, (10 * EUR - 500_000, 0))


def test_use_past_the_end_of_the_money_is_the_brand_s_loss_and_named(till: Till) -> None:
    till.plan(buckets=()).line(amount="0.05")
    till.create(Units(1, CALL, 60))
    told = till.release(1, Units(1, used=180))
    assert (told.charged_micro, till.money()) == (150_000, (0, 0))
    books = till.books.balances()
    assert (books["cost:overrun"], books["revenue:usage:voice"]) == (100_000, -150_000)


def test_a_session_leaves_its_use_with_its_id_its_price_and_its_cost(till: Till) -> None:
    till.line()
    till.create(Units(1, CALL, 0))
    till.release(1, Units(1, used=700), at=700)
    (row,) = till.rows(usage)
    assert (row["id"], row["session"], row["batch"], row["start"]) == ("s:1", "s", "live", START)
    # 600 s are included, 100 s cost 100/60 x 0.05.
    assert (row["charge_micro"], row["cost_micro"], row["cost_rule"]) == (83_333, 116_667, "domestic 0.01/min")
    assert (row["invoice"], row["state"]) == ("paid_live", "live")


def test_a_repeat_gets_the_very_same_answer_and_changes_nothing(till: Till) -> None:
    till.plan(buckets=()).line()
    first = till.create(Units(1, CALL, 0))
    second = till.update(1, Units(1, used=30, requested=0), at=30)
    before = (till.money(), till.rows(transfer))
    assert till.create(Units(1, CALL, 0)) == first
    assert till.update(1, Units(1, used=30, requested=0), at=99) == second
    assert (till.money(), till.rows(transfer)) == before
    last = till.release(2, Units(1, used=5), at=35)
    after = (till.money(), till.rows(transfer))
    assert till.release(2, Units(1, used=5), at=35) == last
    assert till.update(1, Units(1, used=30, requested=0), at=30) == second
    assert (till.money(), till.rows(transfer)) == after


def test_a_repeat_is_answered_the_same_by_a_process_that_never_saw_the_session(till: Till) -> None:
    till.plan(buckets=()).line()
    told = [till.create(Units(1, CALL, 0)), till.update(1, Units(1, used=30, requested=0), at=30)]
    till.restart()
    assert [till.create(Units(1, CALL, 0)), till.update(1, Units(1, used=30, requested=0), at=30)] == told
    last = till.release(2, Units(1, used=5), at=35)
    money = till.money()
    till.restart()
    assert till.release(2, Units(1, used=5), at=35) == last
    till.restart()
    assert till.create(Units(1, CALL, 0)) == told[0]
    assert till.money() == money


def test_several_steps_of_one_session_may_be_asked_at_once(till: Till) -> None:
    till.plan(buckets=()).line()
    asked = [
        till.request(Step.CREATE, 0, Units(1, CALL, 0)),
        till.request(Step.UPDATE, 1, Units(1, used=60, requested=0), at=60),
        till.request(Step.UPDATE, 1, Units(1, used=60, requested=0), at=60),
        till.request(Step.RELEASE, 2, Units(1, used=60), at=120),
    ]
    told = till.ask(*asked)
    assert told[1] == told[2]
    assert till.money() == (10 * EUR - 100_000, 0)


Asking = tuple[Step, int, tuple[Units, ...], dict[str, Any]]
UPDATE = (Units(1, used=30, requested=0),)


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ((Step.UPDATE, 1, (Units(1, used=31, requested=0),), {}), SequenceConflict),
        ((Step.RELEASE, 1, UPDATE, {}), SequenceConflict),
        ((Step.CREATE, 0, (Units(1, CALL, 1),), {}), SequenceConflict),
        ((Step.UPDATE, 3, UPDATE, {}), SequenceGap),
        ((Step.CREATE, 2, (Units(1, CALL, 0),), {}), SessionExists),
        ((Step.UPDATE, 2, UPDATE, {"session": "other"}), UnknownSession),
        ((Step.UPDATE, 2, UPDATE, {"line": B}), ForeignSession),
        ((Step.UPDATE, 2, UPDATE, {"line": "nobody"}), UnknownSubscription),
        ((Step.UPDATE, 2, (Units(9, used=1),), {}), UnknownRatingGroup),
        ((Step.UPDATE, 2, UPDATE, {"at": 10}), ClockBackwards),
    ],
)
@pytest.mark.parametrize("is_fresh", [False, True], ids=["same process", "another process"])
def test_what_cannot_be_done_is_refused_by_name_and_changes_nothing(
    till: Till, asked: Asking, refused: type[Exception], is_fresh: bool
) -> None:
    till.plan(buckets=()).line().line(B)
    till.create(Units(1, CALL, 0))
    till.update(1, *UPDATE, at=30)
    before = (till.money(), till.rows(session), till.rows(transfer))
    if is_fresh:
        till.restart()
    step, sequence, groups, where = asked
    with pytest.raises(refused):
        till.one(till.request(step, sequence, *groups, **{"at": 30, **where}))
    assert (till.money(), till.rows(session), till.rows(transfer)) == before
    assert till.update(2, Units(1, used=1, requested=0), at=31).charged_micro == 50_000


@pytest.mark.parametrize("is_fresh", [False, True], ids=["same process", "another process"])
def test_a_closed_session_is_over(till: Till, is_fresh: bool) -> None:
    till.line()
    till.create(Units(1, CALL, 0))
    till.release(1, Units(1, used=5))
    if is_fresh:
        till.restart()
    with pytest.raises(SessionClosed):
        till.update(2, Units(1, used=5))
    with pytest.raises((SessionExists, SequenceConflict)):
        till.create(Units(1, DATA, 0))
    with pytest.raises(SessionExists):
        till.create(Units(1, DATA, 0), sequence=7)


def test_a_clock_that_is_a_little_behind_is_taken_as_it_was(till: Till) -> None:
    till.line()
    till.create(Units(1, CALL, 0), at=10)
    till.update(1, Units(1, used=5, requested=0), at=9)
    (row,) = till.rows(session)
    assert '"at":"2027-03-05 10:00:10' in row["content"]


def bad(**changes: object) -> Request:
    good = Request("tilleul", "s", 0, Step.CREATE, A, START, (Units(1, CALL, 0),))
    return replace(good, **changes)  # type: ignore[arg-type]  # names are the request's own


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (bad(session=""), "1 to 100 characters"),
        (bad(session="x" * 101), "1 to 100 characters"),
        (bad(session="a\nb"), "plain text"),
        (bad(sequence=-1), "whole number from 0"),
        (bad(at=datetime(2027, 3, 5)), "no time zone"),  # noqa: DTZ001  # that is what is tested
        (bad(at=moment("1999-12-31")), "not in the years"),
        (bad(msisdn="+" + "3" * 30), "msisdn"),
        (bad(groups=(Units(1, CALL, 0), Units(1, DATA, 0))), "each once"),
        (bad(groups=tuple(Units(number, DATA) for number in range(MOST_GROUPS + 1))), "at most 32"),
        (bad(groups=(Units(-1, CALL, 0),)), "rating group -1"),
        (bad(groups=(Units(1, CALL, -1),)), "requested units -1"),
        (bad(groups=(Units(1, CALL, MOST + 1),)), "requested units"),
        (bad(groups=(Units(1, CALL, used=-1),)), "used units -1"),
        (bad(groups=(Units(1, CALL, used=MOST + 1),)), "used units"),
        (bad(groups=(Units(1, Service(Kind.VOICE, None, "FR"), 0),)), "called number"),
        (bad(groups=(Units(1, Service(Kind.DATA, "1", "FR"), 0),)), "data has none"),
        (bad(groups=(Units(1, Service(Kind.SMS, "1" * 25, "FR"), 0),)), "to "),
        (bad(groups=(Units(1, Service(Kind.DATA, None, "FRANCE"), 0),)), "country"),
        (bad(groups=(Units(1, Service(Kind.DATA, None, "FR", "x" * 25), 0),)), "label"),
    ],
)
def test_what_is_no_request_is_refused_with_what_is_wrong(till: Till, request_: Request, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        till.one(request_)
    # Beside a second rating group every check is made the long way.
    with pytest.raises(InvalidRequest):
        till.one(replace(request_, groups=(*request_.groups, Units(77, DATA, 0))))


def test_a_line_that_had_not_begun_is_not_known_yet(till: Till) -> None:
    till.line()
    with pytest.raises(UnknownSubscription, match="had not begun"):
        till.create(Units(1, CALL, 0), at=moment("2027-02-01"))


def test_use_without_a_price_is_refused_where_it_begins(till: Till) -> None:
    till.line()
    told = till.create(Units(1, Service(Kind.VOICE, "+99912345", "FR"), 0), Units(2, DATA, 0))
    assert (group(told).result, group(told).granted) == (Result.RATING_FAILED, 0)
    assert (told.result, group(told, 2).result) == (Result.SUCCESS, Result.SUCCESS)


def test_a_session_in_which_nothing_is_granted_is_over_at_once(till: Till) -> None:
    till.line()
    abroad = Service(Kind.DATA, country="US")
    told = till.create(Units(1, abroad, 0))
    assert (told.result, told.is_open) == (Result.END_USER_SERVICE_DENIED, False)
    assert till.create(Units(1, abroad, 0)) == told
    with pytest.raises(SessionClosed):
        till.update(1, Units(1, abroad, 0))


def test_another_called_number_in_a_rating_group_is_another_use(till: Till) -> None:
    till.plan(buckets=()).line()
    till.create(Units(1, CALL, 0))
    elsewhere = Service(Kind.VOICE, US_NUMBER, "FR")
    till.update(1, Units(1, elsewhere, used=60, requested=0), at=60)
    till.release(2, Units(1, used=60), at=120)
    assert [(row["to"], row["amount"], row["charge_micro"]) for row in till.rows(usage)] == [
        (CALL.to, 60, 50_000),
        (US_NUMBER, 60, 200_000),
    ]
