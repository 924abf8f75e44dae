"""Records are told apart by their id, or by a key of fields, within a window: each use counts once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mvne_billing.mediation.duplicates import Duplicates, InvalidKey
from mvne_billing.mediation.loading import load
from mvne_billing.usage.record import UsageRecord
from tests.billing.builders import Books, calls, moment, record
from tests.billing.mediation.looking import prices, reasons, rows, used

BY_USE = Duplicates(("msisdn", "start", "to", "amount"))
A_WEEK = Duplicates(days=7)
NEAR = Duplicates(("msisdn", "to", "amount"), days=1)


def loaded(books: Books, rule: Duplicates, batch: str, *records: UsageRecord) -> tuple[int, int, dict[str, int]]:
    """Load records under a rule: how many were priced, known already, and held by reason."""
    rater = replace(books.rater, duplicates=rule)
    at = moment("2028-01-01")
    done = load(books.transact, books.brand, batch, "a test", records, rater, at, books._settled)
    return done.rated, done.duplicates, dict(done.suspended)


@pytest.mark.parametrize(
    ("rule", "second", "expected"),
    [
        (BY_USE, record(record_id="other"), (0, 1, {})),
        (BY_USE, record(61, record_id="other"), (1, 0, {})),
        (BY_USE, record(record_id="other", start="2027-03-05 10:00:01"), (1, 0, {})),
        (BY_USE, record(61), (1, 0, {})),
        (BY_USE, record(), (0, 1, {})),
        (BY_USE, record(record_id="other", country="DE"), (0, 0, {"conflict": 1})),
        (A_WEEK, record(), (0, 1, {})),
        (A_WEEK, record(61, start="2027-03-12 10:00"), (0, 0, {"conflict": 1})),
        (A_WEEK, record(61, start="2027-03-12 10:00:01"), (1, 0, {})),
        (A_WEEK, record(61, start="2027-02-26 09:59:59"), (0, 0, {"unknown_subscriber": 1})),
        (NEAR, record(record_id="other", start="2027-03-06 10:00"), (0, 0, {"conflict": 1})),
        (NEAR, record(record_id="other", start="2027-03-06 10:00:01"), (1, 0, {})),
        (Duplicates(), record(61), (0, 0, {"conflict": 1})),
        (Duplicates(), record(record_id="other"), (1, 0, {})),
    ],
    ids=[
        "key: same use, other id",
        "key: other amount",
        "key: a second later",
        "key: an id used again",
        "key: the very same",
        "key: same key, other content",
        "window: the very same",
        "window: other content within it",
        "window: the id is free again",
        "window: before it",
        "near: within a day, at another time",
        "near: later than a day",
        "id: other content",
        "id: other id",
    ],
)
@pytest.mark.parametrize("apart", [True, False], ids=["two files", "one file"])
def test_a_second_record_is_known_new_or_in_conflict(
    books: Books, rule: Duplicates, second: UsageRecord, expected: tuple[int, int, dict[str, int]], apart: bool
) -> None:
    books.subscribe()
    if apart:
        assert loaded(books, rule, "b1", record()) == (1, 0, {})
        assert loaded(books, rule, "b2", second) == expected
    else:
        rated, duplicates, held = expected
        assert loaded(books, rule, "b1", record(), second) == (rated + 1, duplicates, held)
    assert books.faults() == ()


def test_an_id_that_is_used_again_later_is_another_record_for_good(books: Books) -> None:
    """Three contents of one id, each a month apart; loading them again finds each."""
    books.subscribe()
    three = [record(60 + place, start=f"2027-0{3 + place}-05 10:00") for place in range(3)]
    for place, one in enumerate(three):
        assert loaded(books, A_WEEK, f"b{place}", one) == (1, 0, {})
    assert loaded(books, A_WEEK, "again", *three) == (0, 3, {})
    ids = sorted(prices(books))
    assert ids[0] == "cdr-1"
    assert all(id_.startswith("cdr-1~") for id_ in ids[1:])
    hashes = {one.content_hash() for one in three}
    assert {digest for (digest,) in rows(books, "billing_usage", "hash")} == hashes
    # A fourth content within a week of the second is a conflict, whatever the second is called here.
    assert loaded(books, A_WEEK, "more", record(99, start="2027-04-06 10:00")) == (0, 0, {"conflict": 1})
    assert reasons(books) == [("cdr-1", "conflict")]


def test_a_feed_told_twice_under_other_ids_counts_once(books: Books) -> None:
    books.subscribe()
    assert loaded(books, BY_USE, "b1", *calls(30, prefix="switch-a")) == (30, 0, {})
    assert loaded(books, BY_USE, "b2", *calls(40, prefix="switch-b")) == (10, 30, {})
    assert used(books) == {("voice", "2027-03-01"): 2400}


def test_a_twin_of_nobody_waits_and_is_known_when_it_is_tried_again(books: Books) -> None:
    both = record(), record(record_id="other")
    assert loaded(books, BY_USE, "b1", *both) == (0, 1, {"unknown_subscriber": 1})
    books.subscribe()
    assert books.replay().rated == 1
    assert list(prices(books)) == ["cdr-1"]


def test_a_very_long_id_is_given_another_that_fits(books: Books) -> None:
    books.subscribe()
    long = "x" * 120
    assert loaded(books, BY_USE, "b1", record(60, record_id=long), record(61, record_id=long)) == (2, 0, {})
    assert sorted(map(len, prices(books))) == [120, 120]


@pytest.mark.parametrize(
    ("key", "days", "problem"),
    [
        ("id,colour", None, "colour is no key"),
        ("", None, "is no key of records"),
        ("start,to", None, "has the msisdn"),
        ("msisdn,to", None, "the start or a window"),
        ("id", 0, "at least 1 day"),
    ],
)
def test_what_cannot_tell_records_apart_is_refused(key: str, days: int | None, problem: str) -> None:
    with pytest.raises(InvalidKey, match=problem):
        Duplicates.parse(key, days)


def test_a_key_is_read_from_words() -> None:
    assert Duplicates.parse(" msisdn , start ", 3) == Duplicates(("msisdn", "start"), 3)
