"""Charging data records of 3GPP as usage records, kind by kind."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mvne_billing.usage.ber.tags import context, read_head, universal, write_head
from mvne_billing.usage.cdr.reading import decoded, open_records
from mvne_billing.usage.facts import PLAIN, Conventions, Severity, UsageFile
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_plans.quantity import Kind
from tests.billing.usage import cdrs
from tests.billing.usage.cdrs import saved, service, time, volumes

NUMBER = f"+{cdrs.MSISDN}"


def read(
    folder: Path, *records: bytes, conventions: Conventions = PLAIN
) -> tuple[list[UsageRecord | BrokenRow], UsageFile]:
    file = open_records(saved(folder, b"".join(records)), conventions)
    return list(file.rows), file


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2027-03-05T{text}+01:00")


def test_a_gateway_s_record_is_its_containers_by_rating_group(tmp_path: Path) -> None:
    cdr = cdrs.pgw(
        listOfServiceData=[service(32, 1000, 5_000_000_000), service(33, 1, 2, "270305113000")],
        listOfTrafficVolumes=[volumes(10, 20)],
    )
    rows, file = read(tmp_path, cdr, conventions=Conventions(labels={33: "hotspot"}))
    key, session = "pGW-10.2.2.2-4711-20270305T100000Z-2", "4711@10.2.2.2"
    source = "cdrs.dat"
    assert rows == [
        UsageRecord(
            f"{key}-1-rg32", NUMBER, Kind.DATA, at("11:00"), 5_000_001_000, "ES", None, source, session, label=""
        ),
        UsageRecord(f"{key}-2-rg33", NUMBER, Kind.DATA, at("11:30"), 3, "ES", None, source, session, label="hotspot"),
    ]
    assert file.findings.kept == []


def test_a_record_of_volumes_alone_begins_each_where_the_one_before_changed(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, cdrs.sgw())
    assert [(row.start, row.amount, row.session) for row in rows if isinstance(row, UsageRecord)] == [
        (at("11:00"), 30, "4711@10.3.3.3"),
        (at("11:05"), 3, "4711@10.3.3.3"),
    ]


@pytest.mark.parametrize("cdr", [cdrs.pgw(), cdrs.sgsn(), cdrs.sgw(**{"p-GWAddressUsed": cdrs.address()})])
def test_records_of_one_session_share_its_name_whichever_node_wrote_them(tmp_path: Path, cdr: bytes) -> None:
    rows, _ = read(tmp_path, cdr)
    assert {row.session for row in rows if isinstance(row, UsageRecord)} == {"4711@10.2.2.2"}


def test_partial_records_of_a_session_differ_in_their_ids(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, *(cdrs.pgw(recordSequenceNumber=number) for number in (1, 2, 3)))
    assert len({row.id for row in rows}) == 3
    again, _ = read(tmp_path, cdrs.pgw(recordSequenceNumber=2))
    assert again[0].id == rows[1].id


def test_a_record_without_containers_is_use_of_nothing(tmp_path: Path) -> None:
    [row], _ = read(tmp_path, cdrs.pgw(listOfServiceData=None))
    assert isinstance(row, UsageRecord)
    assert (row.amount, row.start) == (0, at("11:00"))


@pytest.mark.parametrize(
    ("address", "session"),
    [
        (("iPTextRepresentedAddress", ("iPTextV4Address", "10.9.9.9")), "4711@10.9.9.9"),
        (
            ("iPBinaryAddress", ("iPBinV6Address", ("iPBinV6Address", b"\x20\x01" + bytes(13) + b"\x05"))),
            "4711@2001::5",
        ),
    ],
)
def test_gateways_have_addresses_of_any_form(tmp_path: Path, address: Any, session: str) -> None:
    [row], _ = read(tmp_path, cdrs.pgw(**{"p-GWAddress": address}))
    assert isinstance(row, UsageRecord)
    assert row.session == session


def test_the_charging_function_s_record_is_its_containers_too(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, cdrs.charging_function(), conventions=Conventions(labels={33: "hotspot"}))
    found = [(row.id, row.start, row.amount, row.label) for row in rows if isinstance(row, UsageRecord)]
    assert found == [
        ("chf-smf-1-4711-20270305T100000Z-3-1-rg32", at("11:00"), 700, ""),
        ("chf-smf-1-4711-20270305T100000Z-3-2-rg32", at("11:30"), 50, ""),
        ("chf-smf-1-4711-20270305T100000Z-3-3-rg33", at("11:00"), 5, "hotspot"),
    ]
    assert {(row.msisdn, row.country, row.session) for row in rows if isinstance(row, UsageRecord)} == {
        (NUMBER, "ES", "4711@smf-1")
    }


@pytest.mark.parametrize(
    ("subscriber", "line"),
    [
        ({"subscriptionIDType": 1, "subscriptionIDData": f"imsi-{cdrs.IMSI}"}, f"imsi:{cdrs.IMSI}"),
        ({"subscriptionIDType": 1, "subscriptionIDData": cdrs.IMSI}, f"imsi:{cdrs.IMSI}"),
        ({"subscriptionIDType": 0, "subscriptionIDData": cdrs.MSISDN}, NUMBER),
        ({"subscriptionIDType": 0, "subscriptionIDData": f"tel:{NUMBER}"}, NUMBER),
    ],
)
def test_the_charging_function_names_a_line_in_several_ways(tmp_path: Path, subscriber: Any, line: str) -> None:
    session = {"pDUSessionChargingID": 1, "servingCNPLMNID": cdrs.SPAIN}
    cdr = cdrs.charging_function(subscriberIdentifier=subscriber, pDUSessionChargingInformation=session)
    rows, _ = read(tmp_path, cdr)
    assert {row.msisdn for row in rows if isinstance(row, UsageRecord)} == {line}


@pytest.mark.parametrize(
    "recipient",
    [{"recipientMSISDN": cdrs.number("33639980002")}, {"recipientOtherAddress": {"sMAddressData": "+33639980002"}}],
)
def test_the_charging_function_s_short_message_is_a_message(tmp_path: Path, recipient: Any) -> None:
    cdr = cdrs.charging_function(
        pDUSessionChargingInformation=None,
        listOfMultipleUnitUsage=None,
        sMSChargingInformation={"recipientInfos": [recipient], "eventtimestamp": time("270305120000")},
    )
    [row], _ = read(tmp_path, cdr)
    assert isinstance(row, UsageRecord)
    assert (row.kind, row.amount, row.to, row.start) == (Kind.SMS, 1, "+33639980002", at("12:00"))


def test_a_call_begins_when_it_is_answered(tmp_path: Path) -> None:
    [row], _ = read(tmp_path, cdrs.call())
    assert row == UsageRecord(
        f"moCall-34600000001-0a0b-{NUMBER}-20270305T100000Z-0",
        NUMBER,
        Kind.VOICE,
        at("11:00"),
        90,
        "ES",
        "+33142990000",
        "cdrs.dat",
    )
    [row], _ = read(tmp_path, cdrs.call(answerTime=time("270305063000", "-0330")))
    assert isinstance(row, UsageRecord)
    assert row.start == at("11:00")
    [row], _ = read(tmp_path, cdrs.call(answerTime=None, callDuration=0))
    assert isinstance(row, UsageRecord)
    assert (row.start, row.amount) == (at("10:59:55"), 0)


@pytest.mark.parametrize(
    ("number", "national", "to"),
    [
        (cdrs.number("33142990000", 0x91), "", "+33142990000"),
        (cdrs.number("142990000", 0xA1), "+33", "+33142990000"),
        (cdrs.number("0142990000", 0x81), "+33", "0142990000"),
        (cdrs.number("3900", 0x81), "", "3900"),
    ],
    ids=["international", "national", "as dialled", "short"],
)
def test_called_numbers_are_read_by_their_type(tmp_path: Path, number: bytes, national: str, to: str) -> None:
    [row], _ = read(tmp_path, cdrs.call(calledNumber=number), conventions=Conventions(national=national))
    assert isinstance(row, UsageRecord)
    assert row.to == to


def test_an_emergency_call_is_one_whatever_was_dialled(tmp_path: Path) -> None:
    cdr = cdrs.call(basicService=("teleservice", b"\x12"), calledNumber=None)
    [row], _ = read(tmp_path, cdr)
    assert isinstance(row, UsageRecord)
    assert row.to == "112"


def test_partial_records_of_a_call_share_a_session(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, *(cdrs.call(sequenceNumber=number) for number in (1, 2)))
    assert {row.session for row in rows if isinstance(row, UsageRecord)} == {"0a0b@34600000001"}
    assert len({row.id for row in rows}) == 2


def test_a_message_sent_is_one_and_a_failed_one_is_counted(tmp_path: Path) -> None:
    rows, file = read(tmp_path, cdrs.message(), cdrs.message(smsResult=("gsm0408Cause", 21)))
    assert [(row.kind, row.amount, row.to) for row in rows if isinstance(row, UsageRecord)] == [
        (Kind.SMS, 1, "+33639980002")
    ]
    assert dict(file.left_out) == {"failed message": 1}


@pytest.mark.parametrize("cdr", [cdrs.received_call(), cdrs.received_message()], ids=["call", "message"])
def test_what_reaches_a_line_is_counted_or_a_record_of_its_own_label(tmp_path: Path, cdr: bytes) -> None:
    rows, file = read(tmp_path, cdr)
    assert (rows, dict(file.left_out)) == ([], {"incoming": 1})
    [row], _ = read(tmp_path, cdr, conventions=Conventions(incoming=True))
    assert isinstance(row, UsageRecord)
    assert (row.label, row.to) == ("incoming", NUMBER)


def test_records_of_the_network_and_those_agreed_on_are_counted(tmp_path: Path) -> None:
    rows, file = read(
        tmp_path, cdrs.location_update(), cdrs.sgw(), conventions=Conventions(left_out=frozenset({"sGWRecord"}))
    )
    assert (rows, dict(file.left_out)) == ([], {"locUpdateVLRRecord": 1, "sGWRecord": 1})


def test_a_bare_set_is_known_by_its_record_type(tmp_path: Path) -> None:
    tagged = cdrs.pgw()
    contents = tagged[read_head(tagged, 0, len(tagged))[3] :]
    name, value = decoded(write_head(universal(17), True, len(contents)) + contents)
    assert (name, value) == decoded(tagged)
    # Record type 84 under the tag of a P-GW record is an S-GW record.
    sgw = cdrs.sgw()
    inner = sgw[read_head(sgw, 0, len(sgw))[3] :]
    assert decoded(write_head(context(79), True, len(inner)) + inner)[0] == "sGWRecord"


def test_where_no_network_is_named_home_is_meant_if_that_was_agreed(tmp_path: Path) -> None:
    cdr = cdrs.pgw(servingNodePLMNIdentifier=None)
    [row], _ = read(tmp_path, cdr)
    assert isinstance(row, BrokenRow)
    assert "no serving network is named" in row.message
    [row], _ = read(tmp_path, cdr, conventions=Conventions(home="FR"))
    assert isinstance(row, UsageRecord)
    assert row.country == "FR"


@pytest.mark.parametrize("known", ["901", "90112"])
def test_a_network_without_a_country_is_placed_by_convention(tmp_path: Path, known: str) -> None:
    cdr = cdrs.pgw(servingNodePLMNIdentifier=bytes.fromhex("09f121"))
    [row], _ = read(tmp_path, cdr)
    assert isinstance(row, BrokenRow)
    assert "network 90112 is in no known country" in row.message
    [row], _ = read(tmp_path, cdr, conventions=Conventions(countries={known: "XZ"}))
    assert isinstance(row, UsageRecord)
    assert row.country == "XZ"


@pytest.mark.parametrize(
    ("cdr", "message"),
    [
        (cdrs.pgw(listOfServiceData=[service(32, -1, 5)]), "volumes [-1, 5] are negative"),
        (cdrs.pgw(listOfServiceData=[service(32, 10**15, 1)]), "is not a whole number of bytes"),
        (cdrs.pgw(recordOpeningTime=time("271305110000")), "there is no time 271305110000+0100"),
        (cdrs.pgw(recordOpeningTime=b"\x27" * 9), "is not written YYMMDDhhmmss±hhmm"),
        (cdrs.pgw(recordOpeningTime=time("270305110000", "+9900")), "there is no time"),
        (cdrs.pgw(servedMSISDN=None, servedIMSI=None), "neither the number nor the IMSI"),
        (cdrs.pgw(servedMSISDN=b"\x91\xff\x21"), "has a filler before its end"),
        (cdrs.pgw(servedMSISDN=b"\x91\x2a\x21"), "is not an MSISDN or IMSI"),
        (cdrs.pgw(servingNodePLMNIdentifier=b"\x12\xf4\xaa"), "is not a PLMN"),
        (cdrs.call(callDuration=-1), "is not a whole number of seconds"),
        (cdrs.call(calledNumber=None), "calledNumber is missing"),
        (cdrs.message(destinationNumber=None), "destinationNumber is missing"),
        (cdrs.charging_function(pDUSessionChargingInformation=None), "neither a PDU session nor a short message"),
        (cdrs.charging_function(recordOpeningTime=None), "recordOpeningTime is missing"),
        (
            cdrs.charging_function(pDUSessionChargingInformation={"servingCNPLMNID": cdrs.SPAIN}),
            "chargingID is missing",
        ),
        (
            cdrs.charging_function(
                pDUSessionChargingInformation=None, sMSChargingInformation={"eventtimestamp": time()}
            ),
            "the recipient of the message is missing",
        ),
        (b"\xbf\x4c\x03\x80\x01\x4c", None),
        (b"\xbf\x7f\x03\x80\x01\x4c", "opens no known record"),
        (b"\xbf\x4f\x04\x80\x01\x55\x80", "the length of an element is cut off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_that_is_wrong_is_a_broken_row_and_the_rest_is_read(
    tmp_path: Path, cdr: bytes, message: str | None
) -> None:
    rows, file = read(tmp_path, cdr, cdrs.call())
    assert isinstance(rows[-1], UsageRecord)
    if message is None:
        assert file.left_out.total() == 1
        return
    assert isinstance(rows[0], BrokenRow)
    assert message in rows[0].message
    assert (rows[0].source, bytes.fromhex(rows[0].text)) == ("cdrs.dat:1", cdr)
    [finding] = file.findings.kept
    assert (finding.severity, finding.code, finding.place) == (Severity.SEVERE, "record.10", "record[1]")


def test_a_record_with_one_broken_container_gives_none_of_its_containers(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, cdrs.pgw(listOfServiceData=[service(32, 1, 5), service(32, -1, 5)]))
    assert [type(row) for row in rows] == [BrokenRow]
