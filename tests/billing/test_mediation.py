"""Usage comes in: each record counts once, in the right period, or waits in suspense with its reason."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mvne_billing.mediation import loading, suspense
from mvne_billing.mediation.settled import Settled
from mvne_billing.mediation.suspense import count_waiting, waiting
from mvne_billing.subscription import addons
from mvne_billing.subscription.subscription import cancel
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_plans.catalogue import Addon
from mvne_plans.period import Every
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, Priced, Stop
from tests.billing.builders import (
    GB,
    NUMBER,
    Books,
    bytes_used,
    calls,
    moment,
    money,
    plan,
    record,
    sms,
    subscription,
    tariff,
    texts,
)
from tests.billing.mediation.looking import everything, held, reasons, rows, used

BROKEN = BrokenRow("row-test.csv-9-abc", "test.csv:9", "what is this", "kind 'fax' is none of voice, sms, data")


def test_a_batch_is_priced_counted_and_booked(books: Books) -> None:
    books.subscribe()
    loaded = books.load([*calls(61), texts(2, record_id="sms-1"), BROKEN])
    assert (loaded.read, loaded.rated, loaded.duplicates, dict(loaded.suspended)) == (63, 62, 0, {"malformed": 1})
    assert (loaded.charge_micro, loaded.cost_micro) == (50_000 + 120_000, 61 * 10_000 + 4_000)
    assert used(books) == {("voice", "2027-03-01"): 3600}
    assert books.balances() == {
        "cost:sms": 4_000,
        "cost:voice": 610_000,
        "host:accrued": -614_000,
        "revenue:usage:sms": -120_000,
        "revenue:usage:voice": -50_000,
        "unbilled:line-a": 170_000,
    }
    assert books.faults() == ()


def test_an_empty_batch_is_a_batch(books: Books) -> None:
    assert books.load([]) == loading.Loaded("batch-1", 0, 0, 0, {}, 0, 0)


@pytest.mark.parametrize("batch", ["batch-1", "batch-2"], ids=["same batch", "other batch"])
def test_what_comes_again_changes_nothing(books: Books, batch: str) -> None:
    books.subscribe()
    books.load([*calls(70), BROKEN])
    before = everything(books)
    loaded = books.load([*calls(70), BROKEN], batch, "2027-04-01")
    assert (loaded.rated, loaded.duplicates, loaded.charge_micro) == (0, 70, 0)
    assert everything(books) == before
    assert books.marks() == [("used_up", "voice")]


def test_a_duplicate_within_a_batch_counts_once(books: Books) -> None:
    books.subscribe()
    loaded = books.load([record(), replace(record(), source="again.csv"), record()])
    assert (loaded.rated, loaded.duplicates) == (1, 2)
    assert used(books) == {("voice", "2027-03-01"): 60}


def test_a_known_id_with_other_content_waits_and_the_first_stands(books: Books) -> None:
    books.subscribe()
    books.load([record(60)])
    loaded = books.load([record(61), record(62), record(60)], "batch-2")
    assert (loaded.rated, loaded.duplicates, dict(loaded.suspended)) == (0, 1, {"conflict": 2})
    assert used(books) == {("voice", "2027-03-01"): 60}
    assert reasons(books) == [("cdr-1", "conflict"), ("cdr-1", "conflict")]
    # Trying again is no way out of a conflict: somebody has to look.
    assert dict(books.replay().suspended) == {}
    assert reasons(books) == [("cdr-1", "conflict"), ("cdr-1", "conflict")]


def test_two_contents_of_one_id_both_wait_while_neither_has_a_price(books: Books) -> None:
    books.load([record(60)])
    books.load([record(61)], "batch-2")
    assert sorted(one.amount for entry in held(books) if (one := entry.usage())) == [60, 61]
    books.subscribe()
    loaded = books.replay()
    assert (loaded.rated, dict(loaded.suspended)) == (1, {"conflict": 1})
    assert reasons(books) == [("cdr-1", "conflict")]
    assert books.faults() == ()


PROBLEMS = [
    record(record_id="a", msisdn="+33600000000"),
    record(record_id="b", to="+6391234567"),
    record(record_id="c", to="3639"),
    record(record_id="d", country="US"),
    record(record_id="e", start="2025-06-01 10:00"),
    record(record_id="f", start="2027-03-01 09:59:59"),
]


def test_what_has_no_price_waits_with_its_reason_and_the_rest_goes_on(books: Books) -> None:
    books.subscribe()
    loaded = books.load([*PROBLEMS, record(), BROKEN])
    assert (loaded.rated, loaded.read) == (1, 8)
    assert reasons(books) == [
        ("a", "unknown_subscriber"),
        ("b", "unknown_destination"),
        ("c", "no_tariff"),
        ("d", "roaming_refused"),
        ("e", "unknown_subscriber"),
        ("f", "unknown_subscriber"),
        ("row-test.csv-9-abc", "malformed"),
    ]
    assert all(one.message and one.record and one.source for one in held(books))
    assert [one.usage() for one in held(books)] == [*PROBLEMS, None]


def test_no_wholesale_price_is_a_reason_of_its_own(books: Books) -> None:
    books.subscribe()
    books.world = replace(books.world, agreements=())
    books.load([record()])
    assert reasons(books) == [("cdr-1", "no_wholesale_price")]


def test_a_record_dearer_than_the_books_can_hold_waits(books: Books) -> None:
    books.subscribe()
    books.plans["douceur"] = plan(tariff=tariff(beyond={Kind.SMS: Priced(sms("999999999"))}))
    loaded = books.load([texts(10**15, record_id="huge"), texts(1, record_id="dear")])
    assert (loaded.rated, dict(loaded.suspended)) == (1, {"too_large": 1})
    assert books.balances()["unbilled:line-a"] == 999_999_999_000_000
    assert books.faults() == ()


def test_what_waits_is_priced_when_its_cause_is_gone(books: Books) -> None:
    books.load([*calls(3), record(record_id="x", msisdn="+33600000000"), BROKEN])
    assert len(held(books)) == 5
    books.subscribe()
    loaded = books.replay()
    assert (loaded.read, loaded.rated, dict(loaded.suspended)) == (5, 3, {"unknown_subscriber": 1})
    assert reasons(books) == [("row-test.csv-9-abc", "malformed"), ("x", "unknown_subscriber")]
    assert used(books) == {("voice", "2027-03-01"): 180}
    assert books.replay().rated == 0
    assert books.faults() == ()


def test_a_file_that_is_loaded_again_prices_what_waited(books: Books) -> None:
    """The same line, kind and day as what was priced the first time: another entry, not the same with other content."""
    books.subscribe()
    unknown = record(60, "+6391234567", record_id="z")
    assert books.load([record(), unknown]).rated == 1
    rows_of_deck = (*tariff().deck.rows, replace(tariff().deck.rows[0], prefix="+63"))
    books.plans["douceur"] = plan(tariff=tariff(deck=replace(tariff().deck, rows=rows_of_deck)))
    host = books.world.agreements[0]
    books.world = replace(books.world, agreements=(replace(host, deck=replace(host.deck, rows=rows_of_deck)),))
    loaded = books.load([record(), unknown])
    assert (loaded.rated, loaded.duplicates, loaded.charge_micro) == (1, 1, 100_000)
    assert held(books) == []
    assert books.faults() == ()


def test_replaying_twice_at_one_moment_is_fine(books: Books) -> None:
    books.load([record(record_id="a"), record(record_id="b", msisdn="+33639980002")])
    books.subscribe()
    assert books.replay().rated == 1
    books.numbers["+33639980002"] = "line-a"
    assert books.replay().rated == 1
    assert books.faults() == ()


def test_a_batch_that_has_grown_is_taken_up_where_it_was_left(books: Books) -> None:
    """A feed that is read again after a crash may give more under the same name, and earlier records too."""
    books.subscribe()
    books.load(calls(3, first="2027-03-05 09:00"))
    loaded = books.load([*calls(2, first="2027-03-05 08:00", prefix="early"), *calls(3, first="2027-03-05 09:00")])
    assert (loaded.rated, loaded.duplicates) == (2, 3)
    assert books.faults() == ()


def test_a_load_that_stops_between_slices_ends_in_the_same_books(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "SLICE", 7)
    batch: list[UsageRecord | BrokenRow] = [
        *calls(64),
        *[bytes_used(GB // 4, record_id=f"data-{place}", start=f"2027-03-0{5 + place} 12:00") for place in range(5)],
        *PROBLEMS,
        BROKEN,
    ]
    with_end = Books(books.engine, f"{books.brand}-whole")
    with_end.subscribe()
    with_end.load(batch)
    books.subscribe()
    for slice_number in range(11):
        with pytest.raises(PowerCut):
            stop_after(books, batch, slice_number)
        if slice_number % 4 == 0:
            assert books.faults() == ()
    books.load(batch)
    assert everything(books) == everything(with_end)
    assert books.faults() == ()
    assert (
        sorted(books.marks())
        == sorted(with_end.marks())
        == [("slow", "data"), ("used_up", "data"), ("used_up", "voice")]
    )


class PowerCut(Exception):
    """The machine stops."""


def stop_after(books: Books, batch: Sequence[UsageRecord | BrokenRow], slices: int) -> None:
    """Load until `slices` slices are through, then stop inside the transaction of the next."""
    seen = 0

    def noticed(_: Connection, outcome: Settled) -> None:
        nonlocal seen
        if seen == slices:
            raise PowerCut
        seen += 1
        books.crossings.extend(outcome.crossings)

    loading.load(books.transact, books.brand, "batch-1", "x", batch, books.rater, moment("2027-03-06"), noticed)


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
def test_within_a_batch_allowances_go_by_time_of_use(books: Books, order: int) -> None:
    books.subscribe()
    books.load(list(reversed(calls(61)))[::order])
    parts = {name: charge for name, charge in rows(books, "billing_usage", "id", "charge_micro")}
    assert [name for name, charge in parts.items() if charge] == ["call-00060"]


def test_each_period_has_allowances_of_its_own_from_the_subscriber_s_clock(books: Books) -> None:
    """Anchored on 31 January, 23:30 in Paris: periods turn on 28 February and on 31 March at that hour, there."""
    books.subscribe(subscription(anchor="2027-01-31 22:30"))
    moments = ["2027-02-28 22:29:59", "2027-02-28 22:30", "2027-03-31 21:29:59", "2027-03-31 21:30"]
    books.load([record(100, start=start, record_id=start) for start in moments])
    assert used(books) == {
        ("voice", "2027-01-31"): 100,
        ("voice", "2027-02-28"): 200,
        ("voice", "2027-03-31"): 100,
    }


def test_a_time_zone_moves_the_turn_of_the_period(books: Books) -> None:
    """The same instant is still February on the Pacific and March already in Tokyo."""
    books.numbers = {"+33639980001": "west", "+33639980002": "east"}
    west = subscription("west", "2027-02-01T00:00-08:00", timezone="America/Los_Angeles")
    east = subscription("east", "2027-02-01T00:00+09:00", timezone="Asia/Tokyo")
    for one in (west, east):
        books.subscribe(one)
    for place, msisdn in enumerate(books.numbers):
        books.load([record(60, msisdn=msisdn, start="2027-03-01 03:00", record_id=f"r{place}")], f"b{place}")
    starts = rows(books, "billing_allowance", "subscription", "period_start")
    assert starts == [("east", moment("2027-02-28 15:00")), ("west", moment("2027-02-01 08:00"))]


def test_each_mark_is_passed_once_in_a_period(books: Books) -> None:
    books.subscribe()
    books.plans["douceur"] = plan(
        tariff=tariff(
            buckets=(
                Bucket("talk", Kind.VOICE, None, fair_use=300),
                Bucket("data", Kind.DATA, 1000),
                Bucket("sms", Kind.SMS, 3),
            ),
            beyond={**tariff().beyond, Kind.SMS: Stop()},
        )
    )
    for month in ("03", "04"):
        books.load(
            [
                *calls(10, 60, first=f"2027-{month}-05 08:00", prefix=month),
                *[
                    bytes_used(400, record_id=f"d{month}{place}", start=f"2027-{month}-06 0{place}:00")
                    for place in range(5)
                ],
                *[texts(1, record_id=f"s{month}{place}", start=f"2027-{month}-07 0{place}:00") for place in range(6)],
            ],
            f"batch-{month}",
        )
    month_s = [
        ("fair_use", "talk"),
        ("used_up", "data"),
        ("slow", "data"),
        ("used_up", "sms"),
        ("stop", "sms"),
    ]
    assert books.marks() == month_s * 2
    assert [one.record for one in books.crossings[:5]] == ["03-00004", "d032", "d032", "s032", "s033"]
    assert {one.period_start for one in books.crossings} == {moment("2027-03-01 10:00"), moment("2027-04-01 09:00")}


def test_a_record_that_crosses_uses_up_and_slows_at_once(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(GB + 1), bytes_used(1, record_id="next")])
    assert books.marks() == [("used_up", "data"), ("slow", "data")]
    assert used(books) == {("data", "2027-03-01"): GB, ("slow:data", "2027-03-01"): 2}


def test_an_allowance_used_to_the_last_byte_is_used_up_but_not_slowed(books: Books) -> None:
    books.subscribe()
    books.load([bytes_used(GB)])
    assert books.marks() == [("used_up", "data")]


ONE_GB = Addon("data-1gb", "1 GB", money("3"), (Bucket("data", Kind.DATA, GB),))


def test_an_add_on_serves_after_the_plan_while_it_is_valid(books: Books) -> None:
    owner = books.subscribe()
    with books.transact() as conn:
        addons.buy(conn, books.brand, "p1", owner, books.plans["douceur"].every, ONE_GB, moment("2027-03-10"))
        three_days = replace(ONE_GB, lasts=Every.parse("3 days"))
        addons.buy(conn, books.brand, "p2", owner, books.plans["douceur"].every, three_days, moment("2027-03-10"))
    days = ["2027-03-09 23:59:59", "2027-03-10", "2027-03-12 23:59:59", "2027-03-13", "2027-04-02"]
    books.load([bytes_used(GB + 5 * place, start=day, record_id=day) for place, day in enumerate(days)])
    assert used(books) == {
        ("data", "2027-03-01"): GB,
        ("p1:data", "2027-03-10"): GB,
        ("p2:data", "2027-03-10"): GB,
        ("slow:data", "2027-03-01"): GB + 30,
        ("data", "2027-04-01"): GB,
        ("slow:data", "2027-04-01"): 20,
    }
    assert books.marks()[0] == ("used_up", "data")
    assert ("used_up", "p1:data") in books.marks()


def test_use_after_the_end_has_no_owner(books: Books) -> None:
    books.subscribe()
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-03-20"))
    books.load([record(record_id="last", start="2027-03-19 23:59:59"), record(record_id="late", start="2027-03-20")])
    assert reasons(books) == [("late", "unknown_subscriber")]


def test_nobody_s_subscription_is_an_error_put_aside(books: Books) -> None:
    books.subscribe()
    books.numbers[NUMBER] = "line-of-another-brand"
    books.load([record()])
    assert reasons(books) == [("cdr-1", "unknown_subscriber")]


def test_brands_load_the_same_ids_side_by_side(books: Books) -> None:
    beside = Books(books.engine, f"{books.brand}-beside")
    for each in (books, beside):
        each.subscribe()
    books.load([record(60)])
    assert beside.load([record(90)]).rated == 1
    assert (used(books), used(beside)) == ({("voice", "2027-03-01"): 60}, {("voice", "2027-03-01"): 90})
    assert (books.faults(), beside.faults()) == ((), ())


def test_one_batch_loaded_by_several_at_once_counts_once(books: Books) -> None:
    books.subscribe()
    batch = calls(40)
    errors: list[BaseException] = []
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait(10)
        try:
            books.load(batch)
        except BaseException as error:  # whatever went wrong in a thread is shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert sum(len(outcome.rated) for outcome in books.settled) == 40
    assert used(books) == {("voice", "2027-03-01"): 2400}
    assert books.faults() == ()


def test_waiting_records_come_in_pages(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.load(calls(9))
    with books.engine.connect() as conn:
        first = waiting(conn, books.brand, limit=4)
        rest = waiting(conn, books.brand, first[-1].id)
        assert (count_waiting(conn, books.brand), count_waiting(conn, "somebody-else")) == (9, 0)
        monkeypatch.setattr(suspense, "waiting", lambda conn, brand, after, which: waiting(conn, brand, after, 2))
        assert list(suspense.everything(conn, books.brand)) == [*first, *rest]
    assert [len(first), len(rest)] == [4, 5]
    monkeypatch.setattr(loading, "SLICE", 2)
    books.subscribe()
    assert books.replay().rated == 9
