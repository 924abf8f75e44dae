"""Files of charging data records: bare or under the headers of TS 32.297, sound or damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne_billing.usage.cdr import reading
from mvne_billing.usage.cdr.reading import open_records
from mvne_billing.usage.facts import Format, Severity
from mvne_billing.usage.readers import UsageFileError, check_usage, open_usage
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from tests.billing.usage import cdrs
from tests.billing.usage.cdrs import file_of, saved

RECORDS = (cdrs.pgw(), cdrs.call(), cdrs.message(), cdrs.location_update(), cdrs.received_call())
BARE = b"".join(RECORDS)


@pytest.mark.parametrize(
    "content",
    [
        file_of(RECORDS),
        file_of(RECORDS, release=7),
        file_of(RECORDS, filtered=b"filter"),
        file_of(RECORDS, size=0xFFFFFFFF),
        file_of(RECORDS, node=""),
    ],
    ids=["plain", "later release", "routeing filter", "never closed", "no node"],
)
def test_a_file_with_headers_gives_what_the_bare_records_give(tmp_path: Path, content: bytes) -> None:
    bare = list(open_usage(saved(tmp_path, BARE)).rows)
    file = open_usage(saved(tmp_path, content))
    assert (file.format, file.sequence, file.declared) == (Format.CDR, 42, 5)
    assert list(file.rows) == bare
    assert file.findings.kept == []
    assert file.left_out.total() == 2


def test_a_file_without_headers_declares_nothing(tmp_path: Path) -> None:
    file = open_usage(saved(tmp_path, BARE))
    assert (file.format, file.sender, file.sequence, file.declared) == (Format.CDR, "", None, None)


@pytest.mark.parametrize(
    ("changes", "severity", "code", "message"),
    [
        ({"count": 4}, Severity.FATAL, "numberOfRecords.100", "the header says 4 records, the file has 5"),
        ({"count": 6}, Severity.FATAL, "numberOfRecords.100", "the header says 6 records, the file has 5"),
        ({"size": 1000}, Severity.FATAL, "fileLength.100", "the header says 1000 octets"),
        ({"closed": 128}, Severity.WARNING, "fileClosure.128", "abnormal closure"),
        ({"closed": 131}, Severity.WARNING, "fileClosure.131", "file integrity error"),
        ({"lost": 3}, Severity.WARNING, "lostRecords.100", "lost 3 records"),
        ({"lost": 0x83}, Severity.WARNING, "lostRecords.100", "lost at least 3 records"),
    ],
    ids=str,
)
def test_what_a_header_says_is_held_against_the_file(
    tmp_path: Path, changes: dict[str, Any], severity: Severity, code: str, message: str
) -> None:
    file = check_usage(saved(tmp_path, file_of(RECORDS, **changes)))
    [finding] = file.findings.kept
    assert (finding.severity, finding.code) == (severity, code)
    assert message in finding.message
    assert file.records == 3


def test_a_node_that_never_counted_declares_nothing(tmp_path: Path) -> None:
    file = check_usage(saved(tmp_path, file_of(RECORDS, count=0xFFFFFFFF)))
    assert (file.declared, file.findings.kept) == (None, [])


def test_the_node_is_the_sender(tmp_path: Path) -> None:
    assert open_usage(saved(tmp_path, file_of(RECORDS))).sender == "10.2.2.2"
    assert open_usage(saved(tmp_path, file_of(RECORDS, node="2001:db8::7"))).sender == "2001:db8::7"


def test_a_broken_record_under_headers_does_not_stop_the_rest(tmp_path: Path) -> None:
    damaged = b"\xbf\x4f\x7f" + cdrs.pgw()[3:]
    rows = list(open_usage(saved(tmp_path, file_of([damaged, b"", cdrs.call()]))).rows)
    assert [type(row) for row in rows] == [BrokenRow, BrokenRow, UsageRecord]


def test_records_in_another_encoding_are_broken_rows(tmp_path: Path) -> None:
    [row] = open_usage(saved(tmp_path, file_of([cdrs.call()], encoding=2))).rows
    assert isinstance(row, BrokenRow)
    assert "only BER (1) is read" in row.message


@pytest.mark.parametrize("content", [BARE, file_of(RECORDS)], ids=["bare", "headers"])
def test_a_file_that_was_cut_off_is_fatal_and_gives_what_is_there(tmp_path: Path, content: bytes) -> None:
    start = len(content) - len(BARE) + 60 if content is not BARE else len(RECORDS[0]) + 2
    for cut in (start, len(content) - 3):
        path = saved(tmp_path, content[:cut])
        file = open_records(path)
        rows = list(file.rows)
        assert file.findings.is_fatal
        assert isinstance(rows[-1], BrokenRow)


def test_filler_between_records_is_passed_over(tmp_path: Path) -> None:
    filled = (b"\x00" * 5000).join(RECORDS[:3]) + b"\xff" * 9000 + RECORDS[3] + b"\x00"
    file = check_usage(saved(tmp_path, filled))
    assert (file.records, file.broken, file.left_out.total()) == (3, 0, 1)


def test_a_record_whose_length_lies_ends_a_bare_file(tmp_path: Path) -> None:
    file = open_usage(saved(tmp_path, RECORDS[1] + b"\xbf\x4f\x88" + b"\x7f" * 8 + RECORDS[1]))
    rows = list(file.rows)
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow]
    assert file.findings.is_fatal


def test_a_record_that_is_too_long_is_a_broken_row_with_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_RECORD", 300)
    long = cdrs.pgw(listOfServiceData=[cdrs.service(32, 1, 1)] * 20)
    rows = list(open_records(saved(tmp_path, cdrs.call() + long + cdrs.message())).rows)
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow, UsageRecord]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_read_to_an_end(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([BARE, file_of(RECORDS), cdrs.charging_function() + cdrs.sgw()])))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = saved(tmp_path, bytes(content[: data.draw(st.integers(1, len(content)))]))
    try:
        rows = list(open_usage(path).rows)
    except UsageFileError:
        return
    assert len(rows) <= 100
