"""Reading usage files: every row becomes a record or is handed on broken, with its place and what is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.usage.readers import COLUMNS, BrokenRow, UsageFileError, file_id, read_usage, record_from
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_plans.canonical import dumps, loads
from mvne_plans.quantity import MOST, Kind
from tests.billing.builders import NUMBER, moment, record

HEADER = "id,msisdn,kind,start,amount,country,to"
CALL = f"cdr-1,{NUMBER},voice,2027-03-05T10:00:00Z,60,FR,+33142990000"
EXPECTED = UsageRecord("cdr-1", NUMBER, Kind.VOICE, moment("2027-03-05 10:00"), 60, "FR", "+33142990000", "cdrs.csv")


def written(tmp_path: Path, content: str | bytes, name: str = "cdrs.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> list[UsageRecord | BrokenRow]:
    return list(read_usage(path))


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{CALL}\n",
        f"{HEADER}\r\n{CALL}\r\n",
        f"{HEADER}\r{CALL}\r",
        f"\ufeff{HEADER}\n{CALL}",
        f"{HEADER}\n\n{CALL}\n   \n",
        f" id , msisdn,kind,start,amount,country,to\n cdr-1 ,{NUMBER},voice,2027-03-05T11:00+01:00,60,FR,+33142990000 ",
        f'"id","msisdn",kind,start,amount,country,to\n"cdr-1",{NUMBER},voice,2027-03-05T10:00:00Z,"60",FR,+33142990000',
        f"to,country,amount,start,kind,msisdn,id,note\n+33142990000,FR,60,2027-03-05T10:00Z,voice,{NUMBER},cdr-1,hello",
    ],
    ids=["unix", "windows", "old mac", "byte order mark", "blank lines", "spaces", "quotes", "other order"],
)
def test_a_csv_file_is_read_however_it_was_saved(tmp_path: Path, content: str) -> None:
    assert read(written(tmp_path, content)) == [EXPECTED]


def test_a_file_of_a_header_alone_has_no_records(tmp_path: Path) -> None:
    assert read(written(tmp_path, HEADER)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"cdr-1,{NUMBER},voice,2027-03-05T10:00:00Z,60,FR", "6 cells, 7 columns"),
        (CALL + ",extra", "8 cells, 7 columns"),
        ('cdr-1,"open,voice', "unexpected end of data"),
        (CALL.replace("cdr-1", ""), "needs an id"),
        (CALL.replace(NUMBER, ""), "needs an id and the number"),
        (CALL.replace("voice", "fax"), "kind 'fax' is none of voice, sms, data"),
        (CALL.replace("voice", "VOICE"), "kind 'VOICE'"),
        (CALL.replace("2027-03-05T10:00:00Z", "05/03/2027"), "write it like 2027-03-01T10:00:00Z"),
        (CALL.replace("2027-03-05T10:00:00Z", "2027-03-05T10:00:00"), "has no time zone"),
        (CALL.replace("2027-03-05T10:00:00Z", "2027-03-05"), "has no time zone"),
        (CALL.replace("2027-03-05T10:00:00Z", "2027-02-30T10:00:00Z"), "is not a time"),
        (CALL.replace("2027-03-05T10:00:00Z", "0001-01-01T00:00:00+14:00"), "not in the years 2000 to 2199"),
        (CALL.replace("2027-03-05T10:00:00Z", "9999-12-31T23:59:59-14:00"), "not in the years 2000 to 2199"),
        (CALL.replace(",60,", ",-1,"), "amount '-1' is not a whole number of seconds"),
        (CALL.replace(",60,", ",1.5,"), "amount '1.5'"),
        (CALL.replace(",60,", ",1e3,"), "amount '1e3'"),
        (CALL.replace(",60,", ",,"), "amount ''"),
        (CALL.replace(",60,", ",٣,"), "amount"),
        (CALL.replace(",60,", f",{MOST + 1},"), f"from 0 to {MOST}"),
        (CALL.replace(",60,", f",{'9' * 5000},"), "amount"),
        (CALL.replace(",FR,", ",fr,"), "country 'fr' is not an ISO 3166 code"),
        (CALL.replace(",FR,", ",FRA,"), "country 'FRA'"),
        (CALL.replace(",FR,", ",1F,"), "country '1F'"),
        (CALL.replace(",FR,", ",ÉÀ,"), "country 'ÉÀ'"),
        (CALL.replace("+33142990000", ""), "voice and sms need the called number"),
        (CALL.replace("voice", "data"), "data has none"),
        (CALL.replace("cdr-1", "x" * 121), "at most 120 characters"),
        (CALL.replace("+33142990000", "+" + "1" * 24), "at most 24 characters"),
        (CALL.replace("cdr-1", "cdr\x001"), ""),
        (CALL.replace("cdr-1", "cdr\x071"), "is not plain text"),
    ],
)
def test_a_broken_row_is_handed_on_with_its_place_and_the_rest_is_read(tmp_path: Path, row: str, message: str) -> None:
    rows = read(written(tmp_path, f"{HEADER}\n{row}\n{CALL}\n"))
    assert rows[1:] == [EXPECTED]
    broken = rows[0]
    if message:
        assert isinstance(broken, BrokenRow)
        assert message in broken.message
        assert (broken.source, broken.text) == ("cdrs.csv:2", row.replace("\x00", "\\x00"))
        assert len(broken.id) <= 160
    else:
        # No database keeps a null character: it is written out, in the record too.
        assert isinstance(broken, UsageRecord)
        assert broken.id == "cdr\\x001"


def test_rows_that_are_not_text_are_broken_rows(tmp_path: Path) -> None:
    rows = read(written(tmp_path, f"{HEADER}\n".encode() + b"\xff\xfe\x00,\x80\n" + CALL.encode()))
    assert rows[1:] == [EXPECTED]
    assert isinstance(rows[0], BrokenRow)
    assert rows[0].text.isprintable()
    assert rows[0].text.encode()


def test_the_same_broken_row_has_the_same_id_and_another_has_not(tmp_path: Path) -> None:
    first = read(written(tmp_path, f"{HEADER}\na\nb\na\n"))
    again = read(written(tmp_path, f"{HEADER}\na\nb\na\n"))
    assert first == again
    assert len({row.id for row in first}) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02\x03" * 1000,
        bytes(range(256)) * 2000,
        b"x" * 200_000,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        f"{HEADER}\n{CALL}".encode("utf-16"),
        CALL.encode(),
        b"id;msisdn;kind;start;amount;country;to\n",
    ],
    ids=["empty", "nulls", "binary", "one long line", "picture", "utf-16", "no header", "semicolons"],
)
def test_a_file_that_is_not_usage_says_which_columns_it_wants(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageFileError, match="a usage file has id,msisdn,kind,start,amount,country,to"):
        read(written(tmp_path, content))


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    header = ",".join(column for column in COLUMNS if column != missing)
    with pytest.raises(UsageFileError, match=f"no column {missing};"):
        read(written(tmp_path, header))


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageFileError, match="column to is there more than once"):
        read(written(tmp_path, f"{HEADER},to\n"))


@pytest.mark.parametrize("call", [read, file_id])
@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.parquet", "."])
def test_a_file_that_is_not_there_is_said_so(tmp_path: Path, call: Any, name: str) -> None:
    with pytest.raises(UsageFileError, match="there is no such file"):
        call(tmp_path / name)


def parquet(path: Path, **columns: Any) -> Path:
    built = {
        "id": ["cdr-1", "cdr-2"],
        "msisdn": [NUMBER, NUMBER],
        "kind": ["voice", "data"],
        "start": pa.array([moment("2027-03-05 10:00")] * 2, pa.timestamp("us", "UTC")),
        "amount": pa.array([60, 10**12], pa.int64()),
        "country": ["FR", "DE"],
        "to": ["+33142990000", None],
    }
    pq.write_table(
        pa.table({name: column for name, column in {**built, **columns}.items() if column is not None}), path
    )
    return path


AT = moment("2027-03-05 10:00")
BOTH = [
    EXPECTED,
    UsageRecord("cdr-2", NUMBER, Kind.DATA, AT, 10**12, "DE", None),
]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"start": pa.array([AT] * 2, pa.timestamp("ns", "Europe/Paris"))},
        {"start": pa.array([AT.replace(tzinfo=None)] * 2, pa.timestamp("s")).cast(pa.timestamp("s", "UTC"))},
        {"start": ["2027-03-05T10:00:00Z", "2027-03-05T11:00:00+01:00"]},
        {"amount": ["60", "1000000000000"]},
        {"amount": pa.array([60, 10**12], pa.uint64())},
        {"note": [1, 2]},
        {"kind": pa.array(["voice", "data"]).dictionary_encode()},
    ],
    ids=["plain", "nanoseconds", "seconds", "text times", "text amounts", "unsigned", "more columns", "dictionary"],
)
def test_a_parquet_file_is_read_whatever_its_types(tmp_path: Path, columns: dict[str, Any]) -> None:
    rows = read(parquet(tmp_path / "cdrs.parquet", **columns))
    assert [row.content_hash() if isinstance(row, UsageRecord) else row for row in rows] == [
        one.content_hash() for one in BOTH
    ]


def test_what_is_finer_than_a_microsecond_is_cut_off(tmp_path: Path) -> None:
    fine = pa.array([1_804_240_800_000_000_789] * 2, pa.timestamp("ns", "UTC"))
    rows = read(parquet(tmp_path / "cdrs.parquet", start=fine))
    assert [row.start for row in rows if isinstance(row, UsageRecord)] == [AT, AT]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"start": pa.array([AT.replace(tzinfo=None)] * 2, pa.timestamp("us"))}, "has no time zone"),
        ({"amount": pa.array([60.0, 1.5])}, "is not a whole number"),
        ({"amount": pa.array([None, None], pa.int64())}, "amount ''"),
        ({"id": [None, None]}, "needs an id"),
        ({"start": pa.array([1, 2])}, "is not a time"),
    ],
    ids=["no zone", "fractions", "no amount", "no id", "numbers for times"],
)
def test_a_broken_parquet_row_is_handed_on(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    rows = read(parquet(tmp_path / "cdrs.parquet", **columns))
    assert [type(row) for row in rows] == [BrokenRow, BrokenRow]
    assert all(message in row.message for row in rows if isinstance(row, BrokenRow))
    assert [row.source for row in rows] == ["cdrs.parquet:1", "cdrs.parquet:2"]


def test_a_parquet_file_without_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageFileError, match="no column to;"):
        read(parquet(tmp_path / "cdrs.parquet", to=None))


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten"])
def test_a_damaged_parquet_file_is_said_so(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cdrs.parquet"
    many: dict[str, Any] = {
        name: [value] * 2000 for name, value in [("id", "x" * 30), ("msisdn", NUMBER), ("kind", "voice")]
    }
    many |= {"start": [AT] * 2000, "amount": list(range(2000)), "country": ["FR"] * 2000, "to": [NUMBER] * 2000}
    pq.write_table(pa.table(many), path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "text": f"{HEADER}\n{CALL}".encode(),
            "cut": whole[:middle],
            "overwritten": whole[:4] + b"\xa5" * (middle - 4) + whole[middle:],
        }[damage]
    )
    with pytest.raises(UsageFileError, match="not a Parquet file, or a damaged one"):
        read(path)


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first, renamed = written(tmp_path, CALL, "a.csv"), written(tmp_path, CALL, "b.csv")
    other = written(tmp_path, CALL + " ", "c.csv")
    assert file_id(first) == file_id(renamed) != file_id(other)
    assert len(file_id(first)) <= 80


def test_a_duplicate_is_known_whatever_file_and_zone_it_came_in() -> None:
    one = record()
    paris = UsageRecord(
        one.id, one.msisdn, one.kind, moment("2027-03-05 11:00:00+01:00"), one.amount, one.country, one.to, "b"
    )
    assert paris.content_hash() == one.content_hash()


@pytest.mark.parametrize(
    "change",
    [
        {"record_id": "cdr-2"},
        {"msisdn": "+33639980002"},
        {"start": "2027-03-05 10:00:01"},
        {"amount": 61},
        {"country": "DE"},
        {"to": "+33142990001"},
        {"kind": Kind.SMS},
    ],
    ids=str,
)
def test_any_other_content_has_another_hash(change: dict[str, Any]) -> None:
    assert record(**change).content_hash() != record().content_hash()


cells = st.fixed_dictionaries(
    {
        "id": st.text(min_size=1, max_size=10),
        "msisdn": st.text(min_size=1, max_size=10),
        "kind": st.sampled_from(["voice", "sms", "data", "fax"]),
        "start": st.one_of(st.datetimes(timezones=st.sampled_from([UTC, None])), st.text(max_size=25)),
        "amount": st.one_of(st.integers(), st.text(max_size=5)),
        "country": st.text(max_size=3),
        "to": st.one_of(st.just(""), st.text(max_size=30)),
    }
)


@given(cells)
def test_any_row_is_a_record_or_says_what_is_wrong(row: dict[str, Any]) -> None:
    with suppress(InvalidUsage):
        one = record_from(row, "any")
        assert 0 <= one.amount <= MOST
        assert loads(UsageRecord, dumps(one)).content_hash() == one.content_hash()
        assert one.start.astimezone(UTC) + timedelta(days=31) > datetime(2000, 1, 1, tzinfo=UTC)
