"""Call events of TAP as usage records: who, what, when, how much, whom, where.

Calls and messages that a line makes and its data sessions are records. What reaches a line (mobile terminated) is a
record labelled `incoming` where that was agreed, else left out and counted. The other events of TAP (supplementary
services, content, location, value-added) are nothing that a tariff prices; they are handed on as broken rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mvne_billing.usage.countries import country_of_network
from mvne_billing.usage.digits import EMERGENCY_NUMBER, bcd, line_of
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import LeftOut
from mvne_billing.usage.tap.fault import Fault
from mvne_billing.usage.tap.head import TapHead, text
from mvne_billing.usage.tap.times import when
from mvne_plans.quantity import Kind

Value = Mapping[str, Any]

#: The label of circuit-switched data.
_CIRCUIT_DATA = "csd"

#: Teleservices (3GPP TS 22.003) of short messages, and of emergency calls.
_MESSAGES = (b"21", b"22")
_EMERGENCY = b"12"

#: Numbers as short as these are not in international form.
_SHORT = 6

#: Messaging events that reach a line.
_MESSAGE_IN = 2


class EventReader:
    """The events of one file, made into records."""

    def __init__(self, head: TapHead, source: str, conventions: Conventions) -> None:
        self.head = head
        self.source = source
        self.conventions = conventions
        self._readers: dict[str, Callable[[Value, int], UsageRecord]] = {
            "mobileOriginatedCall": self._originated,
            "mobileTerminatedCall": self._terminated,
            "gprsCall": self._gprs,
            "mobileSession": self._session,
            "messagingEvent": self._message,
        }

    def record(self, name: str, value: Value, place: int) -> UsageRecord:
        """Return the record of an event; raise `LeftOut`, or `InvalidUsage` (often a `Fault`) saying what is wrong."""
        if name in self.conventions.left_out:
            raise LeftOut(name)
        reader = self._readers.get(name)
        if reader is None:
            raise Fault(f"{name}.100", f"{name} is no call, message or data session; no tariff prices it")
        return reader(value, place)

    def _originated(self, value: Value, place: int) -> UsageRecord:
        basic = need(value, "basicCallInformation")
        services = need(value, "basicServiceUsedList")
        kind, label, emergency = _service(services)
        return self._made(
            place,
            kind,
            label,
            amount=1 if kind is Kind.SMS else need(basic, "totalCallEventDuration"),
            line=_subscriber(need(basic, "chargeableSubscriber")),
            start=self._start(basic, "callEventStartTimeStamp"),
            country=self._country(value.get("locationInformation", {})),
            to=EMERGENCY_NUMBER if emergency else _called(basic.get("destination", {}), kind),
            reference=_reference(value.get("locationInformation", {})),
        )

    def _terminated(self, value: Value, place: int) -> UsageRecord:
        self._incoming()
        basic = need(value, "basicCallInformation")
        kind, _, _ = _service(need(value, "basicServiceUsedList"))
        line = _subscriber(need(basic, "chargeableSubscriber"))
        return self._made(
            place,
            kind,
            INCOMING,
            amount=1 if kind is Kind.SMS else need(basic, "totalCallEventDuration"),
            line=line,
            start=self._start(basic, "callEventStartTimeStamp"),
            country=self._country(value.get("locationInformation", {})),
            to=line,
            reference=_reference(value.get("locationInformation", {})),
        )

    def _gprs(self, value: Value, place: int) -> UsageRecord:
        basic = need(value, "gprsBasicCallInformation")
        used = need(value, "gprsServiceUsed")
        place_of_use = value.get("gprsLocationInformation", {})
        charging_id = basic.get("chargingId")
        entities = place_of_use.get("gprsNetworkLocation", {}).get("recEntity", [])
        gateway = next((self.head.gateways[one] for one in entities if one in self.head.gateways), "")
        volumes = [used.get("dataVolumeIncoming"), used.get("dataVolumeOutgoing")]
        if all(volume is None for volume in volumes):
            raise Fault("dataVolume.30", "neither the incoming nor the outgoing volume is there")
        if any(volume is not None and volume < 0 for volume in volumes):
            raise Fault("dataVolume.20", f"volumes {volumes} are negative")
        return self._made(
            place,
            Kind.DATA,
            "",
            amount=sum(volume or 0 for volume in volumes),
            line=_subscriber(need(need(basic, "gprsChargeableSubscriber"), "chargeableSubscriber")),
            start=self._start(basic, "callEventStartTimeStamp"),
            country=self._country(place_of_use),
            to=None,
            reference="" if charging_id is None else str(charging_id),
            session=None if charging_id is None else f"{charging_id}@{gateway}",
        )

    def _session(self, value: Value, place: int) -> UsageRecord:
        line = _party(need(value, "chargedParty"))
        dialled = value.get("requestedDestination") or value.get("nonChargedParty") or {}
        to = _plain(dialled.get("requestedNumber") or dialled.get("nonChargedPartyNumber"))
        label = ""
        if "requestedDestination" not in value:
            self._incoming()
            label, to = INCOMING, line
        return self._made(
            place,
            Kind.VOICE,
            label,
            amount=need(value, "totalCallEventDuration"),
            line=line,
            start=self._start(value, "serviceStartTimestamp"),
            country=self._country(value),
            to=to or _public(dialled.get("requestedPublicUserId")),
            reference=text(value.get("eventReference", b"")),
        )

    def _message(self, value: Value, place: int) -> UsageRecord:
        line = _party(need(value, "chargedParty"))
        other = value.get("nonChargedParty", {})
        to = _plain(other.get("nonChargedPartyNumber")) or _public(other.get("nonChargedPublicUserId"))
        label = ""
        if need(value, "messagingEventService") == _MESSAGE_IN:
            self._incoming()
            label, to = INCOMING, line
        return self._made(
            place,
            Kind.SMS,
            label,
            amount=1,
            line=line,
            start=self._start(value, "serviceStartTimestamp"),
            country=self._country(value),
            to=to,
            reference=text(value.get("eventReference", b"")),
        )

    def _incoming(self) -> None:
        if not self.conventions.incoming:
            raise LeftOut(INCOMING)

    def _start(self, value: Value, name: str) -> datetime:
        return when(need(value, name), self.head.offsets)

    def _country(self, value: Value) -> str:
        """Return where the phone was: the serving network where it is named, else the network that sends the file."""
        serving = text(value.get("geographicalLocation", {}).get("servingNetwork", b""))
        network = serving if len(serving) == 5 else self.head.sender
        country = country_of_network(network, self.conventions.countries)
        if country is None:
            raise Fault("sender.20", f"network {network!r} is in no known country")
        return country

    def _made(
        self,
        place: int,
        kind: Kind,
        label: str,
        *,
        amount: int,
        line: str,
        start: datetime,
        country: str,
        to: str | None,
        reference: str,
        session: str | None = None,
    ) -> UsageRecord:
        if amount < 0:
            raise Fault("totalCallEventDuration.20", f"the duration {amount} is negative")
        if to == "" and kind is not Kind.DATA:
            raise Fault("calledNumber.30", "the called number is missing")
        return UsageRecord(
            id=self._id(place, kind, label, line, start, to, reference),
            msisdn=line,
            kind=kind,
            start=start,
            amount=amount,
            country=country,
            to=to,
            source=self.source,
            session=session,
            label=label,
        )

    def _id(
        self, place: int, kind: Kind, label: str, line: str, start: datetime, to: str | None, reference: str
    ) -> str:
        """Return the event's own key, the same in whatever file it is sent again; without a reference, its place."""
        if not reference.strip("0"):
            return f"tap-{self.head.sender}-{self.head.recipient}-{self.head.sequence}-{place}"
        moment = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        parts = (self.head.sender, label or kind.value, line, moment, to or "", reference)
        return "-".join(("tap", *(part for part in parts if part)))


def need(value: Value, name: str) -> Any:
    """Return a part; raise `Fault` when it is missing."""
    if name not in value:
        raise Fault(f"{name}.30", f"{name} is missing")
    return value[name]


def _subscriber(chosen: tuple[str, Value]) -> str:
    name, value = chosen
    if name != "simChargeableSubscriber":
        raise Fault("chargeableSubscriber.100", "the subscriber is not one of a SIM")
    return line_of(bcd(value.get("msisdn", b"")), bcd(value.get("imsi", b"")))


def _party(value: Value) -> str:
    return line_of(bcd(value.get("msisdn", b"")), bcd(value.get("imsi", b"")))


def _service(services: list[Value]) -> tuple[Kind, str, bool]:
    """Return the kind of use, its label, and whether it is an emergency call, by the first service that was used."""
    if not services:
        raise Fault("basicServiceUsedList.30", "no service was used")
    name, code = need(need(services[0], "basicService"), "serviceCode")
    if name == "bearerServiceCode":
        return Kind.VOICE, _CIRCUIT_DATA, False
    return Kind.SMS if code in _MESSAGES else Kind.VOICE, "", code == _EMERGENCY


def _called(destination: Value, kind: Kind) -> str:
    """Return the called number: in international form where the network gives it, else as it was dialled."""
    names = ("sMSDestinationNumber", "calledNumber") if kind is Kind.SMS else ("calledNumber",)
    for name in names:
        octets = destination.get(name, b"")
        number = text(octets) if name == "sMSDestinationNumber" else bcd(octets)
        if number:
            return _international(number)
    return text(destination.get("dialledDigits", b""))


def _international(number: str) -> str:
    return number if len(number) <= _SHORT or not number.isdigit() else f"+{number}"


def _plain(octets: bytes | None) -> str:
    return _international(text(octets)) if octets else ""


def _public(octets: bytes | None) -> str:
    """Return the number in a public user identity such as `tel:+33142990000` or `sip:+33142990000@…`."""
    identity = text(octets or b"")
    return identity.removeprefix("tel:").removeprefix("sip:").split("@")[0].split(";")[0]


def _reference(location: Value) -> str:
    found: bytes = location.get("networkLocation", {}).get("callReference", b"")
    return found.hex()
