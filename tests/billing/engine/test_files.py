"""Files as they come: columns of either type, what is broken in them, and sentences for what is no usage at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mvne_billing.rating.engine.api import Limits, rate_files
from mvne_billing.rating.engine.hashing import row_hash
from mvne_billing.rating.engine.lines import LineSpan, line_table
from mvne_billing.rating.engine.port import EngineError
from mvne_billing.rating.engine.results import EngineRun
from mvne_billing.rating.result import Reason
from mvne_plans.quantity import MOST, Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import HOME_NUMBER, tariff, world
from tests.billing.engine.comparing import START, Case, assert_equal, by_engine, by_reference, span
from tests.billing.engine.test_semantics import call, surf

AT = START + timedelta(days=3)
GOOD: Mapping[str, Any] = {
    "id": "r1",
    "msisdn": "+33639980001",
    "kind": "voice",
    "start": AT,
    "amount": 60,
    "country": "FR",
    "to": HOME_NUMBER,
}
TYPES = {"start": pa.timestamp("us", "UTC"), "amount": pa.int64()}


def write(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "usage.parquet", **types: pa.DataType) -> Path:
    known = {**TYPES, **types}
    columns = {one: pa.array([row[one] for row in rows], known.get(one, pa.string())) for one in rows[0]}
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


def run(folder: Path, usage: Path, lines: Path | None = None, spans: Sequence[LineSpan] = (span(),)) -> EngineRun:
    return rate_files([usage], folder / "out", lines or line_table(spans), {"plan": tariff()}, world())


BROKEN = {
    "no id": {"id": None},
    "no number": {"msisdn": None},
    "no kind that there is": {"kind": "fax"},
    "no kind": {"kind": None},
    "no time": {"start": None},
    "a time that no record has": {"start": datetime(1999, 12, 31, tzinfo=UTC)},
    "an amount below nothing": {"amount": -1},
    "a gigantic amount": {"amount": MOST + 1},
    "no amount": {"amount": None},
    "no country": {"country": None},
    "a country that is none": {"country": "fr"},
    "a call to nobody": {"to": None},
    "data to somebody": {"kind": "data"},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN)
def test_a_broken_record_waits_as_malformed_and_the_others_are_rated(
    changes: Mapping[str, Any], tmp_path: Path
) -> None:
    done = run(tmp_path, write(tmp_path, [{**GOOD, **changes}, {**GOOD, "id": "r2"}]))
    assert (done.rated, dict(done.suspended)) == (1, {Reason.MALFORMED: 1})
    held = pq.read_table(tmp_path / "out" / "suspense").to_pylist()
    assert [one["reason"] for one in held] == ["malformed"]
    assert held[0]["amount"] == {**GOOD, **changes}["amount"]


def test_what_the_reference_finds_malformed_waits_too(tmp_path: Path) -> None:
    rows = [{**GOOD, "label": "x" * 30}, {**GOOD, "id": "r2", "label": ""}]
    done = run(tmp_path, write(tmp_path, rows), spans=[span(by_reference="it has add-ons")])
    assert (done.rated, dict(done.suspended), done.by_reference) == (1, {Reason.MALFORMED: 1}, 2)


NO_USAGE: Mapping[str, tuple[Mapping[str, Any], Mapping[str, pa.DataType], str]] = {
    "a time without a zone": ({}, {"start": pa.timestamp("us")}, "column start is TIMESTAMP; it is a time with a zone"),
    "an amount in decimals": ({"amount": 1.5}, {"amount": pa.float64()}, "column amount is DOUBLE"),
    "an id in decimals": ({"id": 1.0}, {"id": pa.float64()}, "column id is DOUBLE"),
    "a kind as a number": ({"kind": 1}, {"kind": pa.int8()}, "column kind is TINYINT"),
    "corrections": ({"corrects": "r0"}, {}, "mvne usage load"),
}


@pytest.mark.parametrize(("changes", "types", "words"), NO_USAGE.values(), ids=NO_USAGE)
def test_a_file_of_other_columns_is_refused_in_a_sentence(
    changes: Mapping[str, Any], types: Mapping[str, pa.DataType], words: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match=words):
        run(tmp_path, write(tmp_path, [{**GOOD, **changes}], **types))


@pytest.mark.parametrize("column", GOOD)
def test_a_missing_column_is_named(column: str, tmp_path: Path) -> None:
    rows = [{name: value for name, value in GOOD.items() if name != column}]
    with pytest.raises(EngineError, match=f"column {column} is missing"):
        run(tmp_path, write(tmp_path, rows))


def test_a_file_that_is_not_there_or_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no usage")
    for name, words in (("nowhere.parquet", "there is no file"), ("notes.txt", "Parquet files")):
        with pytest.raises(EngineError, match=words):
            run(tmp_path, tmp_path / name)


LINES: Mapping[str, tuple[str, str]] = {
    "a column is missing": ("msisdn,since\n+33,2027-03-01\n", "lines lack until, subscription"),
    "a time is none": ("{head}\n+33639980001,soon,{rest}\n", "these are no lines"),
    "it ends before it begins": ("{head}\n+33639980001,2029-01-01T00:00Z,{rest}\n", "1 lines lack"),
    "nobody": ("{head}\n", "there are no lines"),
    "no plan": ("{head}\n+33639980001,2027-03-01T00:00Z,{rest}\n", "plans without a tariff: none"),
}


@pytest.mark.parametrize(("text", "words"), LINES.values(), ids=LINES)
def test_lines_that_are_none_are_refused_in_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    head = "msisdn,since,until,subscription,plan,timezone,opened,expires"
    rest = "2027-04-01T00:00Z,sub,none,Europe/Paris,2027-03-01T00:00Z,2027-04-01T00:00Z"
    (tmp_path / "lines.csv").write_text(text.format(head=head, rest=rest))
    with pytest.raises(EngineError, match=words):
        run(tmp_path, write(tmp_path, [GOOD]), tmp_path / "lines.csv")


def test_two_lines_with_one_number_at_once_and_a_zone_that_is_none_are_refused(tmp_path: Path) -> None:
    usage = write(tmp_path, [GOOD])
    with pytest.raises(EngineError, match="two lines have the number"):
        run(tmp_path, usage, spans=[span(), span(subscription="other")])
    with pytest.raises(EngineError, match="Mars/Olympus"):
        run(tmp_path, usage, spans=[span(timezone="Mars/Olympus")])


def test_lines_as_csv_rate_as_lines_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(
        "msisdn,since,until,subscription,plan,timezone,opened,expires\n"
        "+33639980001,2027-03-01T00:00Z,2027-04-01T00:00Z,sub001,plan,Europe/Paris,2027-03-01T00:00Z,2027-04-01T00:00Z\n"
    )
    usage = write(tmp_path, [GOOD, {**GOOD, "id": "r2", "amount": 3600}])
    assert run(tmp_path, usage, tmp_path / "lines.csv").charge_micro == run(tmp_path, usage).charge_micro > 0


def test_numbers_as_integers_rate_as_texts(tmp_path: Path) -> None:
    records = [
        replace(call(60 + place, to), id=str(place), start=AT + timedelta(seconds=place))
        for place, to in enumerate((HOME_NUMBER, "+442079460000", "112", "3639", "+9991234567"))
    ]
    case = Case(records, [span()], {"plan": tariff()}, world())
    for as_numbers in (False, True):
        folder = tmp_path / str(as_numbers)
        folder.mkdir()
        assert_equal(by_reference(case), by_engine(case, folder, as_numbers)[0])


def test_ids_that_no_float_tells_apart_stay_apart(tmp_path: Path) -> None:
    rows = [{**GOOD, "id": 2**60 + place, "start": AT + timedelta(seconds=place)} for place in range(3)]
    done = run(tmp_path, write(tmp_path, [*rows, rows[0]], id=pa.int64()))
    assert (done.rated, done.duplicates) == (3, 1)
    assert sorted(pq.read_table(tmp_path / "out" / "rated")["id"].to_pylist()) == [2**60, 2**60 + 1, 2**60 + 2]


def test_a_limit_of_memory_changes_nothing_but_the_way(tmp_path: Path) -> None:
    numbers = [f"+336399800{place:02}" for place in range(20)]
    rows = [
        {
            **GOOD,
            "id": f"r{place}",
            "msisdn": numbers[place % 20],
            "amount": 600,
            "start": AT + timedelta(minutes=place),
        }
        for place in range(400)
    ]
    usage, spans = write(tmp_path, rows), line_table(span(one) for one in numbers)
    hashes = []
    for name, limits in (("free", Limits()), ("tight", Tight("64MB", 1))):
        rate_files([usage], tmp_path / name, spans, {"plan": tariff()}, world(), limits=limits)
        hashes.append(row_hash(tmp_path / name / "rated"))
    assert hashes[0] == hashes[1]
    assert len(list((tmp_path / "tight" / "rated").iterdir())) == 4


class Tight(Limits):
    """Room for so little that even a few records are summed in four goes."""

    def parts(self, records: int) -> int:
        return 4


def test_a_limit_is_written_like_1gb() -> None:
    with pytest.raises(EngineError, match="write it like 1GB"):
        Limits("much")


def test_a_run_says_what_became_of_everything(tmp_path: Path) -> None:
    done = run(tmp_path, write(tmp_path, [GOOD, GOOD, {**GOOD, "id": "x", "msisdn": "+33600000000"}]))
    assert str(done) == (
        "3 records: 1 rated, 1 duplicates, suspended: 1 unknown_subscriber; 0 by the reference (0.00 %)"
    )


def test_totals_add_up_to_the_records(tmp_path: Path) -> None:
    records = [replace(surf(10**9), id=str(place), start=AT + timedelta(seconds=place)) for place in range(3)]
    plan = replace(tariff(), buckets=(Bucket("data", Kind.DATA, 25 * 10**8),))
    case = Case(records, [span(), span("+33639980002", by_reference="it has add-ons")], {"plan": plan}, world())
    _, done = by_engine(case, tmp_path)
    [total] = pq.read_table(tmp_path / "out" / "totals" / "engine.parquet").to_pylist()
    assert (total["records"], total["amount"], total["charge_micro"]) == (3, 3 * 10**9, done.charge_micro)
    assert total["cost_micro"] == done.cost_micro
