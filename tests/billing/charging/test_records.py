"""A session costs what the record of the same use costs, takes what it takes, and passes the marks that it passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_billing.charging.session import Policy, Service, Units
from mvne_billing.mediation.counters import Counters, taken_from
from mvne_billing.mediation.meter import Meter
from mvne_billing.mediation.rater import Rater
from mvne_billing.states import SubscriptionState
from mvne_billing.tables import allowance, crossing, usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.agreement import Agreement
from mvne_plans.bands import Calendar
from mvne_plans.catalogue import Pay
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, Limit, Rollover, Tariff
from tests.billing.builders import CARE_HOME, GB, HOME_NUMBER, NUMBER, Books, open_books, plan, subscription
from tests.billing.charging.till import DATA, START, Till, prepaid
from tests.billing.test_rating_sessions import tariffs

_numbers = itertools.count(1)
reports = st.lists(st.integers(0, 300), max_size=4)


@pytest.fixture(scope="module")
def shared() -> Iterator[Till]:
    """One set of books for all examples, each with a line and a plan of its own."""
    with open_books() as books:
        till = Till(books, Policy(most={kind: 10**12 for kind in Kind}))
        yield till
        till.close()


def a_line(till: Till, terms: Tariff) -> str:
    name = f"line-{next(_numbers)}"
    till.books.plans[name] = plan("1", id=name, pay=Pay.PREPAID, tariff=terms)
    till.line(name, "100000000", plan_id=name)
    return name


def priced(till: Till, line: str, record: UsageRecord) -> tuple[int, int, dict[str, int], list[tuple[str, str]]]:
    """Return what mediation makes of a record of a line that used nothing before."""
    sold = till.books.plans[line]
    meter = Meter(subscription(line, plan=line, state=SubscriptionState.ACTIVE), sold, [], Counters(line), Counters(""))
    metered, marks = meter.price(record, till.books.world)
    taken = {one.counter: one.units for one in metered.taken}
    return metered.rated.charge_micro, metered.rated.cost_micro, taken, [(one.mark, one.name) for one in marks]


@settings(deadline=None)
@given(tariffs, reports, st.integers(0, 300), st.sampled_from([HOME_NUMBER, CARE_HOME]))
def test_a_call_costs_live_what_its_record_costs(
    shared: Till, terms: Tariff, parts: list[int], last: int, to: str
) -> None:
    if terms.calendar.bands and not terms.splits_calls:
        parts = []  # a call that is not cut goes by the band in which each of its reports begins
    line = a_line(shared, terms)
    service, at = Service(Kind.VOICE, to, "FR"), 0
    shared.create(Units(1, service), session=line, line=line)
    for sequence, used in enumerate(parts, 1):
        at += used
        shared.update(sequence, Units(1, used=used, requested=1), session=line, line=line, at=at)
    shared.release(len(parts) + 1, Units(1, used=last), session=line, line=line, at=at + last)
    record = UsageRecord("r", NUMBER, Kind.VOICE, START, sum(parts) + last, "FR", to)
    charge, cost, taken, marks = priced(shared, line, record)
    (row,) = shared.rows(usage, subscription=line)
    assert (row["charge_micro"], row["cost_micro"], row["amount"]) == (charge, cost, record.amount)
    assert {one.counter: one.units for one in taken_from(line, row["taken"])} == {
        name: units for name, units in taken.items() if not name.startswith("guard:")
    }
    counted = {one["bucket"]: one["used"] for one in shared.rows(allowance, subscription=line) if one["used"]}
    assert counted == taken
    passed = [(one["mark"], one["name"]) for one in shared.rows(crossing, subscription=line)]
    assert sorted(passed) == sorted(marks)


def test_the_books_of_all_those_sessions_agree(shared: Till) -> None:
    assert shared.books.faults() == ()


@pytest.mark.parametrize("parts", [[], [1], [50_000_000, 1, 700_000_000], [400_000_000] * 4])
def test_data_costs_live_what_its_record_costs(books: Books, parts: list[int]) -> None:
    limits = (Limit("hotspot", 100_000_000),)
    terms = replace(
        prepaid().tariff,
        buckets=(Bucket("data", Kind.DATA, GB, limits=limits, thresholds=(50, 80)),),
        calendar=Calendar(),
    )
    till = Till(books)
    line = a_line(till, terms)
    hotspot = replace(DATA, label="hotspot")
    till.create(Units(1, hotspot, 1), session="s", line=line)
    for sequence, used in enumerate(parts, 1):
        till.update(sequence, Units(1, used=used, requested=1), session="s", line=line)
    till.release(len(parts) + 1, Units(1, used=123_456_789), session="s", line=line)
    amount = sum(parts) + 123_456_789
    record = UsageRecord("r", NUMBER, Kind.DATA, START, amount, "FR", label="hotspot")
    charge, cost, _, marks = priced(till, line, record)
    (row,) = till.rows(usage)
    assert (row["charge_micro"], row["cost_micro"], row["amount"], row["label"]) == (charge, cost, amount, "hotspot")
    assert [(one["mark"], one["name"]) for one in till.rows(crossing)] == marks
    till.close()


def test_what_an_earlier_period_left_serves_a_session_too(till: Till) -> None:
    rolling = Bucket("voice", Kind.VOICE, 600, rollover=Rollover(1, 300))
    till.plan(buckets=(rolling,)).line(anchor="2027-02-03 10:00")
    service = Service(Kind.VOICE, HOME_NUMBER, "FR")
    till.create(Units(1, service, 1000))
    # 600 s of this period and 300 s of the last are included, 100 s cost money.
    assert till.money()[1] == 83_333
    assert till.release(1, Units(1, used=1000)).charged_micro == 83_333
    assert {(row["bucket"], row["used"]) for row in till.rows(allowance)} == {("voice", 600), ("voice+", 300)}


def test_a_session_that_goes_on_into_the_next_period_uses_its_allowance(till: Till) -> None:
    till.line(anchor="2027-02-03 10:00")
    ends = START + timedelta(hours=0)
    begin = ends - timedelta(minutes=10)
    # The period of 30 days that began on 3 February ends on 5 March at 10:00.
    told = till.create(Units(1, DATA, 900_000_000), at=begin)
    assert told.groups[0].valid_s == 600
    till.update(1, Units(1, used=900_000_000, requested=GB), at=ends)
    till.release(2, Units(1, used=800_000_000), at=ends + timedelta(minutes=5))
    assert [(row["start"], row["amount"], row["charge_micro"]) for row in till.rows(usage)] == [
        (begin, 900_000_000, 0),
        (ends, 800_000_000, 0),
    ]
    assert [row["used"] for row in till.rows(allowance)] == [900_000_000, 800_000_000]


def test_set_up_fee_and_increments_stay_those_of_one_session_over_a_period_s_end(till: Till) -> None:
    from mvne_plans.tariff import Priced
    from tests.billing.builders import voice

    till.plan(buckets=(), beyond={Kind.VOICE: Priced(voice("0.60/min 60/60 setup 1"))}).line(anchor="2027-02-03 10:00")
    service, begin = Service(Kind.VOICE, HOME_NUMBER, "FR"), START - timedelta(minutes=1)
    till.create(Units(1, service, 90), at=begin)
    till.update(1, Units(1, used=90, requested=90), at=START + timedelta(seconds=30))
    told = till.release(2, Units(1, used=20), at=START + timedelta(seconds=50))
    # 110 s are two minutes, and one set-up fee.
    assert told.charged_micro == 2_200_000
    assert [(row["amount"], row["charge_micro"]) for row in till.rows(usage)] == [(90, 2_200_000), (20, 0)]


def test_a_session_that_crosses_a_border_leaves_a_row_for_each_side(till: Till) -> None:
    from mvne_plans.tariff import Roaming
    from tests.billing.builders import data

    roaming = (Roaming("US", "price", {Kind.DATA: data("20/GB")}), Roaming("eea", "domestic"))
    till.books.world = replace(till.books.world, agreements=(agreed(till),))
    till.plan(roaming=roaming).line()
    till.create(Units(1, DATA, GB))
    till.update(1, Units(1, replace(DATA, country="DE"), used=300_000_000, requested=GB), at=60)
    told = till.update(2, Units(1, replace(DATA, country="US"), used=300_000_000, requested=GB), at=120)
    assert told.charged_micro == 0
    told = till.release(3, Units(1, used=100_000_000), at=180)
    assert told.charged_micro == 2_000_000
    assert [(row["country"], row["amount"], row["charge_micro"]) for row in till.rows(usage)] == [
        ("FR", 300_000_000, 0),
        ("DE", 300_000_000, 0),
        ("US", 100_000_000, 2_000_000),
    ]


def agreed(till: Till) -> Agreement:
    from tests.billing.builders import agreement, data

    found = agreement()
    rates = {**found.rates, Kind.DATA: {**found.rates[Kind.DATA], "other": data("9/GB")}}
    return replace(found, rates=rates)


def test_an_add_on_bought_meanwhile_serves_the_session(till: Till) -> None:
    from mvne_billing.subscription import addons
    from mvne_billing.subscription.subscription import get
    from mvne_plans.catalogue import Addon
    from tests.billing.builders import money

    till.line()
    till.create(Units(1, DATA, GB))
    till.update(1, Units(1, used=GB, requested=1))
    more = Addon("more", "More", money("3"), (Bucket("extra", Kind.DATA, 500_000_000),))
    with till.books.transact() as conn:
        owner = get(conn, till.books.brand, "line-a")
        addons.buy(
            conn, till.books.brand, "buy-1", owner, till.books.plans["go"].every, more, START + timedelta(seconds=30)
        )
    till.update(2, Units(1, used=0, requested=500_000_000), at=60)
    assert till.money()[1] == 0
    assert till.release(3, Units(1, used=400_000_000), at=90).charged_micro == 0
    assert {row["bucket"]: row["used"] for row in till.rows(allowance)} == {"data": GB, "buy-1:extra": 400_000_000}
    (row,) = till.rows(usage)
    assert row["amount"] == GB + 400_000_000


def test_the_host_s_price_by_tiers_is_counted_for_the_brand(till: Till) -> None:
    from mvne_plans.rate import Rate, Scheme, Tier
    from tests.billing.builders import agreement

    tiers = Rate(Decimal(0), 1, tiers=(Tier(GB, Decimal(2), GB), Tier(None, Decimal(1), GB)), scheme=Scheme.GRADUATED)
    found = agreement()
    rates = {**found.rates, Kind.DATA: {"domestic": tiers}}
    till.books.world = replace(till.books.world, agreements=(replace(found, rates=rates),))
    till.line()
    for number in range(3):
        till.create(Units(1, DATA, 0), session=f"s{number}")
        till.release(1, Units(1, used=600_000_000), session=f"s{number}")
    assert [row["cost_micro"] for row in till.rows(usage)] == [1_200_000, 800_000 + 200_000, 600_000]
    (row,) = till.rows(allowance, subscription="")[-1:]
    assert row["used"] == 1_800_000_000


def test_terms_are_what_pricing_needs() -> None:
    assert Rater.__dataclass_fields__.keys() >= {"world", "plan", "on_net"}
