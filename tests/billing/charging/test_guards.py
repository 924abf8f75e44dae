"""Limits against fraud and bill shock act within one step of a session."""

from __future__ import annotations

import pytest

from mvne_billing.charging.session import Action, Result, Units
from mvne_billing.tables import allowance, crossing
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Guard
from tests.billing.builders import MB
from tests.billing.charging.till import CALL, DATA, EMERGENCY, TEXT, Till, group

EUR = 1_000_000


def test_no_more_is_granted_than_a_spend_limit_allows(till: Till) -> None:
    till.plan(buckets=(), guards=(Guard("shock", "spend", EUR),)).line()
    one = group(till.create(Units(1, DATA, 1000 * MB)))
    assert ((one.granted or 0) // MB, one.final is not None, one.message) == (200, True, "shock")
    one = group(till.update(1, Units(1, used=one.granted or 0, requested=0)))
    assert (one.result, one.granted, one.message) == (Result.QUOTA_LIMIT_REACHED, 0, "shock")
    assert [(row["mark"], row["name"]) for row in till.rows(crossing)] == [("guard_stop", "shock")]


def test_a_limit_holds_over_all_sessions_of_a_line_at_once(till: Till) -> None:
    till.plan(buckets=(), guards=(Guard("shock", "spend", EUR),)).line()
    assert group(till.create(Units(1, CALL, 600), session="a")).granted == 600
    assert group(till.create(Units(1, CALL, 600), session="b")).granted == 600
    assert group(till.create(Units(1, CALL, 600), session="c")).result is Result.QUOTA_LIMIT_REACHED
    till.release(1, Units(1, used=60), session="a")
    assert group(till.create(Units(1, CALL, 600), session="d")).granted == 540


def test_a_line_billed_after_its_use_has_limits_too(till: Till) -> None:
    from dataclasses import replace

    known = till.books.plans["douceur"]
    terms = replace(till.books.plans["fan"].tariff, buckets=(), guards=(Guard("shock", "spend", EUR),))
    till.books.plans["douceur"] = replace(known, tariff=terms)
    till.line(plan_id="douceur")
    assert group(till.create(Units(1, CALL, 7200))).granted == 1200


def test_units_of_one_kind_are_limited(till: Till) -> None:
    till.plan(guards=(Guard("talk", "units", 100, window="day", kinds=(Kind.VOICE,)),)).line()
    one = group(till.create(Units(1, CALL, 600)))
    assert (one.granted, one.message) == (100, "talk")
    assert group(till.create(Units(1, DATA, MB), session="d")).granted == MB
    till.release(1, Units(1, used=40))
    assert group(till.create(Units(1, CALL, 600), session="t", at=60)).granted == 60
    # The next day counts anew.
    assert group(till.create(Units(1, CALL, 600), session="u", at=86_400)).granted == 100


def test_so_many_sessions_an_hour_are_enough(till: Till) -> None:
    till.plan(guards=(Guard("often", "count", 2, window="hour", kinds=(Kind.SMS,)),)).line()
    told = [till.event(Action.CHARGE, session=f"e{number}", service=TEXT) for number in range(3)]
    assert [one.result.value for one in told] == ["SUCCESS", "SUCCESS", "QUOTA_LIMIT_REACHED"]
    assert till.event(Action.CHARGE, session="later", service=TEXT, at=3600).result is Result.SUCCESS


def test_open_sessions_count_before_they_report(till: Till) -> None:
    till.plan(guards=(Guard("lines", "count", 2, window="day"),)).line()
    for session, granted in (("a", 60), ("b", 60), ("c", 0)):
        assert group(till.create(Units(1, CALL, 60), session=session)).granted == granted
    till.release(1, Units(1, used=5), session="a")
    assert group(till.create(Units(1, CALL, 60), session="d")).granted == 0
    till.release(1, Units(1), session="b")
    assert group(till.create(Units(1, CALL, 60), session="e")).granted == 60


def test_a_limit_that_only_warns_warns(till: Till) -> None:
    till.plan(buckets=(), guards=(Guard("look", "spend", 100_000, then="alert"),)).line()
    assert group(till.create(Units(1, CALL, 600))).granted == 600
    till.release(1, Units(1, used=600))
    assert [(row["mark"], row["name"]) for row in till.rows(crossing)] == [("guard_alert", "look")]


@pytest.mark.parametrize("measure", ["spend", "count", "units"])
def test_emergency_calls_pass_every_limit(till: Till, measure: str) -> None:
    guard = Guard("all", measure, 0 if measure == "spend" else 1)  # type: ignore[arg-type]  # one of the three
    till.plan(buckets=(), guards=(guard,)).line()
    till.create(Units(1, CALL))
    till.release(1, Units(1, used=60))
    assert group(till.create(Units(1, EMERGENCY, 600), session="t")).granted == 600


def test_what_a_session_holds_of_a_limit_is_kept_with_the_line(till: Till) -> None:
    till.plan(buckets=(), guards=(Guard("shock", "spend", EUR),)).line()
    till.create(Units(1, CALL, 600))
    (row,) = till.rows(allowance)
    assert (row["bucket"], row["used"], row["reserved"]) == ("guard:shock", 0, 500_000)
    till.restart()
    assert group(till.create(Units(1, CALL, 7200), session="t")).granted == 600
