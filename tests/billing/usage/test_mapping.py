"""A host's own CSV read by its mapping: columns, units, times, translations, numbers, rows that are no usage."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne_billing.usage.facts import PLAIN, Conventions, Severity, UsageFile
from mvne_billing.usage.mapping.loading import read_yaml
from mvne_billing.usage.mapping.parsing import parse_mapping
from mvne_billing.usage.readers import UsageFileError, check_usage, open_usage
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_plans.quantity import Kind

MAPPING = """
sender: HOSTFR
file_name: 'cdr_(?P<sequence>[0-9]+)_.*\\.txt'
encoding: latin-1
delimiter: ";"
decimal: ","
skip_lines: 1
skip:
  - {column: TYPE, in: [MTC, SMSMT], because: incoming}
  - {column: DUREE, matches: 'x+'}
trailer: {column: TYPE, is: FIN, records: DUREE}
country_code: tadig
fields:
  id: {columns: [SEQ, PART], join: "-"}
  msisdn: {column: APPELANT, prefixes: {"0": "+33", "": "+"}, remove: " ."}
  kind: {column: TYPE, values: {MOC: voice, SMSMO: sms, GPRS: data}}
  start: {columns: [DATE, HEURE], format: "%d/%m/%Y %H:%M:%S", zone: Europe/Paris}
  amount:
    voice: {column: DUREE, unit: min}
    data: {columns: [MONTANT, DESCENDANT], unit: KB, fraction: up}
  country: {column: RESEAU, values: {"": FRAXX}, otherwise: ESPXX}
  to: {column: APPELE, prefixes: {"00": "+", "0": "+33"}}
  session: SESSION
  label: {column: OPT, values: {H: hotspot}, otherwise: ""}
"""

HEADER = "SEQ;PART;TYPE;APPELANT;APPELE;DATE;HEURE;DUREE;MONTANT;DESCENDANT;RESEAU;SESSION;OPT"
CALL = "7;1;MOC;06 39.98.00.01;0142990000;05/03/2027;10:00:00;1,5;;;;;"
DATA = "8;1;GPRS;33639980001;internet;05/03/2027;10:00:00;;1,5;0,0005;x;4711;H"
MESSAGE = "9;1;SMSMO;0639980001;0033639980002;05/07/2027;10:00:00;;;;;;"


def written(folder: Path, *rows: str, name: str = "cdr_0042_x.txt", encoding: str = "latin-1") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(rows).encode(encoding))
    return path


def read(
    path: Path, mapping: str = MAPPING, conventions: Conventions = PLAIN
) -> tuple[list[UsageRecord | BrokenRow], UsageFile]:
    file = open_usage(path, parse_mapping(read_yaml(mapping)), conventions)
    return list(file.rows), file


def test_a_host_s_file_becomes_records(tmp_path: Path) -> None:
    path = written(tmp_path, "export of the 5th", HEADER, CALL, DATA, MESSAGE, "10;1;MTC;;;;;;;;;;", ";;FIN;;;;;4;;;;;")
    rows, file = read(path)
    paris = timedelta(hours=1)
    at = datetime(2027, 3, 5, 9, tzinfo=UTC)
    assert rows == [
        UsageRecord("7-1", "+33639980001", Kind.VOICE, at, 90, "FR", "+33142990000", path.name),
        UsageRecord("8-1", "+33639980001", Kind.DATA, at, 1501, "ES", None, path.name, "4711", "hotspot"),
        UsageRecord(
            "9-1", "+33639980001", Kind.SMS, datetime(2027, 7, 5, 8, tzinfo=UTC), 1, "FR", "+33639980002", path.name
        ),
    ]
    assert [row.start.utcoffset() for row in rows if isinstance(row, UsageRecord)] == [paris, paris, 2 * paris]
    assert (file.sender, file.sequence, file.declared) == ("HOSTFR", 42, 4)
    assert dict(file.left_out) == {"incoming": 1}
    assert file.findings.kept == []


def test_the_trailer_is_held_against_the_rows(tmp_path: Path) -> None:
    rows, file = read(written(tmp_path, "", HEADER, CALL, ";;FIN;;;;;2;;;;;"))
    assert len(rows) == 1
    assert [(one.severity, one.code) for one in file.findings.kept] == [(Severity.FATAL, "trailer.100")]
    _, file = read(written(tmp_path, "", HEADER, CALL))
    assert [(one.severity, one.code) for one in file.findings.kept] == [(Severity.FATAL, "trailer.30")]
    rows, file = read(written(tmp_path, "", HEADER, CALL, ";;FIN;;;;;1;;;;;", DATA, ""))
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow]
    assert isinstance(rows[1], BrokenRow)
    assert "after the trailer in line 4" in rows[1].message


def test_broken_rows_count_among_the_rows_of_the_trailer(tmp_path: Path) -> None:
    rows, file = read(written(tmp_path, "", HEADER, CALL, "too;few", ";;FIN;;;;;2;;;;;"))
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow]
    assert file.findings.kept == []


def test_a_name_without_a_number_is_a_warning(tmp_path: Path) -> None:
    _, file = read(written(tmp_path, "", HEADER, CALL, ";;FIN;;;;;1;;;;;", name="other.txt"))
    assert (file.sequence, file.sender) == (None, "HOSTFR")
    assert [(one.severity, one.code) for one in file.findings.kept] == [(Severity.WARNING, "file_name.10")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOC", "FAX", "'FAX' is none of the values that the mapping knows"),
        ("1,5", "-1", "amount '-1' is not a number"),
        ("1,5", "1.5", "amount"),
        ("1,5", "", "amount '' is not a number"),
        ("1,5", "0,001", "is not whole"),
        ("1,5", "9" * 19, "is not a number"),
        ("1,5", "9" * 16, "is not a whole number of seconds"),
        ("05/03/2027", "2027-03-05", "is not a time written %d/%m/%Y %H:%M:%S"),
        ("05/03/2027", "30/02/2027", "is not a time"),
        ("05/03/2027;10:00", "28/03/2027;02:30", "did not exist in Europe/Paris"),
        ("05/03/2027", "05/03/1999", "not in the years 2000 to 2199"),
        ("0142990000", "", "voice and sms need the called number"),
        ("7;1", "7;1;8", "14 cells, 13 columns"),
        ("7;1", '"7;1', "does not fit"),
        ("7;", "x" * 119 + ";", "at most 120 characters"),
        (";;;;;", ";;;é;;", None),
    ],
)
def test_a_row_that_is_wrong_is_broken_and_the_rest_is_read(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    row = CALL.replace(old, new, 1)
    rows, _ = read(written(tmp_path, "", HEADER, row, DATA))
    assert isinstance(rows[1], UsageRecord)
    broken = rows[0]
    if message is None:
        assert isinstance(broken, UsageRecord)
    else:
        assert isinstance(broken, BrokenRow)
        assert message in broken.message
        assert (broken.source, broken.text) == ("cdr_0042_x.txt:3", row)


def test_a_local_time_that_comes_twice_is_the_first(tmp_path: Path) -> None:
    rows, _ = read(written(tmp_path, "", HEADER, CALL.replace("05/03/2027;10:00", "31/10/2027;02:30")))
    assert isinstance(rows[0], UsageRecord)
    assert rows[0].start.astimezone(UTC) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_columns_that_are_missing_are_all_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "", HEADER.replace("APPELE", "B").replace("HEURE", "H"), CALL)
    with pytest.raises(UsageFileError, match="no column 'APPELE', no column 'HEURE'; the file has SEQ, PART"):
        read(path)
    with pytest.raises(UsageFileError, match="column 'TYPE' is there more than once"):
        read(written(tmp_path, "", HEADER.replace("PART", "TYPE"), CALL))


PLAIN_FIELDS = """
  msisdn: {column: 1}
  kind: {column: 2}
  start: {column: 3}
  amount: {column: 4}
  country: {value: FR}
  to: {column: 5}
"""


def by_position(extra: str = "", fields: str = PLAIN_FIELDS) -> str:
    return f"header: no\n{extra}\nfields:{fields}"


ROW = "+33639980001,voice,2027-03-05T10:00:00Z,60,+33142990000"


def test_a_file_without_a_header_is_read_by_positions(tmp_path: Path) -> None:
    rows, _ = read(written(tmp_path, ROW, "", ROW + ",more", ROW.replace(",60", ",61")), by_position())
    assert [(row.amount, row.to) for row in rows if isinstance(row, UsageRecord)] == [
        (60, "+33142990000"),
        (60, "+33142990000"),
        (61, "+33142990000"),
    ]
    rows, _ = read(written(tmp_path, ROW.rsplit(",", 1)[0]), by_position())
    assert isinstance(rows[0], BrokenRow)
    assert "4 cells, 5 columns" in rows[0].message


def test_a_row_without_an_id_is_known_by_its_text(tmp_path: Path) -> None:
    rows, _ = read(written(tmp_path, ROW, ROW, ROW.replace(",60", ",61")), by_position())
    assert rows[0].id == rows[1].id != rows[2].id
    assert rows[0].id.startswith("row-")


@pytest.mark.parametrize(
    ("written_as", "form", "zone"),
    [
        ("2027-03-05T10:00:00Z", "iso", None),
        ("2027-03-05 11:00:00", "iso", "Europe/Paris"),
        ("20270305110000+0100", "'%Y%m%d%H%M%S%z'", None),
        ("1804240800", "unix", None),
        ("1804240800000", "unix_ms", None),
        ("05.03.27 11:00", "'%d.%m.%y %H:%M'", "Europe/Paris"),
    ],
)
def test_times_are_read_as_the_mapping_says(tmp_path: Path, written_as: str, form: str, zone: str | None) -> None:
    start = f"{{column: 3, format: {form}{f', zone: {zone}' if zone else ''}}}"
    mapping = by_position(fields=PLAIN_FIELDS.replace("{column: 3}", start))
    rows, _ = read(written(tmp_path, ROW.replace("2027-03-05T10:00:00Z", written_as)), mapping)
    assert isinstance(rows[0], UsageRecord)
    assert rows[0].start == datetime(2027, 3, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written_as", "form", "message"),
    [
        ("2027-03-05T10:00:00", "iso", "has no time zone"),
        ("-5", "unix", "is not a time written unix"),
        ("99999999999999", "unix", "is not a time written unix"),
        ("now", "unix_ms", "is not a time written unix_ms"),
        ("0001-01-01T00:00:00", "iso, zone: Europe/Paris", "start"),
        ("9999-12-31T23:59:59", "iso, zone: America/New_York", "start"),
    ],
)
def test_a_time_that_is_none_is_said_so(tmp_path: Path, written_as: str, form: str, message: str) -> None:
    mapping = by_position(fields=PLAIN_FIELDS.replace("{column: 3}", f"{{column: 3, format: {form}}}"))
    rows, _ = read(written(tmp_path, ROW.replace("2027-03-05T10:00:00Z", written_as)), mapping)
    assert isinstance(rows[0], BrokenRow)
    assert message in rows[0].message


@pytest.mark.parametrize(
    ("kind", "written_as", "amount", "expected"),
    [
        ("voice", "90", "{column: 4, unit: s}", 90),
        ("voice", "1500", "{column: 4, unit: ms, fraction: up}", 2),
        ("voice", "1500", "{column: 4, unit: ms, fraction: down}", 1),
        ("voice", "2", "{column: 4, unit: h}", 7200),
        ("voice", "01:02:03", "{column: 4, unit: clock}", 3723),
        ("voice", "02:03", "{column: 4, unit: clock}", 123),
        ("voice", "1'000", '{column: 4, remove: "\'"}', 1000),
        ("data", "2", "{column: 4, unit: KiB}", 2048),
        ("data", "2.5", "{column: 4, unit: GB}", 2_500_000_000),
        ("data", "1", "{column: 4, unit: TiB}", 2**40),
        ("sms", "3", "{column: 4, unit: message}", 3),
        ("sms", "x", "{value: 1}", 1),
    ],
)
def test_amounts_are_exact_multiples_of_their_units(
    tmp_path: Path, kind: str, written_as: str, amount: str, expected: int
) -> None:
    mapping = by_position(fields=PLAIN_FIELDS.replace("{column: 4}", f"{{{kind}: {amount}}}"))
    rows, _ = read(written(tmp_path, ROW.replace("voice", kind).replace(",60,", f",{written_as},")), mapping)
    assert isinstance(rows[0], UsageRecord), rows[0].message
    assert rows[0].amount == expected


@pytest.mark.parametrize(
    ("written_as", "unit"), [("01:60:00", "clock"), ("1:2:3:4", "clock"), ("", "clock"), ("1e3", "s")]
)
def test_an_amount_that_is_none_is_said_so(tmp_path: Path, written_as: str, unit: str) -> None:
    mapping = by_position(fields=PLAIN_FIELDS.replace("{column: 4}", f"{{voice: {{column: 4, unit: {unit}}}}}"))
    rows, _ = read(written(tmp_path, ROW.replace(",60,", f",{written_as},")), mapping)
    assert isinstance(rows[0], BrokenRow)
    assert "amount" in rows[0].message


def test_a_kind_without_an_amount_is_a_broken_row(tmp_path: Path) -> None:
    mapping = by_position(fields=PLAIN_FIELDS.replace("{column: 4}", "{voice: {column: 4}}"))
    rows, _ = read(written(tmp_path, ROW.replace("voice", "data"), ROW.replace("voice", "sms")), mapping)
    assert isinstance(rows[0], BrokenRow)
    assert "the mapping has no amount for data" in rows[0].message
    assert isinstance(rows[1], UsageRecord)
    assert rows[1].amount == 1


@pytest.mark.parametrize(
    ("code", "cell", "country"),
    [
        ("iso", "GB", "GB"),
        ("tadig", "GBRVF", "GB"),
        ("plmn", "23415", "GB"),
        ("plmn", "90112", "XZ"),
        ("tadig", "AAMT1", "XZ"),
    ],
)
def test_countries_come_in_several_codes(tmp_path: Path, code: str, cell: str, country: str) -> None:
    mapping = by_position(f"country_code: {code}", PLAIN_FIELDS.replace("{value: FR}", "6"))
    rows, _ = read(
        written(tmp_path, f"{ROW},{cell}", f"{ROW},zz"), mapping, Conventions(countries={"901": "XZ", "AAM": "XZ"})
    )
    assert isinstance(rows[0], UsageRecord)
    assert rows[0].country == country
    assert isinstance(rows[1], BrokenRow)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("{column: 2, is: sms}", ["voice"]),
        ("{column: 2, in: [sms, voice]}", []),
        ("{column: 2, not_in: [voice]}", ["voice"]),
        ("{column: 2, matches: 'v.*'}", ["sms"]),
        ("{column: 9, is: ''}", []),
    ],
)
def test_rows_are_skipped_by_condition_and_counted(tmp_path: Path, condition: str, kept: list[str]) -> None:
    path = written(tmp_path, ROW, ROW.replace("voice", "sms"))
    rows, file = read(path, by_position(f"skip: [{condition}]"))
    assert [row.kind.value for row in rows if isinstance(row, UsageRecord)] == kept
    assert file.left_out.total() == 2 - len(kept)
    if "is: sms" in condition:
        assert dict(file.left_out) == {"2 is sms": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "cp037"])
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, ROW + ",é", encoding=encoding, name="host.csv")
    rows, _ = read(path, by_position(f"encoding: {encoding}"))
    assert [type(row) for row in rows] == [UsageRecord]


def test_octets_that_are_no_text_of_the_encoding_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "host.csv"
    path.write_bytes(ROW.replace("voice", "v\x00").encode() + b"\xff\n" + ROW.encode())
    rows, _ = read(path, by_position())
    assert [type(row) for row in rows] == [BrokenRow, UsageRecord]
    assert rows[0].text.isprintable() if isinstance(rows[0], BrokenRow) else False


def test_a_mapping_is_for_csv_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"PAR1....")
    with pytest.raises(UsageFileError, match="a mapping is for CSV, this is parquet"):
        read(path)


def test_a_line_that_never_ends_is_one_broken_row(tmp_path: Path) -> None:
    path = written(tmp_path, ROW, "x" * 600_000, ROW.replace("60", "61"))
    rows, _ = read(path, by_position())
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow, UsageRecord]
    assert isinstance(rows[1], BrokenRow)
    assert (rows[1].message, len(rows[1].text)) == ("the line is too long", 1000)


def test_text_without_quotes_and_with_tabs_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, ROW.replace(",", "\t").replace("+33142990000", '"3900'))
    rows, _ = read(path, by_position('delimiter: tab\nquote: ""'))
    assert isinstance(rows[0], UsageRecord)
    assert rows[0].to == '"3900'


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_any_file_is_read_to_an_end(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    for mapping in (by_position(f"encoding: {encoding}"), MAPPING.replace("latin-1", encoding)):
        try:
            file = check_usage(path, parse_mapping(read_yaml(mapping)))
        except UsageFileError:
            continue
        assert file.records + file.broken <= len(content)


@given(st.fixed_dictionaries({"cells": st.lists(st.text(max_size=12), min_size=5, max_size=5)}))
def test_any_row_is_a_record_or_says_what_is_wrong(given_row: dict[str, Any]) -> None:
    from mvne_billing.usage.mapping.reading import _Reader

    mapping = parse_mapping(read_yaml(by_position()))
    reader = _Reader(Path("x"), mapping, PLAIN, None)
    with suppress(InvalidUsage):
        assert reader.record(given_row["cells"], "text").amount >= 0
