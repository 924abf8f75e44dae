"""A TAP file held against itself: each thing that does not agree is found, with its code and how bad it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvne_billing.usage.facts import MOST_FINDINGS, Findings, Severity
from mvne_billing.usage.readers import check_usage
from tests.billing.usage import taps
from tests.billing.usage.taps import batch, call, data, message, octets, saved

FATAL, SEVERE, WARNING = Severity.FATAL, Severity.SEVERE, Severity.WARNING
EVENTS = (call(), message(), data())
SOUND = batch(*EVENTS)


def found(folder: Path, content: bytes) -> list[tuple[Severity, str]]:
    return [(one.severity, one.code) for one in check_usage(saved(folder, content)).findings.kept]


def changed(part: str, **changes: Any) -> taps.Parts:
    """The sound batch with names of one part changed; a name that is None is left out."""
    values = SOUND[part] | changes
    return SOUND | {part: {name: value for name, value in values.items() if value is not None}}


def test_a_sound_file_has_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path, octets(SOUND)) == []


@pytest.mark.parametrize(
    ("name", "declared", "severity"),
    [
        ("callEventDetailsCount", 2, FATAL),
        ("callEventDetailsCount", 4, FATAL),
        ("totalCharge", 2301, FATAL),
        ("totalTaxValue", 0, FATAL),
        ("totalDiscountValue", 1, FATAL),
        ("totalChargeRefund", 1, FATAL),
        ("totalTaxRefund", 1, FATAL),
        ("totalDiscountRefund", 1, FATAL),
        ("earliestCallTimeStamp", {"localTimeStamp": b"20270305100001", "utcTimeOffset": b"+0100"}, WARNING),
        ("latestCallTimeStamp", {"localTimeStamp": b"20270305110000", "utcTimeOffset": b"+0000"}, WARNING),
    ],
)
def test_a_declared_total_that_differs_from_the_events_is_found(
    tmp_path: Path, name: str, declared: Any, severity: Severity
) -> None:
    file = check_usage(saved(tmp_path, octets(changed("auditControlInfo", **{name: declared}))))
    [one] = file.findings.kept
    assert (one.severity, one.code, one.place) == (severity, f"{name}.100", "auditControlInfo")
    assert "the file declares" in one.message
    assert file.findings.is_fatal is (severity is FATAL)


def test_totals_count_events_that_are_left_out_or_broken_too(tmp_path: Path) -> None:
    events = (call(), call(name="mobileTerminatedCall", at="20270305090000"), call(duration=-1))
    assert found(tmp_path, octets(batch(*events))) == [(SEVERE, "totalCallEventDuration.20")]


def test_the_same_moment_in_another_zone_agrees(tmp_path: Path) -> None:
    stamp = {"localTimeStamp": b"20270305090000", "utcTimeOffset": b"+0000"}
    assert found(tmp_path, octets(changed("auditControlInfo", earliestCallTimeStamp=stamp))) == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("batchControlInfo", "sender"),
        ("batchControlInfo", "recipient"),
        ("batchControlInfo", "fileSequenceNumber"),
        ("batchControlInfo", "specificationVersionNumber"),
        ("batchControlInfo", "releaseVersionNumber"),
        ("batchControlInfo", "fileAvailableTimeStamp"),
        ("batchControlInfo", "transferCutOffTimeStamp"),
        ("accountingInfo", "localCurrency"),
        ("accountingInfo", "tapDecimalPlaces"),
        ("networkInfo", "recEntityInfo"),
        ("auditControlInfo", "totalCharge"),
        ("auditControlInfo", "totalTaxValue"),
        ("auditControlInfo", "totalDiscountValue"),
        ("auditControlInfo", "callEventDetailsCount"),
    ],
)
def test_a_mandatory_part_that_is_missing_is_found(tmp_path: Path, part: str, name: str) -> None:
    assert (FATAL, f"{name}.30") in found(tmp_path, octets(changed(part, **{name: None})))


@pytest.mark.parametrize(
    "part", ["batchControlInfo", "accountingInfo", "networkInfo", "callEventDetails", "auditControlInfo"]
)
def test_a_group_that_is_missing_is_found(tmp_path: Path, part: str) -> None:
    content = octets({name: value for name, value in SOUND.items() if name != part})
    assert (FATAL, f"{part}.30") in found(tmp_path, content)


@pytest.mark.parametrize(
    ("changes", "severity", "code"),
    [
        ({"sender": b"ESP"}, FATAL, "sender.10"),
        ({"sender": b"esp\xff\x00"}, FATAL, "sender.10"),
        ({"recipient": b"FRAYYY"}, FATAL, "recipient.10"),
        ({"fileSequenceNumber": b"00000"}, FATAL, "fileSequenceNumber.20"),
        ({"fileSequenceNumber": b"100000"}, FATAL, "fileSequenceNumber.20"),
        ({"fileSequenceNumber": b"abc"}, FATAL, "fileSequenceNumber.20"),
        ({"specificationVersionNumber": 2}, FATAL, "specificationVersionNumber.20"),
        ({"releaseVersionNumber": 13}, WARNING, "releaseVersionNumber.20"),
        ({"fileTypeIndicator": b"T"}, FATAL, "fileTypeIndicator.100"),
        ({"fileAvailableTimeStamp": {"localTimeStamp": b"20270305"}}, SEVERE, "localTimeStamp.10"),
        ({"fileAvailableTimeStamp": {"utcTimeOffset": b"+0100"}}, SEVERE, "localTimeStamp.30"),
    ],
)
def test_what_is_wrong_with_the_control_part_is_found(
    tmp_path: Path, changes: taps.Parts, severity: Severity, code: str
) -> None:
    assert (severity, code) in found(tmp_path, octets(changed("batchControlInfo", **changes)))
    assert (severity, code) in found(tmp_path, taps.notification(**changes)) or code.startswith("releaseVersion")


def test_a_release_of_before_is_fine_and_so_is_tap_of_the_sender_s_own_currency(tmp_path: Path) -> None:
    assert found(tmp_path, octets(changed("batchControlInfo", releaseVersionNumber=11))) == []
    assert found(tmp_path, octets(changed("accountingInfo", tapCurrency=None))) == []


def test_a_time_offset_that_cannot_be_read_is_found_twice(tmp_path: Path) -> None:
    offsets = [{"utcTimeOffsetCode": 0, "utcTimeOffset": b"+1h"}]
    codes = found(tmp_path, octets(changed("networkInfo", utcTimeOffsetInfo=offsets)))
    assert (SEVERE, "utcTimeOffsetInfo.20") in codes
    assert (SEVERE, "utcTimeOffsetCode.100") in codes


@pytest.mark.parametrize("name", ["earliestCallTimeStamp", "latestCallTimeStamp"])
def test_an_audit_time_that_is_missing_or_malformed_is_a_warning(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, octets(changed("auditControlInfo", **{name: None}))) == [(WARNING, f"{name}.30")]
    stamp = {"localTimeStamp": b"2027", "utcTimeOffset": b"+0100"}
    assert found(tmp_path, octets(changed("auditControlInfo", **{name: stamp}))) == [(WARNING, "localTimeStamp.10")]


def test_negative_charges_are_found(tmp_path: Path) -> None:
    content = octets(batch(call(charges=taps.charge(-5, -1, discount=2))))
    assert found(tmp_path, content) == [(SEVERE, "charge.20")]


def test_unknown_parts_are_warnings(tmp_path: Path) -> None:
    unknown = b"\x5f\x8f\x7f\x01\xaa"
    event = taps.event_octets(call())
    content = octets(batch(call()))
    # An unknown part at the end of the event, whose length and those around it grow by five.
    grown = b"\x69\x81" + bytes([event[2] + 5]) + event[3:] + unknown
    inside = content.replace(event, grown)
    assert found(tmp_path, _longer(inside, 5, content))[:1] == [(WARNING, "mobileOriginatedCall.100")]
    assert found(tmp_path, _longer(content + unknown, 5, content, batch_only=True)) == [(WARNING, "transferBatch.100")]


def _longer(content: bytes, more: int, before: bytes, batch_only: bool = False) -> bytes:
    """Mend the lengths of the batch and of its list of events."""
    places = [0] if batch_only else [0, before.index(taps.event_octets(call())) - 4]
    for place in places:
        head = 2
        if content[place + 1] == 0x82:
            length = int.from_bytes(content[place + 2 : place + 4], "big") + more
            content = content[: place + head] + length.to_bytes(2, "big") + content[place + 4 :]
        else:
            place += 1
            assert content[place + 1] == 0x81
            content = content[: place + 2] + bytes([content[place + 2] + more]) + content[place + 3 :]
    return content


def test_only_so_many_findings_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    findings = Findings()
    for _ in range(MOST_FINDINGS + 5):
        findings.add(SEVERE, "x.10", "here", "again")
    assert len(findings.kept) == MOST_FINDINGS
    assert findings.count[SEVERE] == MOST_FINDINGS + 5
    assert not findings.is_fatal
    findings.add(FATAL, "x.10", "here", "at last")
    assert findings.is_fatal
