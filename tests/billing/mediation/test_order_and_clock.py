"""Records that come late, out of order, from the future, or while the clock goes backwards: seen, and priced once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mvne_billing.states import Came, SubscriptionState
from mvne_billing.subscription.subscription import cancel, get
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, RatingService
from tests.billing.builders import CARE_HOME, MINUTE, Books, calls, moment, plan, record, tariff, texts, voice, world
from tests.billing.mediation.looking import owed, prices, reasons, stored, used


def came(books: Books, *ids: str) -> dict[str, str]:
    return {id_: one.came for id_, one in stored(books, *ids).items()}


def test_use_that_comes_after_its_time_was_billed_is_late_and_on_the_next_bill(books: Books) -> None:
    books.subscribe()
    books.bill("2027-04-01 10:00")
    loaded = books.load([record(61 * MINUTE), record(60, record_id="new", start="2027-04-02 10:00")])
    assert (loaded.rated, loaded.late, loaded.out_of_order) == (2, 1, 0)
    assert came(books, "cdr-1", "new") == {"cdr-1": Came.LATE, "new": Came.IN_ORDER}
    assert used(books) == {("voice", "2027-03-01"): 3600, ("voice", "2027-04-01"): 60}
    (bill,) = books.bill("2027-05-01 10:00")
    assert [line.amount.minor for line in bill.lines] == [490, 5]


def test_use_before_later_use_of_its_kind_is_out_of_order_and_rating_again_orders_it(books: Books) -> None:
    books.subscribe()
    books.load([*calls(60), texts(record_id="sms", start="2027-03-05 07:00")])
    loaded = books.load(
        [
            record(60, record_id="early", start="2027-03-05 07:30"),
            texts(record_id="early-sms", start="2027-03-05 07:30"),
            record(60, record_id="after", start="2027-03-05 12:00"),
        ],
        "b2",
    )
    assert (loaded.out_of_order, loaded.late) == (1, 0)
    assert prices(books)["early"] == 50_000
    done = books.rerate(came=Came.OUT_OF_ORDER)
    assert (done.records, len(done.lines), done.charge_micro) == (64, 1, 0)
    assert (prices(books)["early"], prices(books)["call-00059"]) == (0, 50_000)
    assert books.faults() == ()


def test_everything_after_the_last_bill_of_a_line_that_ended_is_billed_once_more(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-03-20"))
    books.load([record(60)])
    assert len(books.bill("2027-04-01")) == 2
    for place in (1, 2):
        loaded = books.load([record(60, record_id=f"late-{place}", start="2027-03-10 10:00")], f"b{place}")
        assert loaded.late == 1
        (bill,) = books.bill("2028-01-01")
        assert [(line.kind.value, line.amount.minor) for line in bill.lines] == [("usage", 5)]
        with books.engine.connect() as conn:
            owner = get(conn, books.brand, "line-a")
        assert (owner.state, owner.next_bill_at) == (SubscriptionState.ENDED, None)
    assert owed(books) == 0
    assert books.faults() == ()


@pytest.mark.parametrize(
    ("start", "held"),
    [("2027-03-05 11:00", False), ("2027-03-05 11:00:01", True), ("2028-03-05 10:00", True), ("2199-01-01", True)],
)
def test_use_from_the_future_waits_until_its_time_has_come(books: Books, start: str, held: bool) -> None:
    books.subscribe()
    books.load([record(start=start)], at="2027-03-05 10:00")
    assert reasons(books) == ([("cdr-1", "future_dated")] if held else [])
    assert books.replay(at="2199-01-02").rated == int(held)
    assert books.faults() == ()


def test_how_far_clocks_may_differ_can_be_said(books: Books) -> None:
    books.subscribe()
    ahead = replace(books.rater, ahead=timedelta(0))
    assert ahead.ahead < books.rater.ahead == timedelta(hours=1)


def test_a_clock_that_goes_backwards_between_two_loads_changes_nothing_in_the_prices(books: Books) -> None:
    books.subscribe()
    books.load(calls(40), "b1", at="2028-01-01")
    books.load(calls(30, first="2027-03-05 09:00", prefix="more"), "b2", at="2027-12-31 23:00")
    assert owed(books) == 10 * 50_000
    assert used(books) == {("voice", "2027-03-01"): 3600}
    assert books.faults() == ()


def test_a_clock_that_shows_an_hour_twice_counts_both(books: Books) -> None:
    """On 31 October 2027 Paris goes back at 03:00; both records say 02:30 on the wall."""
    books.subscribe()
    both = ["2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00"]
    books.load([record(60, record_id=name, start=name) for name in both])
    assert used(books) == {("voice", "2027-10-01"): 120}
    assert books.faults() == ()


def test_number_groups_are_those_of_the_day_of_the_call(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    service = RatingService("care", Kind.VOICE, "care_homes", voice("0/min"))
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("v", Kind.VOICE, 0),), services=(service,)))
    books.subscribe()
    joined = moment("2027-03-10")
    without = replace(world(), groups={"care_homes": frozenset()})
    rater = replace(books.rater, world_at=lambda start: without if start < joined else world())
    monkeypatch.setattr(Books, "rater", rater)
    days = ["2027-03-09 23:59:59", "2027-03-10"]
    books.load([record(60, CARE_HOME, record_id=day, start=day) for day in days])
    assert prices(books) == {days[0]: 50_000, days[1]: 0}
    # Rated again, each has the list of its day, not today's.
    assert books.rerate(subscription="line-a").lines == ()
