"""Suspense in a person's hands: a record is changed, dropped, tried again by slices; what it was is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mvne_billing.mediation.loading import Loaded, replay
from mvne_billing.mediation.mending import MendingError, NoReason, NotARecord, NotHeld, drop, mend
from mvne_billing.mediation.suspense import Which
from mvne_billing.rating.result import Reason
from mvne_billing.usage.rows import BrokenRow
from tests.billing.builders import Books, moment, record
from tests.billing.mediation.looking import held, owed, prices, reasons, rows

BROKEN = BrokenRow("row-9", "a.csv:9", "cdr-9,fax,…", "kind 'fax' is none of voice, sms, data")
AT = moment("2028-01-01")


def mended(books: Books, held_id: str, **changes: str) -> str:
    with books.transact() as conn:
        return mend(conn, books.brand, held_id, changes, "ada", "asked the host", AT).id


def dropped(books: Books, held_id: str) -> None:
    with books.transact() as conn:
        drop(conn, books.brand, held_id, "ada", "a test call of the host", AT)


def tried_again(books: Books, **which: Any) -> Loaded:
    return replay(books.transact, books.brand, books.rater, AT, books._settled, Which(**which))


@pytest.fixture
def waiting(books: Books) -> Books:
    """A line, and four records in suspense from two files: each with another reason, and a broken row."""
    books.subscribe()
    books.load([record(record_id="a", msisdn="+33600000000"), record(record_id="b", to="+6391234567")], "b1")
    late = record(record_id="c", country="US", start="2027-04-02 10:00")
    books.load([late, BROKEN, replace(record(record_id="d", to="3639"), source="other.csv")], "b2")
    return books


def id_of(books: Books, name: str) -> str:
    return next(one.id for one in held(books) if one.id.startswith(name))


def test_a_record_is_changed_and_priced_and_what_it_was_is_kept(waiting: Books) -> None:
    was = id_of(waiting, "a")
    now = mended(waiting, was, msisdn="+33639980001")
    assert ("a", "mended") in reasons(waiting)
    assert tried_again(waiting, reason=Reason.MENDED).rated == 1
    assert list(prices(waiting)) == ["a"]
    left = {row[0]: row[1:] for row in rows(waiting, "billing_suspense", "id", "outcome", "actor", "note", "mends")}
    assert left[was] == ("replaced", "ada", "asked the host", None)
    assert left[now] == ("rated", "ada", "asked the host", was)
    texts = {id_: text for id_, text in rows(waiting, "billing_suspense", "id", "record")}
    assert "+33600000000" in texts[was]
    assert "+33639980001" in texts[now]


def test_a_row_that_could_not_be_read_becomes_a_record_when_all_is_said(waiting: Books) -> None:
    with pytest.raises(NotARecord, match="kind '' is none of voice, sms, data"):
        mended(waiting, "row-9", amount="60")
    said = {"id": "cdr-9", "msisdn": "+33639980001", "kind": "sms", "start": "2027-03-05T10:00:00Z", "amount": "1"}
    mended(waiting, "row-9", **said, country="FR", to="+33142990000")
    assert tried_again(waiting, reason=Reason.MENDED).rated == 1
    assert owed(waiting) == 60_000


def test_a_conflict_is_mended_by_another_id_or_as_a_correction(books: Books) -> None:
    books.subscribe()
    books.load([record(60)])
    books.load([record(61), record(62)], "b2")
    one, other = sorted(entry.id for entry in held(books))
    mended(books, one, id="cdr-1b")
    mended(books, other, id="cdr-1c", corrects="cdr-1")
    done = books.replay()
    assert (done.rated, done.corrected, dict(done.suspended)) == (2, 1, {})
    assert sorted(prices(books)) == ["cdr-1b", "cdr-1c"]
    assert books.faults() == ()


def test_what_was_mended_is_known_when_its_file_comes_again(waiting: Books) -> None:
    mended(waiting, id_of(waiting, "a"), msisdn="+33639980001")
    tried_again(waiting, reason=Reason.MENDED)
    loaded = waiting.load([record(record_id="a", msisdn="+33600000000")], "b1")
    assert (loaded.rated, loaded.duplicates, dict(loaded.suspended)) == (0, 1, {})


def test_a_dropped_record_costs_nobody_anything_and_does_not_come_back(waiting: Books) -> None:
    dropped(waiting, id_of(waiting, "d"))
    dropped(waiting, "row-9")
    assert len(held(waiting)) == 3
    loaded = waiting.load([BROKEN, replace(record(record_id="d", to="3639"), source="other.csv")], "b3")
    assert (loaded.rated, loaded.dropped, dict(loaded.suspended)) == (0, 2, {})
    assert len(held(waiting)) == 3
    found = rows(waiting, "billing_suspense", "id", "outcome", "actor", "note")
    notes = [row[1:] for row in found if row[1] == "dropped"]
    assert notes == [("dropped", "ada", "a test call of the host")] * 2


def test_a_dropped_record_can_be_taken_up_again(waiting: Books) -> None:
    name = id_of(waiting, "b")
    dropped(waiting, name)
    mended(waiting, name)
    assert ("b", "mended") in reasons(waiting)
    mended(waiting, name, to="+33142990000")
    assert tried_again(waiting, reason=Reason.MENDED).rated == 1


@pytest.mark.parametrize(
    ("which", "tried"),
    [
        ({}, 5),
        ({"reason": Reason.NO_TARIFF}, 1),
        ({"reason": Reason.CONFLICT}, 0),
        ({"source": "other.csv"}, 1),
        ({"batch": "b1"}, 2),
        ({"msisdn": "+33600000000"}, 1),
        ({"since": moment("2027-04-01")}, 1),
        ({"until": moment("2027-04-01"), "batch": "b2"}, 1),
    ],
    ids=str,
)
def test_a_slice_of_what_waits_is_tried_again(waiting: Books, which: dict[str, Any], tried: int) -> None:
    assert tried_again(waiting, **which).read == tried


def test_what_is_priced_later_belongs_to_the_file_that_brought_it(books: Books) -> None:
    books.load([record()], "b1")
    books.subscribe()
    assert books.replay().rated == 1
    assert rows(books, "billing_usage", "batch") == [("b1",)]
    assert books.unload("b1").charge_micro == 0
    assert prices(books) == {}


@pytest.mark.parametrize(
    ("held_id", "changes", "error", "words"),
    [
        ("nobody", {}, NotHeld, "there is no record nobody in suspense"),
        ("a", {"colour": "red"}, MendingError, "a record has no colour"),
        ("a", {"amount": "-1"}, NotARecord, "is not a whole number of seconds"),
        ("a", {"start": "yesterday"}, NotARecord, "is not a time"),
        ("a", {"corrects": "a"}, NotARecord, "cannot correct itself"),
    ],
)
def test_what_makes_no_record_is_refused_and_changes_nothing(
    waiting: Books, held_id: str, changes: dict[str, str], error: type[Exception], words: str
) -> None:
    before = rows(waiting, "billing_suspense", "id", "record", "outcome")
    name = id_of(waiting, held_id) if held_id == "a" else held_id
    with pytest.raises(error, match=words):
        mended(waiting, name, **changes)
    assert rows(waiting, "billing_suspense", "id", "record", "outcome") == before


def test_whoever_mends_says_who_and_why(waiting: Books) -> None:
    name = id_of(waiting, "a")
    with pytest.raises(NoReason), waiting.transact() as conn:
        mend(conn, waiting.brand, name, {}, "ada", " ", AT)
    with pytest.raises(NoReason), waiting.transact() as conn:
        drop(conn, waiting.brand, name, "", "because", AT)


def test_what_has_left_suspense_is_not_mended(waiting: Books) -> None:
    name = id_of(waiting, "a")
    waiting.numbers["+33600000000"] = "line-a"
    waiting.replay()
    with pytest.raises(NotHeld, match="has left suspense: rated"):
        mended(waiting, name, amount="1")


def test_a_change_into_what_is_there_already_is_refused(waiting: Books) -> None:
    name = id_of(waiting, "a")
    waiting.load([record(record_id="a", msisdn="+33600000001")], "b3")
    with pytest.raises(MendingError, match="which was in suspense already"):
        mended(waiting, name, msisdn="+33600000001")
