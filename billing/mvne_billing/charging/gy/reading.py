"""From the AVPs of a credit-control request to the words of charging: whose, what, where, how much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from ipaddress import ip_address
from typing import NamedTuple

from mvne_billing.charging.edges.measured import Measured, WrongUnit
from mvne_billing.charging.edges.numbers import NotANumber, called
from mvne_billing.charging.edges.people import Naming, NotAnIdentity, Party, party
from mvne_billing.charging.edges.places import NoCountry, country
from mvne_billing.charging.gy import avps
from mvne_billing.charging.gy.codes import Code, Refused
from mvne_billing.charging.gy.wire import Group, needed
from mvne_billing.charging.session import MOST_GROUPS, Service, Trigger, Units
from mvne_billing.usage.digits import plmn
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_billing.usage.record import InvalidUsage
from mvne_plans.quantity import MOST, Kind


class RequestType(IntEnum):
    """What a request is (RFC 8506, 8.3)."""

    INITIAL = 1
    UPDATE = 2
    TERMINATION = 3
    EVENT = 4


#: Service contexts by the specification that wrote them (TS 32.299, 7.1.12).
_CONTEXTS = {"32251@3gpp.org": Kind.DATA, "32274@3gpp.org": Kind.SMS, "32260@3gpp.org": Kind.VOICE}

#: Values of 3GPP-Reporting-Reason (TS 32.299, 7.2.175).
_REASONS: Mapping[int, Trigger] = {
    0: Trigger.QUOTA_THRESHOLD,
    1: Trigger.QHT,
    2: Trigger.FINAL,
    3: Trigger.QUOTA_EXHAUSTED,
    4: Trigger.VALIDITY_TIME,
    5: Trigger.OTHER_QUOTA_TYPE,
    7: Trigger.FORCED_REAUTHORISATION,
}
#: Values of Subscription-Id-Type (RFC 8506, 8.47).
_NAMINGS = {0: Naming.MSISDN, 1: Naming.IMSI}
_TERMINATING = 1

#: `utran-cell-id-3gpp=20801…` and its like begin with the network; a visited network is called mnc001.mcc208.
_CELL = re.compile(r"(?:cgi-3gpp|utran-cell-id-3gpp)=\"?([0-9]{5,6})", re.ASCII)
_VISITED = re.compile(r"mnc([0-9]{2,3})\.mcc([0-9]{3})", re.ASCII)


class Said(NamedTuple):
    """A request with the parts that are looked into again and again."""

    all: Group
    service: Group | None
    kind: Kind


def said(asked: Group) -> Said:
    """Return a request with its service; raise `Refused` with 5031 for one that no tariff prices."""
    context = str(needed(asked.text(avps.SERVICE_CONTEXT_ID), avps.SERVICE_CONTEXT_ID))
    kind = next((kind for end, kind in _CONTEXTS.items() if context.endswith(end)), None)
    if kind is None:
        raise Refused(Code.RATING_FAILED, f"no tariff prices the service context {context[:60]!r}")
    return Said(asked, asked.group(avps.SERVICE_INFORMATION), kind)


def party_of(asked: Said) -> Party | None:
    """Return whose use it is: the IMSI before the number; None when nobody is named. Raises `Refused` with 5030."""
    groups = asked.all.groups(avps.SUBSCRIPTION_ID)
    if asked.service is not None:
        groups += asked.service.groups(avps.SUBSCRIPTION_ID)
    found: dict[Naming, str] = {}
    for one in groups:
        naming = _NAMINGS.get(one.number(avps.SUBSCRIPTION_ID_TYPE) or 0)
        if naming is not None:
            found.setdefault(naming, (one.text(avps.SUBSCRIPTION_ID_DATA) or "").removeprefix("+"))
    for naming in (Naming.IMSI, Naming.MSISDN):
        if naming in found:
            try:
                return party(f"{naming}-{found[naming]}")
            except NotAnIdentity as error:
                raise Refused(Code.USER_UNKNOWN, str(error)) from None
    if groups:
        raise Refused(Code.USER_UNKNOWN, "a line is named by its IMSI or its number in E.164")
    return None


def records_name(asked: Said) -> str | None:
    """Return what the host's records call a data session: charging id and gateway; None where either is not told."""
    packet = asked.service.group(avps.PS_INFORMATION) if asked.service is not None else None
    number = packet.octets(avps.CHARGING_ID) if packet is not None else None
    address = packet.octets(avps.GGSN_ADDRESS) if packet is not None else None
    if not number or not address or address[:2] not in (b"\x00\x01", b"\x00\x02"):
        return None
    try:
        return f"{int.from_bytes(number, 'big')}@{ip_address(address[2:])}"
    except ValueError:
        raise Refused(Code.INVALID_AVP_VALUE, f"AVP {avps.GGSN_ADDRESS.code} is not an address") from None


def groups_of(asked: Said, conventions: Conventions) -> tuple[Units, ...]:
    """Return the rating groups of a request. One that names none is of group 0. Raises `Refused`."""
    several = asked.all.groups(avps.MULTIPLE_SERVICES_CREDIT_CONTROL)
    if len(several) > MOST_GROUPS:
        raise Refused(Code.INVALID_AVP_VALUE, f"more than {MOST_GROUPS} services in one request")
    if not several:
        told = avps.REQUESTED_SERVICE_UNIT in asked.all or avps.USED_SERVICE_UNIT in asked.all
        return (units_of(asked, asked.all, conventions),) if told else ()
    found = tuple(units_of(asked, one, conventions) for one in several)
    if len({one.rating_group for one in found}) < len(found):
        raise Refused(Code.INVALID_AVP_VALUE, "a rating group comes twice in one request")
    return found


def rating_group(group: Group) -> int:
    """Return the rating group of a service; its service identifier where it has none."""
    found = group.number(avps.RATING_GROUP)
    return found if found is not None else group.number(avps.SERVICE_IDENTIFIER) or 0


def units_of(asked: Said, group: Group, conventions: Conventions) -> Units:
    """Return what is reported and asked for in one group. Raises `Refused`."""
    number = rating_group(group)
    wanted = group.group(avps.REQUESTED_SERVICE_UNIT)
    reports = group.groups(avps.USED_SERVICE_UNIT)
    try:
        used = sum(_measured(one).of(asked.kind) or 0 for one in reports)
        requested = None if wanted is None else _measured(wanted).wanted(asked.kind)
    except WrongUnit as error:
        raise Refused(Code.INVALID_AVP_VALUE, str(error)) from None
    if used > MOST:
        raise Refused(Code.INVALID_AVP_VALUE, f"nobody uses {used} {asked.kind.base_unit}s")
    reasons = (one.number(avps.REPORTING_REASON) for one in (*reversed(reports), group))
    trigger = next((_REASONS[one] for one in reasons if one is not None and one in _REASONS), None)
    return Units(number, service_of(asked, number, conventions), requested, used, trigger)


def _measured(group: Group) -> Measured:
    return Measured(
        seconds=group.number(avps.CC_TIME),
        total=group.number(avps.CC_TOTAL_OCTETS),
        uplink=group.number(avps.CC_INPUT_OCTETS),
        downlink=group.number(avps.CC_OUTPUT_OCTETS),
        specific=group.number(avps.CC_SERVICE_SPECIFIC_UNITS),
    )


def service_of(asked: Said, group: int, conventions: Conventions) -> Service | None:
    """Return what a rating group is used for, None when the request says nothing of it. Raises `Refused`."""
    information, kind = asked.service, asked.kind
    if information is None:
        return None
    label = conventions.labels.get(group, "")
    if kind is Kind.DATA:
        if avps.PS_INFORMATION not in information:
            return None
        return Service(kind, None, _country(information, conventions), label)
    if kind is Kind.SMS:
        message = information.group(avps.SMS_INFORMATION)
        return (
            None if message is None else Service(kind, _recipient(message), _country(information, conventions), label)
        )
    call = information.group(avps.IMS_INFORMATION)
    if call is None:
        return None
    if call.number(avps.ROLE_OF_NODE) == _TERMINATING:
        if not conventions.incoming:
            raise Refused(Code.CREDIT_CONTROL_NOT_APPLICABLE, "a call that reaches the line costs it nothing")
        label = INCOMING
    return Service(kind, _called(call.text(avps.CALLED_PARTY_ADDRESS)), _country(information, conventions), label)


def messages(asked: Said) -> int:
    """Return how many messages are sent at once: as many as told, else one."""
    message = asked.service.group(avps.SMS_INFORMATION) if asked.service is not None else None
    return (message.number(avps.NUMBER_OF_MESSAGES_SENT) if message is not None else None) or 1


def _called(address: str | None) -> str:
    try:
        return called(address or "")
    except NotANumber as error:
        raise Refused(Code.RATING_FAILED, str(error)) from None


def _recipient(message: Group) -> str:
    addresses = [
        address.text(avps.ADDRESS_DATA)
        for one in message.groups(avps.RECIPIENT_INFO)
        for address in one.groups(avps.RECIPIENT_ADDRESS)
    ]
    if len(addresses) != 1:
        raise Refused(Code.RATING_FAILED, f"{len(addresses)} recipients: each message is a request of its own")
    return _called(addresses[0])


def _country(information: Group, conventions: Conventions) -> str:
    try:
        return country(_networks(information), conventions)
    except NoCountry as error:
        raise Refused(Code.RATING_FAILED, str(error)) from None


def _networks(information: Group) -> Iterator[str]:
    """Yield the networks that serve the phone: as the gateway knows them, then as the call's signalling does."""
    packet, call = information.group(avps.PS_INFORMATION), information.group(avps.IMS_INFORMATION)
    if packet is not None:
        yield packet.text(avps.SGSN_MCC_MNC) or ""
        octets = packet.octets(avps.USER_LOCATION_INFO) or b""
        try:
            yield plmn(octets[1:4]) if len(octets) >= 4 else ""
        except InvalidUsage as error:
            raise Refused(Code.INVALID_AVP_VALUE, str(error)) from None
    if call is not None:
        for text in call.texts(avps.ACCESS_NETWORK_INFORMATION):
            cell = _CELL.search(text)
            yield cell[1] if cell is not None else ""
        visited = _VISITED.search(call.text(avps.IMS_VISITED_NETWORK_IDENTIFIER) or "")
        yield visited[2] + visited[1] if visited is not None else ""
