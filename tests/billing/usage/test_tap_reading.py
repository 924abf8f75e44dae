"""TAP events as usage records: each kind of event, what is left out, and what is wrong with a single event."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mvne_billing.usage.facts import PLAIN, Conventions, Format, Severity, UsageFile
from mvne_billing.usage.readers import UsageFileError, check_usage, open_usage
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_billing.usage.tap import reading
from mvne_billing.usage.tap.reading import TapFile, open_tap
from mvne_plans.quantity import Kind
from tests.billing.usage import taps
from tests.billing.usage.taps import batch, call, data, message, octets, saved

Rows = list[UsageRecord | BrokenRow]
NAME = "CDESPXXFRAYY00042"


def read(folder: Path, *events: taps.Event, conventions: Conventions = PLAIN, **parts: Any) -> tuple[Rows, UsageFile]:
    file = open_usage(saved(folder, octets(batch(*events, **parts))), conventions=conventions)
    return list(file.rows), file


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_calls_messages_and_data_sessions_are_records(tmp_path: Path) -> None:
    rows, file = read(tmp_path, call(), message(), data())
    number = f"+{taps.MSISDN}"
    assert rows == [
        UsageRecord(
            f"tap-ESPXX-voice-{number}-20270305T090000Z-+33142990000-00ab12",
            number,
            Kind.VOICE,
            at("2027-03-05T10:00:00+01:00"),
            60,
            "ES",
            "+33142990000",
            NAME,
        ),
        UsageRecord(
            f"tap-ESPXX-sms-{number}-20270305T090100Z-+33639980002-00ab13",
            number,
            Kind.SMS,
            at("2027-03-05T10:01:00+01:00"),
            1,
            "ES",
            "+33639980002",
            NAME,
        ),
        UsageRecord(
            f"tap-ESPXX-data-{number}-20270305T100000Z-4711",
            number,
            Kind.DATA,
            at("2027-03-05T11:00:00+01:00"),
            5_000_001_000,
            "ES",
            None,
            NAME,
            "4711@10.2.2.2",
        ),
    ]
    assert file.findings.kept == []


def test_the_facts_of_the_file_are_there_before_its_rows(tmp_path: Path) -> None:
    file = open_usage(saved(tmp_path, octets(batch(call(), data()))))
    assert (file.format, file.sender, file.recipient, file.sequence) == (Format.TAP, "ESPXX", "FRAYY", 42)
    assert (file.declared, file.created) == (2, at("2027-03-05T12:00:00+01:00"))
    assert (file.records, file.broken) == (0, 0)
    list(file.rows)
    assert (file.records, file.broken) == (2, 0)


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (call(msisdn=""), {"msisdn": f"imsi:{taps.IMSI}"}),
        (call(service=b"12", to={"dialledDigits": b"911"}), {"to": "112"}),
        (call(to={"dialledDigits": b"0142990000"}), {"to": "0142990000"}),
        (call(to={"calledNumber": taps.bcd("3900")}), {"to": "3900"}),
        (call(to={"calledNumber": taps.bcd("e21")}), {"to": "c21"}),
        (call(duration=0), {"amount": 0}),
        (call(code=1), {"start": at("2027-03-05T10:00:00-03:30")}),
        (call(at="20991231235959"), {"start": at("2099-12-31T23:59:59+01:00")}),
        (call(service=b"22", to={"calledNumber": taps.bcd("33639980002")}), {"kind": Kind.SMS, "amount": 1}),
        (data(volumes=(None, 7)), {"amount": 7}),
        (data(volumes=(0, 0)), {"amount": 0}),
        (data(entities=(2,)), {"session": "4711@"}),
        (data(charging_id=None), {"session": None, "id": "tap-ESPXX-FRAYY-42-1"}),
        (call(reference="0000"), {"id": "tap-ESPXX-FRAYY-42-1"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_what_an_event_says_is_what_its_record_says(tmp_path: Path, event: taps.Event, change: Any) -> None:
    [row], file = read(tmp_path, event)
    assert isinstance(row, UsageRecord), row
    assert {name: getattr(row, name) for name in change} == change
    assert file.findings.count[Severity.SEVERE] == 0


def test_bearer_services_are_calls_with_a_label_of_their_own(tmp_path: Path) -> None:
    event = call()
    event[1]["basicServiceUsedList"][0]["basicService"] = {"serviceCode": ("bearerServiceCode", b"26")}
    [row], _ = read(tmp_path, event)
    assert isinstance(row, UsageRecord)
    assert (row.kind, row.label) == (Kind.VOICE, "csd")


def test_the_serving_network_tells_the_country_where_it_is_named(tmp_path: Path) -> None:
    event = call()
    event[1]["locationInformation"]["geographicalLocation"] = {"servingNetwork": b"GBRVF"}
    [row], _ = read(tmp_path, event)
    assert isinstance(row, UsageRecord)
    assert row.country == "GB"


def test_networks_without_a_country_are_placed_by_convention(tmp_path: Path) -> None:
    control = taps.control() | {"sender": b"AAMT1"}
    [row], file = read(tmp_path, call(), batchControlInfo=control)
    assert isinstance(row, BrokenRow)
    assert "network 'AAMT1' is in no known country" in row.message
    assert [one.code for one in file.findings.kept] == ["sender.20"]
    [row], _ = read(tmp_path, call(), batchControlInfo=control, conventions=Conventions(countries={"AAM": "XZ"}))
    assert isinstance(row, UsageRecord)
    assert row.country == "XZ"


def session(service: int = 1, **changes: Any) -> taps.Event:
    parts: taps.Parts = {
        "mobileSessionService": service,
        "chargedParty": {"imsi": taps.bcd(taps.IMSI), "msisdn": taps.bcd(taps.MSISDN)},
        "eventReference": b"ref-1",
        "serviceStartTimestamp": taps.stamp(),
        "totalCallEventDuration": 42,
        "requestedDestination": {"requestedNumber": b"33142990000"},
        "sessionChargeInfoList": [
            {"chargedItem": b"D", "chargeDetailList": [{"chargeType": b"00", "charge": 5}]},
        ],
    }
    return "mobileSession", {name: part for name, part in (parts | changes).items() if part is not None}


def messaging(service: int = 1, **changes: Any) -> taps.Event:
    parts: taps.Parts = {
        "messagingEventService": service,
        "chargedParty": {"imsi": taps.bcd(taps.IMSI)},
        "serviceStartTimestamp": taps.stamp(),
        "nonChargedParty": {"nonChargedPartyNumber": b"33639980002"},
        "charge": 30,
    }
    return "messagingEvent", {name: part for name, part in (parts | changes).items() if part is not None}


def test_calls_and_messages_over_ims_are_records(tmp_path: Path) -> None:
    identity = {"requestedPublicUserId": b"tel:+33142990001;phone-context=x"}
    audit = {"totalCharge": 5 + 5 + 30, "totalTaxValue": 0, "totalDiscountValue": 0, "callEventDetailsCount": 3}
    events = (session(), session(requestedDestination=identity), messaging())
    rows, file = read(tmp_path, *events, auditControlInfo=audit)
    assert [(row.kind, row.to, row.amount) for row in rows if isinstance(row, UsageRecord)] == [
        (Kind.VOICE, "+33142990000", 42),
        (Kind.VOICE, "+33142990001", 42),
        (Kind.SMS, "+33639980002", 1),
    ]
    assert {one.severity for one in file.findings.kept} == {Severity.WARNING}


@pytest.mark.parametrize(
    "event",
    [
        call(name="mobileTerminatedCall"),
        call(name="mobileTerminatedCall", service=b"21"),
        session(2, requestedDestination=None, nonChargedParty={"nonChargedPartyNumber": b"331"}),
        messaging(2),
    ],
    ids=["call", "message", "IMS call", "IMS message"],
)
def test_what_reaches_a_line_is_counted_or_a_record_of_its_own_label(tmp_path: Path, event: taps.Event) -> None:
    rows, file = read(tmp_path, event)
    assert (rows, dict(file.left_out)) == ([], {"incoming": 1})
    [row], file = read(tmp_path, event, conventions=Conventions(incoming=True))
    assert isinstance(row, UsageRecord)
    assert (row.label, row.to) == ("incoming", row.msisdn)
    assert "incoming" in row.id or row.id.endswith("-42-1")
    assert not file.left_out


def test_kinds_of_events_that_were_agreed_to_be_left_out_are_counted(tmp_path: Path) -> None:
    event = ("supplServiceEvent", {"supplServiceUsed": {"supplServiceCode": b"21"}})
    [row], file = read(tmp_path, event, auditControlInfo=None)
    assert isinstance(row, BrokenRow)
    assert "no tariff prices it" in row.message
    conventions = Conventions(left_out=frozenset({"supplServiceEvent"}))
    rows, file = read(tmp_path, event, conventions=conventions, auditControlInfo=None)
    assert (rows, dict(file.left_out)) == ([], {"supplServiceEvent": 1})


def without(event: taps.Event, *path: str) -> taps.Event:
    value = event[1]
    for name in path[:-1]:
        value = value[name]
    del value[path[-1]]
    return event


BASIC = "basicCallInformation"
GPRS = "gprsBasicCallInformation"


@pytest.mark.parametrize(
    ("event", "code", "text"),
    [
        (call(duration=-1), "totalCallEventDuration.20", "the duration -1 is negative"),
        (call(duration=10**17), "mobileOriginatedCall.20", "is not a whole number of seconds"),
        (data(volumes=(-5, 10)), "dataVolume.20", "are negative"),
        (data(volumes=(10**15, 1)), "gprsCall.20", "is not a whole number of bytes"),
        (data(volumes=(None, None)), "dataVolume.30", "neither"),
        (call(code=7), "utcTimeOffsetCode.100", "time offset code 7 is not in the file's list"),
        (call(at="20270231100000"), "localTimeStamp.20", "there is no time"),
        (call(at="2027-02-01 100"), "localTimeStamp.10", "is not written YYYYMMDDhhmmss"),
        (call(at="19991231235959"), "mobileOriginatedCall.20", "not in the years 2000 to 2199"),
        (call(to={}), "calledNumber.30", "the called number is missing"),
        (without(call(), BASIC), f"{BASIC}.30", f"{BASIC} is missing"),
        (without(call(), BASIC, "totalCallEventDuration"), "totalCallEventDuration.30", "is missing"),
        (without(call(), BASIC, "chargeableSubscriber"), "chargeableSubscriber.30", "is missing"),
        (without(call(), BASIC, "callEventStartTimeStamp"), "callEventStartTimeStamp.30", "is missing"),
        (
            without(call(), BASIC, "callEventStartTimeStamp", "utcTimeOffsetCode"),
            "utcTimeOffset.30",
            "no distance from UTC",
        ),
        (without(call(), "basicServiceUsedList"), "basicServiceUsedList.30", "is missing"),
        (without(data(), GPRS), f"{GPRS}.30", "is missing"),
        (without(data(), "gprsServiceUsed"), "gprsServiceUsed.30", "is missing"),
        (without(session(), "totalCallEventDuration"), "totalCallEventDuration.30", "is missing"),
        (without(messaging(), "chargedParty"), "chargedParty.30", "is missing"),
        (messaging(nonChargedParty={}), "calledNumber.30", "the called number is missing"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_an_event_that_is_wrong_is_a_broken_row_and_a_severe_finding(
    tmp_path: Path, event: taps.Event, code: str, text: str
) -> None:
    good = call(reference="000099")
    rows, file = read(tmp_path, event, good, auditControlInfo=None)
    broken = rows[0]
    assert isinstance(broken, BrokenRow)
    assert text in broken.message
    assert broken.source == f"{NAME}:1"
    assert bytes.fromhex(broken.text) == taps.event_octets(event)
    assert isinstance(rows[1], UsageRecord)
    severe = [one for one in file.findings.kept if one.severity is Severity.SEVERE]
    assert [(one.code, one.place) for one in severe] == [(code, f"callEventDetails[1].{event[0]}")]


def test_an_event_without_line_is_a_broken_row(tmp_path: Path) -> None:
    event = call(msisdn="")
    event[1][BASIC]["chargeableSubscriber"] = ("simChargeableSubscriber", {})
    other = call()
    other[1][BASIC]["chargeableSubscriber"] = ("minChargeableSubscriber", {"min": b"\x12\x34\x56\x78\x90"})
    rows, _ = read(tmp_path, event, other)
    assert [row.message for row in rows if isinstance(row, BrokenRow)] == [
        "mobileOriginatedCall: neither the number nor the IMSI of the line is there",
        "mobileOriginatedCall: the subscriber is not one of a SIM",
    ]


def test_the_same_event_has_the_same_id_in_a_later_file(tmp_path: Path) -> None:
    first, _ = read(tmp_path, call(), data())
    control = taps.control() | {"fileSequenceNumber": b"00043", "rapFileSequenceNumber": b"00001"}
    again, _ = read(tmp_path, data(), call(), batchControlInfo=control)
    assert {row.id for row in first} == {row.id for row in again}


def test_a_notification_has_no_rows_and_its_number(tmp_path: Path) -> None:
    file = check_usage(saved(tmp_path, taps.notification()))
    assert (file.sender, file.recipient, file.sequence, file.declared) == ("ESPXX", "FRAYY", 42, 0)
    assert (file.records, file.broken, file.findings.kept) == (0, 0, [])


@pytest.mark.parametrize(
    "form",
    [{"ENC_LUNDEF": 1}, {"ENC_LLONG": 4}, {"ENC_OSTR_FRAG": 3}, {"ENC_TAG_LEXT": 3}],
    ids=["indefinite lengths", "long lengths", "strings in pieces", "long tags"],
)
def test_any_legal_form_of_ber_gives_the_same_records(tmp_path: Path, form: dict[str, int]) -> None:
    events = (call(), message(), data(), call(name="mobileTerminatedCall"))
    plain, _ = read(tmp_path, *events)
    other = taps.octets_in_form(batch(*events), **form)
    assert other != octets(batch(*events))
    file = open_usage(saved(tmp_path, other))
    assert list(file.rows) == plain
    assert file.findings.kept == []


def test_an_event_whose_inside_is_broken_does_not_stop_the_rest(tmp_path: Path) -> None:
    content = octets(batch(call(), call(reference="000001"), call(reference="000002")))
    number = bytes.fromhex("000001")
    place = content.index(number) - 1
    damaged = content[:place] + b"\x7f" + content[place + 1 :]
    file = open_usage(saved(tmp_path, damaged))
    rows = list(file.rows)
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow, UsageRecord]
    assert [(one.severity, one.code) for one in file.findings.kept][:1] == [(Severity.SEVERE, "callEventDetails.10")]


def test_an_event_whose_length_lies_ends_the_list_with_a_broken_row(tmp_path: Path) -> None:
    content = octets(batch(call(), call(reference="000001")))
    second = content.rindex(b"\x69\x81")
    damaged = content[: second + 1] + b"\x84\x7f\xff\xff\xff" + content[second + 6 :]
    file = open_usage(saved(tmp_path, damaged))
    rows = list(file.rows)
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow]
    assert isinstance(rows[1], BrokenRow)
    assert "longer than what holds it" in rows[1].message
    assert file.findings.is_fatal


def test_an_event_that_is_too_long_is_a_broken_row_with_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_EVENT", 300)
    long = call(reference="000001")
    long[1]["operatorSpecInformation"] = [b"x" * 400]
    rows, file = read(tmp_path, call(), long, call(reference="000002"))
    assert [type(row) for row in rows] == [UsageRecord, BrokenRow, UsageRecord]
    assert isinstance(rows[1], BrokenRow)
    assert "more than 300 octets" in rows[1].message
    assert file.findings.count[Severity.SEVERE] == 1
    indefinite = saved(tmp_path, taps.octets_in_form(batch(call(), long, call(reference="000002")), ENC_LUNDEF=1))
    assert [type(row) for row in open_tap(indefinite).rows] == [UsageRecord, BrokenRow, UsageRecord]


@pytest.mark.parametrize("share", [3, 5, 8, 9])
def test_a_file_that_was_cut_off_is_fatal_and_gives_what_is_there(tmp_path: Path, share: int) -> None:
    content = octets(batch(*(call(reference=f"{place:06x}") for place in range(1, 30))))
    file = check_usage(saved(tmp_path, content[: len(content) * share // 10]))
    assert file.findings.is_fatal
    assert "transferBatch.10" in {one.code for one in file.findings.kept}
    assert 0 < file.records < 30
    assert file.broken <= 1


@pytest.mark.parametrize(
    "content",
    [
        b"\x61\x03\x64\x05\x00",
        b"\x61\x82\xff\xff\x64\x82\xff\xff\x01\x02",
        b"\x62\x03\x5f\x81\x44",
        b"\x61\x80\x64\x80",
    ],
)
def test_what_does_not_even_begin_as_tap_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageFileError, match="not a TAP file, or a damaged one"):
        open_tap(saved(tmp_path, content))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageFileError, match="opens neither a transfer batch nor a notification"):
        open_tap(saved(tmp_path, b"\x30\x03\x02\x01\x05"))


def test_events_carry_what_they_cost_for_settlement(tmp_path: Path) -> None:
    refund = (
        "contentTransaction",
        {"contentServiceUsed": [{"chargeRefundIndicator": 1, "chargeInformationList": [taps.charge(70, 7)]}]},
    )
    camel = call(reference="000001", charges=taps.charge(10, 1, discount=3))
    camel[1]["camelServiceUsed"] = {"camelInvocationFee": 5}
    tap = TapFile(saved(tmp_path, octets(batch(call(), camel, refund))))
    found = [(event.charges.charge, event.charges.tax, event.charges.discount) for event in tap.events()]
    assert found == [(1200, 100, 0), (15, 1, 3), (0, 0, 0)]
    last = list(tap.events())[-1]
    assert (last.charges.refund, last.charges.tax_refund) == (70, 7)
    assert (tap.head.currency, tap.head.decimals, int(tap.head.micro(1200))) == ("XDR", 3, 1_200_000)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        path = saved(tmp_path, octets(batch(*[call(reference=f"{place:06x}") for place in range(1, count)])))
        check_usage(path)  # whatever is made once is made
        tracemalloc.start()
        check_usage(path)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(900) < peak(300) + 100_000
