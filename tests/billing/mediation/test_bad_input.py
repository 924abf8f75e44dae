"""Bad input, line by line: each waits in suspense with a reason that a person understands; nothing is lost or free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.mediation import meter
from mvne_billing.usage.readers import read_usage
from mvne_plans.quantity import MOST, Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import Books, agreement, open_books, plan, record, tariff
from tests.billing.mediation.looking import held, owed, prices

GOOD = "good,+33639980001,voice,2027-03-05T10:00:00Z,3660,FR,+33142990000"

#: A line of a file, the reason for which it waits, and words of the message.
CORPUS = [
    ("truncated", "a,+33639980001,voi", "malformed", "3 cells, 7 columns"),
    ("not even a row", "\ufffd\ufffd\ufffd", "malformed", "1 cells, 7 columns"),
    ("a quote that is not closed", 'a,"+33639980001,voice', "malformed", "unexpected end of data"),
    ("no id", ",+33639980001,voice,2027-03-05T10:00:00Z,60,FR,+33142990000", "malformed", "needs an id"),
    ("unknown kind", "a,+33639980001,fax,2027-03-05T10:00:00Z,60,FR,+33142990000", "malformed", "kind 'fax'"),
    ("negative", "a,+33639980001,voice,2027-03-05T10:00:00Z,-60,FR,+33142990000", "malformed", "not a whole number"),
    ("a fraction", "a,+33639980001,voice,2027-03-05T10:00:00Z,60.5,FR,+33142990000", "malformed", "not a whole number"),
    ("gigantic", "a,+33639980001,data,2027-03-05T10:00:00Z,1000000000000001,FR,", "malformed", "from 0 to"),
    (
        "beyond any number",
        f"a,+33639980001,data,2027-03-05T10:00:00Z,{'9' * 60},FR,",
        "malformed",
        "not a whole number",
    ),
    ("no time zone", "a,+33639980001,voice,2027-03-05T10:00:00,60,FR,+33142990000", "malformed", "has no time zone"),
    ("no time at all", "a,+33639980001,voice,yesterday,60,FR,+33142990000", "malformed", "is not a time"),
    ("another century", "a,+33639980001,voice,1066-10-14T10:00:00Z,60,FR,+33142990000", "malformed", "years 2000"),
    ("no country", "a,+33639980001,voice,2027-03-05T10:00:00Z,60,France,+33142990000", "malformed", "ISO 3166"),
    ("a call to nobody", "a,+33639980001,voice,2027-03-05T10:00:00Z,60,FR,", "malformed", "need the called number"),
    ("data to somebody", "a,+33639980001,data,2027-03-05T10:00:00Z,60,FR,+33142990000", "malformed", "data has none"),
    (
        "unknown subscriber",
        "a,+33600000000,voice,2027-03-05T10:00:00Z,60,FR,+33142990000",
        "unknown_subscriber",
        "no line",
    ),
    (
        "before it began",
        "a,+33639980001,voice,2027-02-05T10:00:00Z,60,FR,+33142990000",
        "unknown_subscriber",
        "not begun",
    ),
    (
        "future-dated",
        "a,+33639980001,voice,2030-03-05T10:00:00Z,60,FR,+33142990000",
        "future_dated",
        "two clocks is wrong",
    ),
    (
        "unknown destination",
        "a,+33639980001,voice,2027-03-05T10:00:00Z,60,FR,+9991234567",
        "unknown_destination",
        "no prefix",
    ),
    ("no price", "a,+33639980001,voice,2027-03-05T10:00:00Z,60,FR,3639", "no_tariff", "La Poste"),
    ("a country without use", "a,+33639980001,voice,2027-03-05T10:00:00Z,60,US,+33142990000", "roaming_refused", "US"),
    (
        "another under a known id",
        "good,+33639980001,voice,2027-03-05T10:00:00Z,1,FR,+33142990000",
        "conflict",
        "first one",
    ),
]


def load_lines(books: Books, folder: Path, *lines: str) -> dict[str, int]:
    path = folder / "usage.csv"
    path.write_text("\n".join(["id,msisdn,kind,start,amount,country,to", *lines, ""]), encoding="utf-8")
    loaded = books.load(list(read_usage(path)), f"batch-{abs(len(lines))}")
    assert loaded.read == len(lines)
    assert loaded.rated + loaded.duplicates + sum(loaded.suspended.values()) == loaded.read
    return dict(loaded.suspended)


@pytest.mark.parametrize(("line", "reason", "words"), [row[1:] for row in CORPUS], ids=[row[0] for row in CORPUS])
def test_a_bad_line_waits_with_its_reason_and_the_good_one_is_priced(
    books: Books, tmp_path: Path, line: str, reason: str, words: str
) -> None:
    books.subscribe()
    assert load_lines(books, tmp_path, GOOD, line) == {reason: 1}
    assert words in held(books)[0].message
    assert (list(prices(books)), owed(books)) == (["good"], 50_000)
    assert books.faults() == ()


def test_all_of_it_in_one_file_and_all_of_it_again(books: Books, tmp_path: Path) -> None:
    books.subscribe()
    lines = [GOOD, *(f"{place}{row[1]}" if row[1].startswith("a,") else row[1] for place, row in enumerate(CORPUS))]
    first = load_lines(books, tmp_path, *lines)
    assert sum(first.values()) == len(CORPUS)
    before = held(books)
    assert load_lines(books, tmp_path, *lines) == first
    assert held(books) == before
    assert owed(books) == 50_000
    assert books.faults() == ()


def test_a_host_that_charges_in_another_currency_has_no_price_here(books: Books) -> None:
    books.subscribe()
    books.world = replace(books.world, agreements=(agreement(currency="USD"),))
    books.load([record()])
    assert [(one.reason.value, one.message) for one in held(books)] == [
        ("no_wholesale_price", "the agreement is in USD, the plan in EUR; they do not add")
    ]


def test_what_no_counter_holds_waits(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """64 bits hold thousands of the largest records; here, three."""
    monkeypatch.setattr(meter, "MOST_COUNTED", 3 * MOST)
    books.plans["douceur"] = plan(tariff=tariff(buckets=(Bucket("data", Kind.DATA, None),)))
    books.subscribe()
    starts = [f"2027-03-05 10:{place:02}" for place in range(5)]
    loaded = books.load([record(MOST, kind=Kind.DATA, record_id=start, start=start) for start in starts])
    assert (loaded.rated, dict(loaded.suspended)) == (3, {"too_large": 2})
    assert "does not hold that many units" in held(books)[0].message
    assert books.faults() == ()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=60), max_size=8))
def test_no_text_at_all_is_lost_or_free(lines: list[str]) -> None:
    with open_books() as books, TemporaryDirectory() as folder:
        books.subscribe()
        path = Path(folder) / "usage.csv"
        path.write_text("\n".join(["id,msisdn,kind,start,amount,country,to", GOOD, *lines, ""]), encoding="utf-8")
        rows = list(read_usage(path))
        loaded = books.load(rows)
        assert loaded.rated == 1
        assert loaded.read == len(rows) == 1 + sum(loaded.suspended.values()) + loaded.duplicates
        assert owed(books) == 50_000
