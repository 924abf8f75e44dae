"""Unloading a file: everything that it brought is taken back, and it may come again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mvne_billing.mediation.rerating import ReratingConflict
from mvne_billing.mediation.unloading import UnknownBatch, Unloading, unload
from mvne_billing.states import UsageState
from mvne_billing.usage.rows import BrokenRow
from tests.billing.builders import GB, Books, bytes_used, calls, moment, plan, record, subscription, tariff
from tests.billing.mediation.looking import everything, held, owed, prices, rows, stored, used


def states(books: Books) -> dict[str, str]:
    return dict(rows(books, "billing_usage", "id", "state"))


def test_everything_that_a_file_brought_is_taken_back(books: Books) -> None:
    books.subscribe()
    books.load([*calls(70), BrokenRow("row", "a:1", "x", "y"), record(record_id="s", msisdn="+33600000000")], "b1")
    done = books.unload("b1")
    assert (done.records, done.charge_micro, done.cost_micro) == (70, -500_000, -700_000)
    assert set(states(books).values()) == {UsageState.VOID}
    assert ([units for units in used(books).values() if units], held(books), prices(books)) == ([], [], {})
    assert {name: micro for name, micro in books.balances().items() if micro} == {}
    assert {row[1] for row in rows(books, "billing_suspense", "id", "outcome")} == {"void"}
    assert books.faults() == ()


def test_what_it_took_of_the_allowance_is_free_for_the_others(books: Books) -> None:
    books.subscribe()
    books.load(calls(60), "wrong")
    books.load(calls(61, first="2027-03-06 08:00", prefix="right"), "right")
    assert owed(books) == 61 * 50_000
    done = books.unload("wrong")
    assert (done.records, done.charge_micro) == (121, -60 * 50_000)
    assert owed(books) == 50_000
    assert used(books) == {("voice", "2027-03-01"): 3600}
    assert books.faults() == ()


def test_a_file_that_was_unloaded_comes_again_as_if_for_the_first_time(books: Books) -> None:
    fresh = Books(books.engine, f"{books.brand}-fresh")
    for each in (books, fresh):
        each.subscribe()
        each.load([*calls(70), BrokenRow("row", "a:1", "x", "y")], "b1")
    for _ in range(2):
        books.unload("b1", f"u{len(rows(books, 'billing_rerating', 'id'))}")
        loaded = books.load([*calls(70), BrokenRow("row", "a:1", "x", "y")], "b1")
        assert (loaded.rated, loaded.duplicates, dict(loaded.suspended)) == (70, 0, {"malformed": 1})
    assert stored(books, "call-00000")["call-00000"].rating == 5
    assert prices(books) == prices(fresh)
    assert books.balances() == fresh.balances()
    assert used(books) == used(fresh)
    assert books.faults() == ()


def test_a_file_that_comes_again_with_other_content_has_that(books: Books) -> None:
    books.subscribe()
    books.load([record(60)], "b1")
    books.unload("b1")
    assert books.load([record(90)], "b1").rated == 1
    assert stored(books, "cdr-1")["cdr-1"].record.amount == 90
    assert used(books) == {("voice", "2027-03-01"): 90}
    assert books.faults() == ()


def test_what_was_billed_is_corrected_on_the_next_bill_and_billed_anew_if_it_comes_again(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    books.load(calls(10), "b1")
    books.bill("2027-04-01 10:00")
    books.unload("b1")
    assert owed(books) == -500_000
    books.load(calls(4), "b2")
    (bill,) = books.bill("2027-05-01 10:00")
    assert [(line.kind.value, line.amount.minor) for line in bill.lines] == [
        ("recurring", 490),
        ("usage", 20),
        ("correction", -50),
    ]
    assert books.faults() == ()


def test_a_record_that_the_file_had_corrected_stands_again(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    books.load([record(120)], "b1")
    books.load([replace(record(300, record_id="fix"), corrects="cdr-1")], "b2")
    books.unload("b2")
    assert states(books) == {"cdr-1": "rated", "fix": "void"}
    assert owed(books) == 100_000
    books.load([replace(record(300, record_id="fix"), corrects="cdr-1")], "b2")
    assert states(books) == {"cdr-1": "replaced", "fix": "rated"}
    assert owed(books) == 250_000
    assert books.faults() == ()


def test_what_another_file_corrects_stays_corrected(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    books.load([record(120)], "b1")
    books.load([replace(record(300, record_id="fix"), corrects="cdr-1")], "b2")
    books.unload("b1")
    assert states(books) == {"cdr-1": "replaced", "fix": "rated"}
    assert books.load([record(120)], "b1").duplicates == 1
    assert owed(books) == 250_000


def test_a_file_with_its_own_corrections_is_taken_back_whole(books: Books) -> None:
    books.subscribe()
    second = replace(record(61, record_id="b"), corrects="cdr-1")
    chain = [record(60), second, replace(second, id="c", corrects="b")]
    books.load(chain, "b1")
    assert states(books) == {"cdr-1": "replaced", "b": "replaced", "c": "rated"}
    books.unload("b1")
    assert set(states(books).values()) == {"void"}
    assert books.load(chain, "b1").rated == 3
    assert states(books) == {"cdr-1": "replaced", "b": "replaced", "c": "rated"}
    assert books.faults() == ()


def test_a_line_that_was_slowed_because_of_a_wrong_file_is_freed(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(2 * GB)], "b1")
    books.crossings.clear()
    books.unload("b1")
    assert books.marks() == [("freed", "data")]


def test_a_dry_run_of_unloading_writes_nothing(books: Books) -> None:
    books.subscribe()
    books.load(calls(70), "b1")
    before = everything(books)
    assert books.unload("b1", dry_run=True).charge_micro == -500_000
    assert everything(books) == before


def test_unloading_again_says_the_same(books: Books) -> None:
    books.subscribe()
    books.load(calls(70), "b1")
    assert books.unload("b1") == books.unload("b1")
    books.load([record(record_id="x")], "b2")
    with pytest.raises(ReratingConflict):
        books.unload("b2", "unload-b1")


def test_what_never_came_is_not_unloaded(books: Books) -> None:
    with pytest.raises(UnknownBatch, match="mvne usage files"):
        books.unload("nothing")


class PowerCut(Exception):
    """The machine stops."""


def test_unloading_that_stops_goes_on_where_it_was(books: Books) -> None:
    for place in range(4):
        books.numbers[f"+3363998000{place}"] = f"line-{place}"
        books.subscribe(subscription(f"line-{place}"))
    batch = [replace(one, id=f"{n}{one.id}", msisdn=f"+3363998000{n}") for n in range(4) for one in calls(62)]
    books.load(batch, "b1")
    wanted = Unloading("u", "b1", "a test", "tester", moment("2028-02-01"))
    for _ in range(2):
        through = 0

        def stops(conn: Connection, settled: object) -> None:
            nonlocal through
            through += 1
            if through > 1:
                raise PowerCut

        with pytest.raises(PowerCut):
            unload(books.transact, books.engine.connect, books.brand, books.rater, wanted, stops)
        assert books.faults() == ()
    done = unload(books.transact, books.engine.connect, books.brand, books.rater, wanted, books._settled)
    assert (done.records, done.charge_micro) == (4 * 62, -4 * 100_000)
    assert set(states(books).values()) == {"void"}
    assert books.faults() == ()
