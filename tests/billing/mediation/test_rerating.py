"""Re-rating: any slice of use is priced again, billed or not, and only the differences are booked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from mvne_billing.mediation.rerating import ReratingConflict, ReratingNotFound, Wanted, get, history, rerate
from mvne_billing.mediation.scope import Scope
from mvne_billing.subscription import addons
from mvne_billing.subscription.subscription import cancel
from mvne_plans.catalogue import Addon
from mvne_plans.period import Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate, Tier
from mvne_plans.tariff import Bucket, Priced, Rollover
from tests.billing.builders import (
    GB,
    MINUTE,
    Books,
    agreement,
    bytes_used,
    calls,
    moment,
    money,
    plan,
    record,
    subscription,
    tariff,
    texts,
    voice,
)
from tests.billing.mediation.looking import everything, owed, prices, rows, stored, used

DEARER = plan(tariff=tariff(beyond={**tariff().beyond, Kind.VOICE: Priced(voice("0.10/min 60/1"))}))


def test_a_price_that_was_wrong_is_put_right_and_only_the_difference_is_booked(books: Books) -> None:
    books.subscribe()
    books.load([*calls(62), texts(record_id="sms")])
    transfers = books.transfers()
    books.plans["douceur"] = DEARER
    done = books.rerate(subscription="line-a")
    assert (done.records, done.charge_micro, done.cost_micro, done.done) == (63, 100_000, 0, True)
    assert owed(books) == 200_000 + 60_000
    assert books.transfers() == transfers + 1
    (name,) = [row for row in rows(books, "billing_transfer", "id", "micro", "corrects") if row[2]]
    assert name == ("usage:call-00060:2:price", 100_000, "usage:call-00000:price")
    assert stored(books, "call-00060")["call-00060"].rating == 2
    assert rows(books, "billing_usage_past", "id", "rating", "charge_micro", "cause") == [
        ("call-00060", 1, 50_000, "rerating-1"),
        ("call-00061", 1, 50_000, "rerating-1"),
    ]
    assert books.faults() == ()


def test_nothing_changes_where_everything_is_as_it_should_be(books: Books) -> None:
    books.subscribe()
    books.load([*calls(62), bytes_used(2 * GB, record_id="d")])
    before = everything(books)
    done = books.rerate()
    assert (done.records, done.lines) == (63, ())
    assert everything(books) == before
    assert rows(books, "billing_usage_past", "id") == []


def test_a_dry_run_tells_and_writes_nothing(books: Books) -> None:
    books.subscribe()
    books.load(calls(62))
    before = everything(books)
    books.plans["douceur"] = DEARER
    told = books.rerate(dry_run=True)
    assert (told.done, told.records, told.charge_micro) == (False, 62, 100_000)
    assert everything(books) == before
    assert rows(books, "billing_rerating", "id") == []
    assert replace(books.rerate(), done=False) == told


def test_a_closed_period_is_corrected_on_the_next_bill(books: Books) -> None:
    books.subscribe()
    books.load(calls(62))
    books.bill("2027-05-01 10:00")
    books.plans["douceur"] = DEARER
    (line,) = books.rerate(subscription="line-a").lines
    assert (line.charge_micro, line.billed_micro) == (100_000, 100_000)
    assert books.faults() == ()
    assert owed(books) == 100_000
    (bill,) = books.bill("2027-06-01 10:00")
    assert [(one.kind.value, one.name, one.amount.minor) for one in bill.lines] == [
        ("recurring", "Douceur", 490),
        ("correction", f"voice {books.number(2)}", 10),
    ]
    assert (owed(books), books.bill("2027-06-01 10:00")) == (0, [])
    assert books.faults() == ()


def test_a_correction_never_makes_a_bill_negative_what_is_left_is_for_the_next(books: Books) -> None:
    books.plans["douceur"] = DEARER
    books.subscribe()
    books.load(calls(180))
    books.bill("2027-04-01 10:00")  # 12.00 for two hours beyond the allowance
    books.plans["douceur"] = plan(tariff=tariff(beyond={**tariff().beyond, Kind.VOICE: Priced(voice("0.001/min"))}))
    assert books.rerate().charge_micro == -11_880_000
    assert [bill.total.minor for bill in books.bill("2027-07-01 10:00")] == [0, 0, 282]
    assert owed(books) == 0
    assert books.faults() == ()


def test_a_last_bill_takes_all_corrections_and_what_is_owed_then_stands_in_the_books(books: Books) -> None:
    books.plans["douceur"] = DEARER
    books.subscribe()
    books.load(calls(180))
    books.bill("2027-04-01 10:00")
    books.plans["douceur"] = plan(tariff=tariff(beyond={**tariff().beyond, Kind.VOICE: Priced(voice("0.001/min"))}))
    books.rerate()
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-04-10"))
    (bill,) = books.bill("2027-05-01")
    assert bill.total.minor == -1188
    assert owed(books) == 0
    assert books.faults() == ()


def test_an_agreement_that_was_wrong_changes_costs_alone(books: Books) -> None:
    books.subscribe()
    books.load([record(60), record(60, record_id="before", start="2027-03-02 10:00")])
    books.world = replace(books.world, agreements=(agreement(), agreement("2027-03-04", voice_rate="0.03/min")))
    done = books.rerate()
    assert (done.charge_micro, done.cost_micro) == (0, 20_000)
    assert {id_: cost for id_, cost in rows(books, "billing_usage", "id", "cost_micro")} == {
        "cdr-1": 30_000,
        "before": 10_000,
    }
    assert books.faults() == ()


SLICES: list[tuple[dict[str, Any], set[str]]] = [
    ({"subscription": "line-a"}, {"a-march", "a-april"}),
    ({"subscription": "nobody"}, set()),
    ({"batch": "second"}, {"b-march"}),
    ({"since": moment("2027-04-01")}, {"a-april"}),
    ({"until": moment("2027-04-01"), "subscription": "line-a"}, {"a-march"}),
    ({"plan": "douceur", "version": 1}, {"a-march", "a-april", "b-march"}),
    ({"plan": "douceur", "version": 2}, set()),
    ({}, {"a-march", "a-april", "b-march"}),
]


@pytest.mark.parametrize(("which", "changed"), SLICES, ids=[" ".join(which) or "all" for which, _ in SLICES])
def test_a_slice_is_priced_again_with_its_periods_and_nothing_else(
    books: Books, which: dict[str, Any], changed: set[str]
) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.numbers["+33639980002"] = "line-b"
    books.subscribe()
    books.subscribe(subscription("line-b"))
    books.load([record(record_id="a-march"), record(record_id="a-april", start="2027-04-05 10:00")], "first")
    books.load([record(record_id="b-march", msisdn="+33639980002")], "second")
    beyond = {Kind.VOICE: Priced(voice("0.10/min"))}
    books.plans["douceur"] = plan(tariff=tariff(buckets=(), beyond=beyond))
    books.rerate(**which)
    assert {id_ for id_, price in prices(books).items() if price == 100_000} == changed
    assert books.faults() == ()


def test_all_of_a_period_is_priced_when_a_part_of_it_is_meant(books: Books) -> None:
    """One late call in the first week moves the end of the allowance, weeks later."""
    books.subscribe()
    books.load([*calls(60, first="2027-03-20 08:00"), record(record_id="last", start="2027-03-30 10:00")])
    books.load([record(MINUTE, record_id="early", start="2027-03-02 10:00")], "late")
    assert (prices(books)["early"], prices(books)["last"]) == (50_000, 50_000)
    books.rerate(batch="late")
    assert (prices(books)["early"], prices(books)["call-00059"], prices(books)["last"]) == (0, 50_000, 50_000)
    assert books.faults() == ()


def test_use_by_a_version_is_priced_by_another_and_the_rest_of_the_period_as_before(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = plan(tariff=tariff(buckets=(), beyond={Kind.VOICE: Priced(voice("0.01/min 60/1"))}))
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    rater = replace(books.rater, plan=lambda conn, id_, version: cheap if version == 2 else books.plans[id_])
    monkeypatch.setattr(Books, "rater", rater)
    books.subscribe()
    books.load([record(record_id="one"), record(record_id="two", start="2027-03-06 10:00")])
    done = books.rerate(since=moment("2027-03-06"), version_to_price_by=2)
    assert (done.records, done.charge_micro) == (2, -40_000)
    assert rows(books, "billing_usage", "id", "version", "charge_micro") == [("one", 1, 50_000), ("two", 2, 10_000)]
    # The version that a record has now is the one it is priced by from now on.
    assert books.rerate("again").lines == ()
    assert books.faults() == ()


def test_what_has_no_price_any_more_keeps_the_one_it_has(books: Books) -> None:
    books.subscribe()
    books.load([record(), texts(record_id="sms")])
    without = {kind: step for kind, step in tariff().beyond.items() if kind is not Kind.SMS}
    books.plans["douceur"] = plan(tariff=tariff(beyond=without))
    (line,) = books.rerate().lines
    assert (line.changed, line.kept, owed(books)) == (0, 1, 60_000)
    assert books.faults() == ()


def test_periods_that_hang_together_are_priced_together(books: Books) -> None:
    """What March leaves is good in April: a late call in March takes it away there."""
    bucket = Bucket("v", Kind.VOICE, 100 * MINUTE, rollover=Rollover(1))
    books.plans["douceur"] = plan(tariff=tariff(buckets=(bucket,)))
    books.subscribe()
    books.load([record(40 * MINUTE), record(150 * MINUTE, record_id="april", start="2027-04-10 10:00")])
    assert owed(books) == 0
    books.load([record(60 * MINUTE, record_id="late", start="2027-03-04 10:00")], "late")
    assert books.rerate(batch="late").charge_micro == 50 * 50_000
    assert {key: units // MINUTE for key, units in used(books).items() if key[0] in ("v", "v+")} == {
        ("v", "2027-03-01"): 100,
        ("v", "2027-04-01"): 100,
        ("v+", "2027-03-01"): 0,
    }
    assert books.faults() == ()


def test_an_add_on_over_the_turn_of_a_period_is_taken_in_order_of_time(books: Books) -> None:
    owner = books.subscribe()
    with books.transact() as conn:
        more = Addon("more", "1 GB", money("3"), (Bucket("data", Kind.DATA, GB),), lasts=Every.parse("30 days"))
        addons.buy(conn, books.brand, "p", owner, books.plans["douceur"].every, more, moment("2027-03-20"))
    march, april = "2027-03-25 10:00", "2027-04-05 10:00"
    books.load([bytes_used(2 * GB, record_id="april", start=april)], "b1")
    books.load([bytes_used(2 * GB, record_id="march", start=march)], "b2")
    assert used(books)["slow:data", "2027-03-01"] == GB
    books.rerate(batch="b2")
    assert used(books) == {
        ("data", "2027-03-01"): GB,
        ("data", "2027-04-01"): GB,
        ("p:data", "2027-03-20"): GB,
        ("slow:data", "2027-03-01"): 0,
        ("slow:data", "2027-04-01"): GB,
    }
    assert books.faults() == ()


def test_marks_are_those_between_what_was_and_what_is(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(GB // 2, record_id="a"), bytes_used(GB, record_id="b", start="2027-03-06 10:00")])
    assert books.marks() == [("used_up", "data"), ("slow", "data")]
    books.crossings.clear()
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("data", Kind.DATA, 2 * GB),)))
    books.rerate()
    assert books.marks() == [("freed", "data")]
    books.crossings.clear()
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("data", Kind.DATA, GB),)))
    books.rerate("back")
    assert sorted(books.marks()) == [("slow", "data")]


def test_the_same_re_rating_again_tells_what_it_did_and_does_nothing(books: Books) -> None:
    books.subscribe()
    books.load(calls(62))
    books.plans["douceur"] = DEARER
    done = books.rerate()
    before = everything(books)
    assert books.rerate(at="2028-03-01") == done
    assert everything(books) == before
    with books.engine.connect() as conn:
        assert get(conn, books.brand, "rerating-1")[1] == done
        assert [one.id for one in history(conn, books.brand)] == ["rerating-1"]
        with pytest.raises(ReratingNotFound):
            get(conn, books.brand, "other")


def test_one_id_is_one_re_rating(books: Books) -> None:
    books.subscribe()
    books.rerate()
    with pytest.raises(ReratingConflict, match="give the new one another id"):
        books.rerate(subscription="line-a")


class PowerCut(Exception):
    """The machine stops."""


def test_a_re_rating_that_stops_goes_on_where_it_was(books: Books) -> None:
    names = [f"line-{place}" for place in range(5)]
    for place, name in enumerate(names):
        books.numbers[f"+3363998000{place}"] = name
        books.subscribe(subscription(name))
    for number, name in books.numbers.items():
        if name in names:
            books.load([replace(one, id=f"{name}-{one.id}", msisdn=number) for one in calls(62)], name)
    books.plans["douceur"] = DEARER
    wanted = Wanted("r", Scope(), "a test", "tester", moment("2028-02-01"))
    for through in range(3):
        seen = 0

        def stops(conn: Connection, settled: object, through: int = through) -> None:
            nonlocal seen
            seen += 1
            if seen > 1:
                raise PowerCut(through)

        with pytest.raises(PowerCut):
            rerate(books.transact, books.engine.connect, books.brand, books.rater, wanted, stops)
        assert books.faults() == ()
    done = rerate(books.transact, books.engine.connect, books.brand, books.rater, wanted, books._settled)
    assert (done.records, len(done.lines), done.charge_micro) == (5 * 62, 5, 5 * 100_000)
    assert books.faults() == ()


@contextmanager
def meanwhile(books: Books, what: Any, times: int) -> Iterator[Any]:
    """Read, and let something happen right after, so many times."""
    with books.engine.connect() as conn:
        yield conn
    if times:
        what()


def test_use_that_comes_in_while_a_line_is_worked_out_is_priced_with_it(books: Books) -> None:
    """The first three times somebody loads more in between; then the line is held."""
    books.subscribe()
    books.load(calls(62))
    books.plans["douceur"] = DEARER
    left = [*calls(8, first="2027-03-05 12:00", prefix="more")]

    def load_one() -> None:
        if left:
            one = left.pop()
            books.load([one], one.id)

    wanted = Wanted("r", Scope(), "a test", "tester", moment("2028-02-01"))
    read = lambda: meanwhile(books, load_one, 1)  # noqa: E731  # a name for it would say less
    rerate(books.transact, read, books.brand, books.rater, wanted, books._settled)
    assert len(left) < 5
    assert books.faults() == ()
    assert books.rerate("check").lines == ()
    assert used(books) == {("voice", "2027-03-01"): 3600}


def test_loading_and_rating_again_at_once_end_in_good_books(books: Books) -> None:
    books.subscribe()
    books.load(calls(70))
    books.plans["douceur"] = DEARER
    errors: list[BaseException] = []

    def work(do: Any) -> None:
        try:
            do()
        except BaseException as error:  # whatever went wrong in a thread is shown by the assertion
            errors.append(error)

    jobs = [
        lambda: books.load(calls(60, first="2027-03-06 08:00", prefix="more"), "b2"),
        lambda: books.rerate("one"),
        lambda: books.load(calls(60, first="2027-03-04 08:00", prefix="early"), "b3"),
        lambda: books.rerate("two"),
    ]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert books.faults() == ()
    books.rerate("last")
    assert owed(books) == 130 * 100_000
    assert used(books) == {("voice", "2027-03-01"): 3600}


def test_tiered_costs_of_records_priced_again_stay_where_they_were(books: Books) -> None:
    """The host's first hour a month is dearer: who came first keeps paying for it."""
    tiers = (Tier(3600, Decimal("0.03"), 60), Tier(None, Decimal("0.01"), 60))
    rates = {**agreement().rates, Kind.VOICE: {"domestic": Rate(Decimal(0), 60, tiers=tiers)}}
    books.world = replace(books.world, agreements=(agreement(rates=rates),))
    books.numbers["+33639980002"] = "line-b"
    books.subscribe()
    books.subscribe(subscription("line-b"))
    other = [replace(one, msisdn="+33639980002") for one in calls(50, first="2027-03-06 08:00", prefix="b")]
    books.load([*calls(50), *other])
    assert books.rerate().lines == ()
    assert books.balances()["cost:voice"] == 60 * 30_000 + 40 * 10_000
    books.plans["douceur"] = DEARER
    books.rerate("dearer")
    assert books.balances()["cost:voice"] == 60 * 30_000 + 40 * 10_000
    assert books.faults() == ()
