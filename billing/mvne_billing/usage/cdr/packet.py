"""Data sessions: the records of P-GW, S-GW and SGSN, and of the 5G charging function, as usage records.

A record tells a stretch of a session; those of one session share its charging id and the address of its gateway. It is
divided again, by rating group and wherever conditions changed: each container is a usage record. Where a record has
containers by service they are taken, since its traffic volumes are the same octets told once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from mvne_billing.usage.cdr.fields import Value, address_of, compact, country_at, line, need, number_of, time_of, volume
from mvne_billing.usage.digits import line_of
from mvne_billing.usage.facts import Conventions
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_plans.quantity import Kind


class _Container(NamedTuple):
    """A part of a session: when it began, its octets, its rating group (None where there is none)."""

    start: datetime
    amount: int
    group: int | None


#: Where each record has the address of its session's gateway.
_GATEWAYS = {
    "pGWRecord": ("p-GWAddress",),
    "sGWRecord": ("p-GWAddressUsed", "s-GWAddress"),
    "sgsnPDPRecord": ("ggsnAddressUsed",),
}


def gateway_records(name: str, value: Value, source: str, conventions: Conventions) -> list[UsageRecord]:
    """Return the usage records of a P-GW, S-GW or SGSN record; raise `InvalidUsage` saying what is wrong with it."""
    gateway = next((address_of(value[part]) for part in _GATEWAYS[name] if part in value), "")
    opened = time_of(need(value, "recordOpeningTime"))
    sequence = value.get("recordSequenceNumber", value.get("localSequenceNumber", 0))
    return _records(
        f"{name.removesuffix('Record')}-{gateway}-{need(value, 'chargingID')}-{compact(opened)}-{sequence}",
        _service_containers(value, opened) or _traffic_containers(value, opened) or [_Container(opened, 0, None)],
        conventions,
        msisdn=line(value),
        country=country_at(value.get("servingNodePLMNIdentifier"), conventions),
        source=source,
        session=f"{value['chargingID']}@{gateway}",
    )


def _service_containers(value: Value, opened: datetime) -> list[_Container]:
    return [
        _Container(
            time_of(one["timeOfFirstUsage"]) if "timeOfFirstUsage" in one else opened,
            volume(one, "datavolumeFBCUplink", "datavolumeFBCDownlink"),
            need(one, "ratingGroup"),
        )
        for one in value.get("listOfServiceData", [])
    ]


def _traffic_containers(value: Value, opened: datetime) -> list[_Container]:
    """Return the containers of a list of volumes: each is closed at its change time, where the next one begins."""
    found, start = [], opened
    for one in value.get("listOfTrafficVolumes", []):
        found.append(_Container(start, volume(one, "dataVolumeGPRSUplink", "dataVolumeGPRSDownlink"), None))
        start = time_of(one["changeTime"]) if "changeTime" in one else start
    return found


def charging_records(value: Value, source: str, conventions: Conventions) -> list[UsageRecord]:
    """Return the usage records of a 5G charging function's record: of a PDU session, or of a short message."""
    if "sMSChargingInformation" in value:
        return [_short_message(value, source, conventions)]
    if "pDUSessionChargingInformation" not in value:
        raise InvalidUsage("the record is of neither a PDU session nor a short message; no tariff prices it")
    session = value["pDUSessionChargingInformation"]
    opened = time_of(need(value, "recordOpeningTime"))
    charging_id = value.get("chargingID", session.get("pDUSessionChargingID"))
    if charging_id is None:
        raise InvalidUsage("chargingID is missing")
    consumer = value.get("nFunctionConsumerInformation", {})
    node = consumer.get("networkFunctionName", value.get("recordingNetworkFunctionID", ""))
    network = session.get("servingCNPLMNID", consumer.get("networkFunctionPLMNIdentifier"))
    return _records(
        f"chf-{node}-{charging_id}-{compact(opened)}-{value.get('recordSequenceNumber', 0)}",
        list(_unit_containers(value, opened)) or [_Container(opened, 0, None)],
        conventions,
        msisdn=_chf_line(value, session),
        country=country_at(network, conventions),
        source=source,
        session=f"{charging_id}@{node}",
    )


def _unit_containers(value: Value, opened: datetime) -> Iterator[_Container]:
    for usage in value.get("listOfMultipleUnitUsage", []):
        for one in usage.get("usedUnitContainers", []):
            first = one.get("pDUContainerInformation", {}).get("timeOfFirstUsage")
            whole = ("dataTotalVolume",) if "dataTotalVolume" in one else ("dataVolumeUplink", "dataVolumeDownlink")
            yield _Container(time_of(first) if first else opened, volume(one, *whole), need(usage, "ratingGroup"))


def _short_message(value: Value, source: str, conventions: Conventions) -> UsageRecord:
    message = value["sMSChargingInformation"]
    sent = time_of(need(message, "eventtimestamp"))
    recipient: Value = next(iter(message.get("recipientInfos", [])), {})
    to = number_of(recipient.get("recipientMSISDN", b""), conventions.national)
    to = to or recipient.get("recipientOtherAddress", {}).get("sMAddressData", "")
    if not to:
        raise InvalidUsage("the recipient of the message is missing")
    who = _chf_line(value, {})
    node = value.get("recordingNetworkFunctionID", "")
    return UsageRecord(
        id=f"chf-{node}-sms-{who}-{compact(sent)}-{to}-{value.get('recordSequenceNumber', 0)}",
        msisdn=who,
        kind=Kind.SMS,
        start=sent,
        amount=1,
        country=country_at(
            value.get("nFunctionConsumerInformation", {}).get("networkFunctionPLMNIdentifier"), conventions
        ),
        to=to,
        source=source,
    )


def _chf_line(value: Value, session: Value) -> str:
    """Return the line: the user's number where it is told, else the identity of the subscription."""
    _, number = session.get("userIdentifier", ("", ""))
    said = value.get("subscriberIdentifier", {}).get("subscriptionIDData", "")
    number = _digits(number, "tel:", "msisdn-")
    if not number and value.get("subscriberIdentifier", {}).get("subscriptionIDType") == 0:
        number = _digits(said, "tel:", "msisdn-")
    return line_of(number, _digits(said, "imsi-"))


def _digits(text: str, *prefixes: str) -> str:
    for prefix in prefixes:
        text = text.removeprefix(prefix)
    text = text.removeprefix("+")
    return text if text.isascii() and text.isdigit() and len(text) <= 15 else ""


def _records(key: str, containers: Sequence[_Container], conventions: Conventions, **common: Any) -> list[UsageRecord]:
    """Return a usage record for each container; their ids are the record's key and their place in it."""
    return [
        UsageRecord(
            id=f"{key}-{place}" if one.group is None else f"{key}-{place}-rg{one.group}",
            kind=Kind.DATA,
            start=one.start,
            amount=one.amount,
            label="" if one.group is None else conventions.labels.get(one.group, ""),
            **common,
        )
        for place, one in enumerate(containers, start=1)
    ]
