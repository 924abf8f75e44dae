"""Credit for what is left of an allowance when its period closes; and what a host takes of the retail price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.invoice.invoice import Line, LineKind
from mvne_billing.invoice.page import Page
from mvne_billing.invoice.unused import closed_periods, credit_lines
from mvne_billing.subscription.subscription import cancel
from mvne_plans.catalogue import Term
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import (
    GB,
    Books,
    agreement,
    bytes_used,
    data,
    ladder,
    moment,
    money,
    open_books,
    plan,
    record,
    subscription,
    tariff,
    world,
)

CREDITED = (Bucket("voice", Kind.VOICE, 3600), Bucket("data", Kind.DATA, 2 * GB, credit=data("0.50/GB")))


@pytest.fixture
def books() -> Iterator[Books]:
    with open_books() as found:
        found.plans = {"douceur": plan(tariff=tariff(buckets=CREDITED)), "fan": ladder(tariff=tariff(buckets=CREDITED))}
        yield found


def _lines(books: Books, until: str) -> list[list[tuple[str, str, str]]]:
    invoices = books.bill(until)
    return [[(line.kind.value, str(line.amount), line.quantity) for line in one.lines] for one in invoices]


def test_what_was_left_is_a_line_on_the_bill_that_opens_the_next_period(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(GB // 2, start="2027-03-10 10:00")])
    assert _lines(books, "2027-05-02") == [
        [("recurring", "4.90 EUR", "month")],
        [("recurring", "4.90 EUR", "month"), ("unused", "-0.75 EUR", "1.5 GB")],
        [("recurring", "4.90 EUR", "month"), ("unused", "-1.00 EUR", "2 GB")],
    ]
    assert books.faults() == ()
    assert books.balances()["revenue:unused"] == 1_750_000


def test_what_is_used_up_gives_nothing_back(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(3 * GB, start="2027-03-10 10:00")])
    assert _lines(books, "2027-04-02")[1] == [("recurring", "4.90 EUR", "month")]


def test_a_credit_is_never_more_than_what_is_due(books: Books) -> None:
    dear = (replace(CREDITED[1], credit=data("9/GB")), Bucket("more", Kind.DATA, GB, credit=data("1/GB")))
    books.plans["douceur"] = plan(tariff=tariff(buckets=dear))
    books.subscribe()
    assert _lines(books, "2027-04-02")[1] == [("recurring", "4.90 EUR", "month"), ("unused", "-4.90 EUR", "2 GB")]
    assert books.faults() == ()


def test_who_leaves_at_the_end_of_a_period_gets_it_off_what_is_still_due(books: Books) -> None:
    calls = record(120 * 60, start="2027-03-20 10:00")
    books.subscribe()
    books.bill("2027-03-02")
    books.load([calls])  # an hour beyond, 3.00
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-04-01 09:00"))
    assert _lines(books, "2027-05-02") == [[("usage", "3.00 EUR", "120 min"), ("unused", "-1.00 EUR", "2 GB")]]


def test_who_leaves_before_gets_nothing_for_the_period_that_was_broken_off(books: Books) -> None:
    books.subscribe()
    books.bill("2027-03-02")
    books.load([record(120 * 60, start="2027-03-20 10:00")])
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-03-25 10:00"))
    assert _lines(books, "2027-05-02") == [[("usage", "3.00 EUR", "120 min")]]


@pytest.mark.parametrize(
    ("next_period", "term", "at", "ending", "closed"),
    [
        (0, 1, "2027-03-01 10:00", False, []),
        (1, 1, "2027-04-01 10:00", False, [0]),
        (2, 3, "2027-05-01 10:00", False, []),
        (3, 3, "2027-06-01 10:00", False, [0, 1, 2]),
        (6, 3, "2027-09-01 10:00", False, [3, 4, 5]),
        (1, 1, "2027-03-20 10:00", True, []),
        (1, 1, "2027-04-01 10:00", True, [0]),
        (5, 3, "2027-07-15 10:00", True, [3]),
        (0, 1, "2027-03-01 10:00", True, []),
    ],
)
def test_the_periods_that_close_are_those_since_the_last_credit(
    next_period: int, term: int, at: str, ending: bool, closed: list[int]
) -> None:
    owner = subscription(next_period=next_period, term_periods=term)
    assert closed_periods(owner, plan(), datetime.fromisoformat(at).replace(tzinfo=UTC), ending) == closed


def test_a_term_is_credited_as_a_whole(books: Books) -> None:
    books.plans["douceur"] = plan(terms=(Term(3, money("12")),), tariff=tariff(buckets=CREDITED))
    books.subscribe(subscription(term_periods=3))
    assert _lines(books, "2027-06-02") == [
        [("recurring", "12.00 EUR", "3 months")],
        [("recurring", "12.00 EUR", "3 months"), ("unused", "-3.00 EUR", "6 GB")],
    ]


def test_it_is_said_in_the_bill_s_language(books: Books) -> None:
    books.subscribe()
    document = books.bill("2027-04-02")[1]
    assert Page(document, "FR").label(document.lines[1]) == "Non consommé : Données mobiles"


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=4), st.integers(0, 10**9), st.integers(1, 3))
def test_credits_are_whole_minor_units_and_never_above_what_is_due(amounts: list[int], due: int, periods: int) -> None:
    buckets = tuple(Bucket(f"b{n}", Kind.DATA, one, credit=data("0.123457/GB")) for n, one in enumerate(amounts))
    found = list(credit_lines(subscription(), plan(tariff=tariff(buckets=buckets)), list(range(periods)), {}, due))
    assert all(isinstance(one, Line) and one.kind is LineKind.UNUSED and one.amount.minor < 0 for one in found)
    assert sum(-one.amount.micro for one in found) <= due


def test_a_host_that_takes_a_share_takes_it_of_the_price_of_each_term_before_tax(books: Books) -> None:
    share = agreement(retail_minus=Decimal(40), retail_tax=Decimal(20), rates={}, line_micro=0)
    books.world = world(agreements=(share,))
    books.subscribe()
    books.bill("2027-04-02")
    assert books.balances()["cost:line"] == 2 * 2_450_000  # half of 4.90: 60 percent of what is left without tax
    assert books.faults() == ()
