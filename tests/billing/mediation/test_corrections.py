"""A record that corrects another stands in its place: the difference is booked, what was there before is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mvne_billing.states import UsageState
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import GB, MINUTE, Books, bytes_used, calls, plan, record, tariff
from tests.billing.mediation.looking import owed, prices, reasons, rows, stored, used


def correction(of: str, amount: int, record_id: str = "fix", **changes: object) -> UsageRecord:
    return replace(record(amount, record_id=record_id), corrects=of, **changes)  # type: ignore[arg-type]  # any field


@pytest.fixture
def priced(books: Books) -> Books:
    """A line whose minutes all cost 0.05, and one call of two minutes."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    books.load([record(120)])
    return books


def test_a_correction_takes_the_place_of_what_it_corrects(priced: Books) -> None:
    loaded = priced.load([correction("cdr-1", 300)], "b2")
    assert (loaded.rated, loaded.corrected, loaded.charge_micro, loaded.cost_micro) == (1, 1, 150_000, 30_000)
    assert (owed(priced), prices(priced)) == (250_000, {"fix": 250_000})
    old = stored(priced, "cdr-1")["cdr-1"]
    assert (old.state, old.charge_micro, old.rating) == (UsageState.REPLACED, 0, 2)
    assert rows(priced, "billing_usage_past", "id", "rating", "charge_micro", "cause") == [("cdr-1", 1, 100_000, "b2")]
    assert priced.faults() == ()


def test_the_books_name_what_is_corrected(priced: Books) -> None:
    priced.load([correction("cdr-1", 300)], "b2")
    corrects = rows(priced, "billing_transfer", "id", "corrects", "debit", "micro")
    assert [one for one in corrects if one[1]] == [
        ("usage:cdr-1:2:cost", "usage:cdr-1:cost", "host:accrued", 20_000),
        ("usage:cdr-1:2:price", "usage:cdr-1:price", "revenue:usage:voice", 100_000),
    ]


def test_a_correction_comes_once_and_what_it_corrected_does_not_come_back(priced: Books) -> None:
    for batch in ("b2", "b3"):
        priced.load([correction("cdr-1", 300)], batch)
    assert priced.load([record(120)], "b4").duplicates == 1
    assert owed(priced) == 250_000
    assert priced.faults() == ()


def test_the_allowance_that_was_taken_is_given_back(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(2 * GB)])
    assert books.marks() == [("used_up", "data"), ("slow", "data")]
    books.crossings.clear()
    books.load([replace(bytes_used(GB // 2, record_id="fix"), corrects="cdr-1")], "b2")
    assert used(books) == {("data", "2027-03-01"): GB // 2, ("slow:data", "2027-03-01"): 0}
    # What held the line is to be lifted; that half of the allowance is used is no news.
    assert books.marks() == [("freed", "data")]
    assert books.faults() == ()


def test_corrections_in_the_file_of_what_they_correct_come_after_it(books: Books) -> None:
    """And corrections of corrections after these, however the file is ordered."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    second = replace(correction("fix", 180, "second"), start=record(start="2027-03-04 10:00").start)
    loaded = books.load([second, correction("cdr-1", 300), record(120)])
    assert (loaded.rated, loaded.corrected, dict(loaded.suspended)) == (3, 2, {})
    assert prices(books) == {"second": 150_000}
    assert books.faults() == ()


def test_what_corrects_nothing_waits_until_that_comes(priced: Books) -> None:
    loaded = priced.load([correction("cdr-2", 300)], "b2")
    assert dict(loaded.suspended) == {"nothing_to_correct": 1}
    assert priced.replay().rated == 0
    priced.load([record(60, record_id="cdr-2", start="2027-03-06 10:00")], "b3")
    assert priced.replay().corrected == 1
    assert prices(priced) == {"cdr-1": 100_000, "fix": 250_000}


def test_corrections_in_a_circle_wait(priced: Books) -> None:
    circle = [correction("b", 60, "a"), correction("a", 61, "b")]
    assert dict(priced.load(circle, "b2").suspended) == {"nothing_to_correct": 2}


def test_a_second_correction_of_one_record_is_a_conflict(priced: Books) -> None:
    priced.load([correction("cdr-1", 300)], "b2")
    assert dict(priced.load([correction("cdr-1", 60, "late")], "b3").suspended) == {"conflict": 1}
    assert owed(priced) == 250_000


def test_another_line_s_record_is_not_corrected(priced: Books) -> None:
    priced.numbers["+33639980002"] = "line-b"
    priced.subscribe(replace(priced.subscribe(), id="line-b", next_bill_at=None))
    stranger = correction("cdr-1", 1, msisdn="+33639980002")
    assert dict(priced.load([stranger], "b2").suspended) == {"conflict": 1}
    assert prices(priced) == {"cdr-1": 100_000}


def test_a_correction_without_a_price_leaves_what_it_corrects_in_force(priced: Books) -> None:
    priced.load([correction("cdr-1", 300, country="US")], "b2")
    assert reasons(priced) == [("fix", "roaming_refused")]
    assert prices(priced) == {"cdr-1": 100_000}
    assert priced.faults() == ()


def test_a_billed_record_that_is_corrected_is_corrected_on_the_next_bill(priced: Books) -> None:
    priced.bill("2027-04-01 10:00")
    priced.load([correction("cdr-1", 60)], "b2")
    assert priced.faults() == ()
    assert owed(priced) == -50_000
    (bill,) = priced.bill("2027-05-01 10:00")
    assert [(line.kind.value, line.name, line.amount.minor) for line in bill.lines] == [
        ("recurring", "Douceur", 490),
        ("correction", f"voice {priced.number(2)}", -5),
    ]
    assert owed(priced) == 0
    assert priced.faults() == ()


def test_a_report_in_the_middle_of_a_session_is_corrected_and_the_session_costs_what_it_should(books: Books) -> None:
    """30, 40 and 50 seconds, of which the 40 were 100: what came after them is priced again too."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("v", Kind.VOICE, 20),)))
    books.subscribe()
    reports = [replace(one, session="s") for one in calls(3, 40)]
    books.load([replace(one, amount=amount) for one, amount in zip(reports, (30, 40, 50), strict=True)])
    fix = replace(reports[1], id="fix", amount=100, corrects=reports[1].id)
    books.load([fix], "b2")
    assert sum(prices(books).values()) == owed(books) == 133_333  # 160 seconds beyond 20
    assert books.rerate(subscription="line-a").lines == ()
    assert used(books) == {("v", "2027-03-01"): 20}
    assert books.faults() == ()


def test_no_record_corrects_itself() -> None:
    with pytest.raises(InvalidUsage, match="cannot correct itself"):
        correction("fix", 1)


def test_a_correction_of_use_within_the_allowance_frees_it_for_others(books: Books) -> None:
    books.subscribe()
    books.load([record(60 * MINUTE), record(60, record_id="beyond", start="2027-03-06 10:00")])
    assert owed(books) == 50_000
    books.load([correction("cdr-1", 30 * MINUTE)], "b2")
    assert owed(books) == 0
    assert books.rerate(subscription="line-a").lines == ()
    assert used(books) == {("voice", "2027-03-01"): 31 * MINUTE}
    assert books.faults() == ()
