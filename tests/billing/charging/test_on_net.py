"""Calls to the brand's own numbers: live they cost what their records cost, as numbers come and go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mvne_billing.charging.session import Action, Service, Units
from mvne_billing.mediation.rater import Held
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind
from mvne_plans.tariff import ON_NET, Bucket
from tests.billing.builders import NUMBER, Books, moment
from tests.billing.charging.till import START, A, B, Till

ONCE, STILL, OTHER = "0142990000", "+33142990001", "+33142990002"
#: `ONCE` was the brand's own until an hour after the start.
HELD: dict[str, list[Held]] = {
    "+33142990000": [(moment("2027-03-01"), START + timedelta(hours=1))],
    STILL: [(moment("2027-01-01"), None)],
}


@pytest.fixture
def asked(books: Books, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    seen: list[set[str]] = []

    def on_net(_: Connection, numbers: Collection[str]) -> Mapping[str, Sequence[Held]]:
        seen.append(set(numbers))
        return HELD

    monkeypatch.setattr(Books, "rater", replace(books.rater, on_net=on_net))
    return seen


@pytest.fixture
def till(till: Till, asked: list[set[str]]) -> Till:
    return till.plan(buckets=(Bucket("on-net", Kind.VOICE, None, to=(ON_NET,)),)).line()


def call(to: str) -> Service:
    return Service(Kind.VOICE, to, "FR")


def a_call(till: Till, to: str, name: str, at: int = 0) -> int:
    """Make a call of a minute and return what it cost."""
    till.create(Units(1, call(to), 60), session=name, at=at)
    return till.release(1, Units(1, used=60), session=name, at=at + 60).charged_micro


@pytest.mark.parametrize(
    ("to", "at", "cost"),
    [(ONCE, 0, 0), (ONCE, 3_599, 0), (ONCE, 3_600, 50_000), (STILL, 7_200, 0), (OTHER, 0, 50_000)],
)
def test_a_call_costs_live_what_its_record_costs(till: Till, to: str, at: int, cost: int) -> None:
    assert a_call(till, to, "s", at) == cost
    till.line(B)
    till.books.numbers[NUMBER] = B
    till.books.load([UsageRecord("r", NUMBER, Kind.VOICE, START + timedelta(seconds=at), 60, "FR", to)])
    charges = {row["subscription"]: row["charge_micro"] for row in till.rows(usage)}
    assert charges == {A: cost, B: cost}


def test_a_number_that_goes_is_on_net_no_more(till: Till) -> None:
    assert [a_call(till, ONCE, f"s{at}", at) for at in (0, 600, 3_600, 3_700)] == [0, 0, 50_000, 50_000]


def test_numbers_are_looked_up_once_in_a_while(till: Till, asked: list[set[str]]) -> None:
    for place in range(5):
        a_call(till, STILL, f"s{place}", at=place)
    assert [one for one in asked if one] == [{STILL}]
    a_call(till, STILL, "late", at=3_600)
    assert [one for one in asked if one] == [{STILL}, {STILL}]


def test_another_process_goes_on_with_a_call_as_it_began(till: Till) -> None:
    till.create(Units(1, call(STILL), 60))
    till.restart()
    assert till.release(1, Units(1, used=600), at=600).charged_micro == 0


def test_a_refund_and_an_event_know_the_brand_s_own_numbers(till: Till) -> None:
    a_call(till, OTHER, "s")
    told = till.restart().event(Action.REFUND, "r", refunds="s", rating_group=1, units=0, at=120)
    assert told.charged_micro == -50_000
    told = till.event(Action.CHARGE, "e", service=call(STILL), units=60, at=200)
    assert told.charged_micro == 0


def test_lines_that_do_not_ask_cost_no_lookup(till: Till, asked: list[set[str]]) -> None:
    till.plan(buckets=())
    till.line(B)
    till.create(Units(1, call(STILL), 60), line=B, session="b")
    assert [one for one in asked if one] == []
