"""Partial records of one session add up to what the session costs, whatever files bring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from mvne_billing.usage.record import UsageRecord
from mvne_plans.bands import Band, Calendar
from mvne_plans.money import Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Scheme, Tier
from mvne_plans.tariff import Bucket, DeckRow, Priced, RateDeck, RatingService, Roaming, Slow, Tariff
from tests.billing.builders import (
    CARE_HOME,
    GB,
    MINUTE,
    US_NUMBER,
    Books,
    bytes_used,
    data,
    moment,
    plan,
    record,
    tariff,
    voice,
)
from tests.billing.mediation.looking import owed, prices, rows, stored, used


def partial(amounts: Sequence[int], whole: UsageRecord) -> list[UsageRecord]:
    """Return the reports of a session that used `amounts` one after the other; a call's follow at once."""
    made, start = [], whole.start
    for place, amount in enumerate(amounts):
        made.append(replace(whole, id=f"{whole.id}-{place}", amount=amount, start=start, session=whole.id))
        start += timedelta(seconds=amount if whole.kind is Kind.VOICE else 60)
    return made


TIERED = Rate(
    Decimal(0), 1, tiers=(Tier(90, Decimal("0.30"), 60), Tier(None, Decimal("0.10"), 60)), scheme=Scheme.GRADUATED
)
PEAK = Calendar((Band("peak", days=(0, 1, 2, 3, 4), start=moment("2027-03-05 11:02").time()),))

CASES: dict[str, tuple[Tariff, UsageRecord, list[int]]] = {
    "increments": (tariff(buckets=()), record(125), [7, 50, 68]),
    "set-up and minimum": (
        tariff(buckets=(), beyond={Kind.VOICE: Priced(voice("0.05/min setup 0.10 minimum 0.20"))}),
        record(200),
        [30, 30, 140],
    ),
    "maximum": (tariff(buckets=(), beyond={Kind.VOICE: Priced(voice("0.50/min maximum 1"))}), record(300), [100] * 3),
    "percentage": (tariff(buckets=(), beyond={Kind.VOICE: Priced(voice("0.07/min percent 3"))}), record(61), [60, 1]),
    "allowance crossed": (tariff(buckets=(Bucket("v", Kind.VOICE, 100),)), record(250), [80, 70, 100]),
    "allowance in increments": (
        tariff(buckets=(Bucket("v", Kind.VOICE, 100, increments=Increments(60, 30), factor=Decimal("0.5")),)),
        record(250),
        [10, 75, 165],
    ),
    "allowance with a price of its own": (
        tariff(buckets=(Bucket("v", Kind.VOICE, 100, rate=voice("0.01/min 30/30 setup 0.05")),)),
        record(250),
        [10, 75, 165],
    ),
    "tiers": (tariff(buckets=(), beyond={Kind.VOICE: Priced(TIERED)}), record(250), [50, 75, 125]),
    "service with a limit": (
        tariff(services=(RatingService("care", Kind.VOICE, "care_homes", voice("0.02/min 60/1"), limit=100),)),
        record(250, CARE_HOME),
        [60, 60, 130],
    ),
    "deck": (
        tariff(deck=RateDeck((DeckRow("+1", "US", voice("0.20/min 60/60")),))),
        record(150, US_NUMBER),
        [1, 70, 79],
    ),
    "roaming price": (
        tariff(roaming=(Roaming("other", "price", {Kind.VOICE: voice("1/min 30/30")}),)),
        record(95, US_NUMBER, country="US"),
        [31, 64],
    ),
    "a band that is crossed": (
        tariff(
            buckets=(),
            calendar=PEAK,
            beyond={Kind.VOICE: Priced(replace(voice("0.05/min"), bands=(("peak", voice("0.50/min")),)))},
        ),
        record(240),
        [60, 100, 80],
    ),
    "whole cents": (tariff(buckets=(), rounding=Rounding(10_000)), record(123), [40, 41, 42]),
    "data slowed": (
        tariff(beyond={Kind.DATA: Priced(data("1/GB"), amount=GB // 2, then=Slow(64_000))}),
        bytes_used(2 * GB),
        [GB // 2, GB, GB // 2],
    ),
}


def cost_of(books: Books, terms: Tariff, records: Sequence[UsageRecord], files: int = 1) -> int:
    """Load records into a new brand's books, in as many files, and return what they cost together."""
    fresh = Books(books.engine, f"{books.brand}-{len(records)}-{files}")
    fresh.plans["douceur"] = plan(tariff=terms)
    fresh.world = replace(fresh.world, agreements=(replace(fresh.world.agreements[0], retail_minus=Decimal(10)),))
    fresh.subscribe()
    step = -(-len(records) // files)
    for place in range(files):
        loaded = fresh.load(records[place * step : (place + 1) * step], f"file-{place}")
        assert dict(loaded.suspended) == {}
    assert fresh.faults() == ()
    return owed(fresh)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("files", [1, 3], ids=["one file", "a file each"])
def test_reports_cost_together_what_the_session_costs(
    books: Books, case: tuple[Tariff, UsageRecord, list[int]], files: int
) -> None:
    terms, whole, amounts = case
    whole = replace(whole, start=moment("2027-03-05 10:00"))
    assert sum(amounts) == whole.amount
    assert cost_of(books, terms, partial(amounts, whole), files) == cost_of(books, terms, [whole])


def test_in_whatever_order_reports_come_they_cost_the_same_together(books: Books) -> None:
    """Counted in increments, with a set-up fee, out of an allowance that ends within the session."""
    beyond = {Kind.VOICE: Priced(voice("0.05/min 60/30 setup 0.10"))}
    terms = tariff(buckets=(Bucket("v", Kind.VOICE, 100),), beyond=beyond)
    expected = cost_of(books, terms, [record(250)])
    for number, order in enumerate(permutations(partial([80, 70, 100], record(250)))):
        beside = Books(books.engine, f"{books.brand}-{number}")
        beside.plans["douceur"] = plan(tariff=terms)
        beside.subscribe()
        for place, one in enumerate(order):
            beside.load([one], f"file-{place}")
        assert owed(beside) == expected, order
        assert used(beside)["v", "2027-03-01"] == 100


def test_a_late_first_report_is_put_in_its_place_by_rating_again(books: Books) -> None:
    """The allowance is the first report's, as it would have been in order."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("v", Kind.VOICE, 100),)))
    books.subscribe()
    first, second = partial([80, 70], record(150))
    books.load([second], "b1")
    books.load([first], "b2")
    assert prices(books) == {"cdr-1-0": 41_667, "cdr-1-1": 0}
    assert books.rerate(subscription="line-a").charge_micro == 0
    assert prices(books) == {"cdr-1-0": 0, "cdr-1-1": 41_667}
    found = stored(books, "cdr-1-0", "cdr-1-1")
    assert {id_: (one.place, one.rating) for id_, one in found.items()} == {"cdr-1-0": (0, 2), "cdr-1-1": (1, 2)}
    assert books.faults() == ()


def test_sessions_of_one_id_and_another_kind_line_label_or_number_are_apart(books: Books) -> None:
    """Each pays its first minute."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.numbers["+33639980002"] = "line-b"
    books.subscribe()
    books.subscribe(replace(books.subscribe(), id="line-b", next_bill_at=None))
    calls = [
        record(5, record_id="a"),
        record(5, record_id="b", to="+33142990009"),
        replace(record(5, record_id="c"), label="office"),
        record(5, record_id="d", msisdn="+33639980002"),
        record(5, record_id="e", start="2027-03-05 10:01"),
    ]
    books.load([replace(one, session="s") for one in calls])
    assert prices(books) == {"a": 50_000, "b": 50_000, "c": 50_000, "d": 50_000, "e": 0}


def test_a_session_that_goes_on_in_the_next_period_has_that_one_s_allowance(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("v", Kind.VOICE, 100),)))
    books.subscribe()
    before, after = partial([150, 120], replace(record(270), start=moment("2027-04-01 08:57:30")))
    books.load([before], "b1")
    books.load([after], "b2")
    assert used(books) == {("v", "2027-03-01"): 100, ("v", "2027-04-01"): 100}
    # 50 seconds beyond in the first, counted as a minute that began with the session; 20 in the second, by the second.
    assert prices(books) == {"cdr-1-0": 41_667, "cdr-1-1": 16_666}
    assert books.faults() == ()


def test_a_report_that_waits_in_suspense_does_not_hold_up_the_others(books: Books) -> None:
    """The first one comes from a country without a price, and finds one later."""
    abroad, home = partial([30, 40], record(70))
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    loaded = books.load([replace(abroad, country="US"), home])
    assert (loaded.rated, dict(loaded.suspended)) == (1, {"roaming_refused": 1})
    assert owed(books) == 50_000
    prices_abroad = {Kind.VOICE: voice("0.05/min 60/1")}
    books.plans["douceur"] = plan(tariff=tariff(buckets=(), roaming=(Roaming("other", "price", prices_abroad),)))
    assert books.replay().rated == 1
    # 70 seconds of one session: the first minute whole, the rest by the second.
    assert owed(books) == 58_333


def test_rows_name_the_session_and_count_its_reports(books: Books) -> None:
    books.subscribe()
    books.load([*partial([1, 2, 3], replace(record(6), label="x"))])
    found = rows(books, "billing_usage", "id", "session", "label", "place")
    assert found == [(f"cdr-1-{place}", "cdr-1", "x", place) for place in range(3)]


def test_an_allowance_of_minutes_serves_a_session_of_many_reports_to_the_last_second(books: Books) -> None:
    books.subscribe()
    books.load(partial([10] * 370, record(3700)))
    assert used(books) == {("voice", "2027-03-01"): 60 * MINUTE}
    assert owed(books) == 83_333
