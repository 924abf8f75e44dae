"""Which format a file has is seen in its content; any content is read to an end."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne_billing.usage.facts import Format
from mvne_billing.usage.formats import format_of
from mvne_billing.usage.readers import UsageFileError, check_usage, open_usage, read_usage
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_plans.quantity import Kind
from tests.billing.usage import cdrs, taps

NUMBER = "+33639980001"
HEADER = "id,msisdn,kind,start,amount,country,to"
CALL = f"cdr-1,{NUMBER},voice,2027-03-05T10:00:00Z,60,FR,+33142990000"


def parquet(path: Path, **more: list[str | None]) -> bytes:
    columns = dict(zip(HEADER.split(","), ([cell] for cell in CALL.split(",")), strict=True))
    pq.write_table(pa.table({**columns, **more}), path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["usage", "usage.csv", "usage.dat", "usage.tap"])
def test_content_tells_the_format_whatever_the_name(tmp_path: Path, name: str) -> None:
    for content, expected in (
        (f"{HEADER}\n{CALL}".encode(), Format.CSV),
        ("amount;b".encode("utf-16"), Format.CSV),
        (b"amount,body,other\n" * 9, Format.CSV),
        ("bô,à\n".encode("latin-1"), Format.CSV),
        (b"", Format.CSV),
        (b"\x00" * 100, Format.CSV),
        (b"\x61\x05\x02\x01\x05\x00\x00", Format.CSV),
        (b"\x31\x03\x02\x01\x05", Format.CSV),
        (b"\xa1\x02\x30\x00", Format.CSV),
        (parquet(tmp_path / "p.parquet"), Format.PARQUET),
        (taps.octets(taps.batch(taps.call())), Format.TAP),
        (taps.octets_in_form(taps.batch(taps.call()), ENC_LUNDEF=1), Format.TAP),
        (taps.notification(), Format.TAP),
        (cdrs.pgw(), Format.CDR),
        (cdrs.call(), Format.CDR),
        (cdrs.charging_function(), Format.CDR),
        (b"\x00" * 10 + cdrs.message(), Format.CDR),
        (cdrs.file_of([cdrs.call()]), Format.CDR),
        (cdrs.file_of([]), Format.CDR),
        (cdrs.file_of([cdrs.call()], release=7, filtered=b"x" * 99), Format.CDR),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert format_of(path) is expected, content[:20]


def test_columns_that_need_not_be_there_are_read_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(f"label,{HEADER},session,corrects\nhotspot,{CALL},4711@gw,cdr-0\n,{CALL},,\n", encoding="utf-8")
    parquet(tmp_path / "one.parquet", label=["hotspot"], session=["4711@gw"], corrects=["cdr-0"])
    parquet(tmp_path / "two.parquet", label=[None], session=[None])
    csv_rows = list(read_usage(path))
    parquet_rows = [row for name in ("one", "two") for row in read_usage(tmp_path / f"{name}.parquet")]
    for rows in (csv_rows, parquet_rows):
        found = [(row.session, row.label, row.corrects) for row in rows if isinstance(row, UsageRecord)]
        assert found == [("4711@gw", "hotspot", "cdr-0"), (None, "", None)]


@pytest.mark.parametrize("column", ["session", "label", "corrects"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, column: str) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(f"{HEADER},{column},{column}\n", encoding="utf-8")
    with pytest.raises(UsageFileError, match=f"column {column} is there more than once"):
        list(read_usage(path))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (f"{'x' * 121},,", "session"),
        (f",{'x' * 25},", "label"),
        (",\x07,", "label"),
        (",,cdr-1", "cannot correct itself"),
    ],
)
def test_what_the_record_cannot_hold_is_a_broken_row(tmp_path: Path, more: str, message: str) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(f"{HEADER},session,label,corrects\n{CALL},{more}\n", encoding="utf-8")
    [row] = read_usage(path)
    assert isinstance(row, BrokenRow)
    assert message in row.message


def test_a_line_that_never_ends_is_one_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(f"{HEADER}\n{CALL}\n{'y' * 700_000}\n{CALL}\n", encoding="utf-8")
    assert [type(row) for row in read_usage(path)] == [UsageRecord, BrokenRow, UsageRecord]


def test_reading_counts_what_it_gives(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(f"{HEADER}\n{CALL}\nbroken\n{CALL}\n", encoding="utf-8")
    file = check_usage(path)
    assert (file.format, file.records, file.broken, file.declared) == (Format.CSV, 2, 1, None)
    assert [row.kind for row in open_usage(path).rows if isinstance(row, UsageRecord)] == [Kind.VOICE, Kind.VOICE]


SEEDS = [
    f"{HEADER}\n{CALL}\n".encode(),
    taps.octets(taps.batch(taps.call(), taps.data())),
    taps.octets_in_form(taps.batch(taps.call(), taps.data()), ENC_LUNDEF=1),
    taps.notification(),
    cdrs.pgw() + cdrs.call(),
    cdrs.charging_function(),
    cdrs.file_of([cdrs.call(), cdrs.sgw()]),
]
KNOWN_STARTS = [
    b"",
    b"\x61\x80",
    b"\x61\x82\x01\x00\x64",
    b"\x62\x80\x5f\x81\x44",
    b"\xbf\x4f\x80\x80\x01\x55",
    b"\x31",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KNOWN_STARTS), st.binary(max_size=400))
def test_any_octets_are_rows_or_no_usage_at_all(tmp_path: Path, start: bytes, rest: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(start + rest)
    with suppress(UsageFileError):
        file = check_usage(path)
        assert file.records + file.broken <= len(start + rest)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_file_gives_rows_or_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        what = data.draw(st.sampled_from(["change", "insert", "remove"]))
        if what == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif what == "remove":
            del content[at : at + data.draw(st.integers(1, 6))]
            content = content or bytearray(b"x")
        else:
            content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "any"
    path.write_bytes(bytes(content))
    with suppress(UsageFileError):
        for row in read_usage(path):
            assert row.id
            assert isinstance(row, UsageRecord) or (row.message and "\x00" not in row.text and len(row.id) <= 160)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_parquet_file_gives_rows_or_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(parquet(tmp_path / "sound.parquet", label=["x"]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "any.parquet"
    path.write_bytes(bytes(content))
    with suppress(UsageFileError):
        assert check_usage(path).records <= 1
