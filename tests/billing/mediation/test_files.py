"""Files by their senders' numbers: what is missing, came twice or late is seen, and what became of each file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mvne_billing.mediation.files import Facts, Series, arrivals, facts_of, series
from mvne_billing.mediation.loading import load
from mvne_billing.usage.facts import Format, Severity, UsageFile
from mvne_billing.usage.record import UsageRecord
from tests.billing.builders import Books, calls, moment, record


def receive(
    books: Books, number: int | None, *records: UsageRecord, sender: str = "HOST", batch: str = "", **content: object
) -> Sequence[str]:
    """Load a file that has a number of its sender's; return what was found."""
    facts = Facts(sender, number, content)
    name = batch or f"file-{number}"
    at = moment(f"2028-01-01 {len(received(books)):02}:00")
    done = load(books.transact, books.brand, name, "x.csv", records, books.rater, at, books._settled, lambda: facts)
    return done.findings


def received(books: Books) -> list[str]:
    with books.engine.connect() as conn:
        return [one.batch for one in arrivals(conn, books.brand)]


def found(books: Books) -> list[Series]:
    with books.engine.connect() as conn:
        return series(conn, books.brand)


@pytest.mark.parametrize(
    ("numbers", "expected", "words"),
    [
        ([1, 2, 3], ((), (), ()), [[], [], []]),
        ([7, 8], ((), (), ()), [[], []]),
        ([1, 2, 5], (((3, 4),), (), ()), [[], [], ["file 5 of HOST follows 2: 3 to 4 missing"]]),
        (
            [1, 4, 2],
            (((3, 3),), (), (2,)),
            [[], ["file 4 of HOST follows 1: 2 to 3 missing"], ["file 2 of HOST comes after 4"]],
        ),
        ([3, 2, 1], ((), (), (1, 2)), [[], ["file 2 of HOST comes after 3"], ["file 1 of HOST comes after 3"]]),
    ],
    ids=["in order", "begun later", "a gap", "late", "backwards"],
)
def test_a_sender_s_numbers_are_watched(
    books: Books, numbers: list[int], expected: tuple[object, ...], words: list[list[str]]
) -> None:
    assert [list(receive(books, number)) for number in numbers] == words
    (one,) = found(books)
    assert (one.missing, one.twice, one.out_of_order) == expected
    assert one.is_whole == (expected == ((), (), ()))


def test_a_number_with_other_content_came_twice_and_the_same_file_again_did_not(books: Books) -> None:
    receive(books, 1)
    assert list(receive(books, 1)) == []
    assert list(receive(books, 1, batch="other")) == ["file 1 of HOST came before with other content, as file-1"]
    assert found(books)[0].twice == (1,)


def test_senders_count_for_themselves_and_what_has_no_number_is_not_counted(books: Books) -> None:
    for number, sender in ((1, "A"), (9, "B"), (2, "A"), (11, "B")):
        assert len(receive(books, number, sender=sender, batch=f"{sender}{number}")) == (number == 11)
    receive(books, None, batch="feed")
    assert [(one.sender, one.missing) for one in found(books)] == [("A", ()), ("B", ((10, 10),))]


def test_roaming_files_begin_again_after_99999(books: Books) -> None:
    for number in (99_998, 99_999, 1, 2):
        assert list(receive(books, number, format="tap")) == []
    assert found(books)[0] == ("HOST", 99_998, 2, (), (), ())
    assert list(receive(books, 4, format="tap")) == ["file 4 of HOST follows 2: 3 missing"]
    assert list(receive(books, 99_997, format="tap")) == ["file 99997 of HOST comes after 4"]
    assert list(receive(books, 1, format="tap", batch="x")) == [
        "file 1 of HOST came before with other content, as file-1"
    ]
    assert found(books)[0] == ("HOST", 99_997, 99_997, ((3, 3),), (1,), (99_997,))


def test_what_became_of_a_file_is_told_as_it_stands_now(books: Books) -> None:
    books.subscribe()
    books.bill("2027-04-01 10:00")
    stranger = record(record_id="x", msisdn="+33600000000")
    receive(books, 1, *calls(3), calls(1)[0], stranger, declared=5)
    with books.engine.connect() as conn:
        (file,) = arrivals(conn, books.brand)
    assert (file.read, file.duplicates, file.facts) == (5, 1, {"declared": 5})
    assert file.counts == {"rated": 3, "late": 3, "held": 1}
    books.unload("file-1")
    with books.engine.connect() as conn:
        (file,) = arrivals(conn, books.brand)
    assert file.counts == {"void": 3, "late": 3}
    assert file.unloaded_at == moment("2028-02-01")
    receive(books, 1, *calls(3), stranger)
    with books.engine.connect() as conn:
        (file,) = arrivals(conn, books.brand)
    assert (file.counts, file.unloaded_at) == ({"rated": 3, "late": 3, "held": 1}, None)


def test_the_facts_of_a_file_are_what_its_reader_found() -> None:
    file = UsageFile("CD1.tap", Format.TAP, iter(()), sender="FRAXX", sequence=7, declared=3, records=2, broken=1)
    file.findings.add(Severity.WARNING, "x.100", "record 3", "a total does not agree")
    file.left_out["incoming calls"] += 4
    facts = facts_of(file)
    assert (facts.sender, facts.sequence) == ("FRAXX", 7)
    assert facts.content == {
        "format": "tap",
        "declared": 3,
        "records": 2,
        "broken": 1,
        "left_out": {"incoming calls": 4},
        "findings": [
            {"severity": "warning", "code": "x.100", "place": "record 3", "message": "a total does not agree"}
        ],
        "found": {"warning": 1},
    }
