"""From the body of a charging data request to the words of charging: whose, what, where, how much."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_billing.charging.edges.measured import WrongUnit
from mvne_billing.charging.edges.names import invocation, short
from mvne_billing.charging.edges.numbers import NotANumber, called
from mvne_billing.charging.edges.people import NotAnIdentity, Party, party
from mvne_billing.charging.edges.places import NoCountry, country
from mvne_billing.charging.nchf.body import ChargingDataRequest, MultipleUnitUsage
from mvne_billing.charging.nchf.problems import Cause, InvalidParam, Problem
from mvne_billing.charging.session import Service, Trigger, Units
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_plans.quantity import MOST, Kind

#: What a network function charges for (TS 32.291 `NodeFunctionality`), where the body does not say more.
_KINDS = {
    "SMF": Kind.DATA,
    "I_SMF": Kind.DATA,
    "V_SMF": Kind.DATA,
    "PGW_C_SMF": Kind.DATA,
    "SGW": Kind.DATA,
    "SGSN": Kind.DATA,
    "ePDG": Kind.DATA,
    "UPF": Kind.DATA,
    "SMSF": Kind.SMS,
    "SMS": Kind.SMS,
    "IMS_Node": Kind.VOICE,
}
_TRIGGERS = {str(one): one for one in Trigger}
_ABROAD = "OUT_BOUND"


def party_of(said: ChargingDataRequest) -> Party:
    """Return whose use it is: the subscriber's SUPI, else the served GPSI. Raises a `Problem`."""
    user = said.pdu.user if said.pdu is not None else said.ims.user if said.ims is not None else None
    named = said.subscriber or (user.gpsi if user is not None else "")
    place = "/subscriberIdentifier"
    if not named:
        raise Problem(Cause.CHARGING_FAILED, "no subscriber is named", [InvalidParam(place, "is missing")])
    try:
        return party(named)
    except NotAnIdentity as error:
        raise Problem(Cause.CHARGING_FAILED, str(error), [InvalidParam(place, str(error))]) from None


def kind_of(said: ChargingDataRequest) -> Kind:
    """Return what sort of use it is. Raises a `Problem` for a service that no tariff prices."""
    if said.sms is not None:
        return Kind.SMS
    if said.ims is not None:
        return Kind.VOICE
    kind = Kind.DATA if said.pdu is not None else _KINDS.get(said.consumer.functionality)
    if kind is None:
        detail = "no tariff prices the service of this network function: it is neither data, calls nor messages"
        where = InvalidParam("/nfConsumerIdentification/nodeFunctionality", "charges for nothing that is priced here")
        raise Problem(Cause.CHARGING_FAILED, detail, [where])
    return kind


def session_of(said: ChargingDataRequest) -> str:
    """Return what a new session is called: as the host's records call it, else by what identifies the invocation."""
    pdu, ims = said.pdu, said.ims
    numbers = (said.charging_id, pdu.charging_id if pdu is not None else None)
    charging_id: object = next((one for one in numbers if one is not None), None)
    if charging_id is None:
        charging_id = (pdu.charging_name if pdu is not None else "") or (ims.charging_name if ims is not None else "")
    if charging_id == "":
        return another_session_of(said)
    return short(f"{charging_id}@{said.consumer.name}")


def another_session_of(said: ChargingDataRequest) -> str:
    """Return a name by what identifies the invocation alone: for an event, and where a charging id comes again.

    A repeat says all of it again; two messages to one number differ by their references, or by their moments.
    """
    pdu, sms, ims, node = said.pdu, said.sms, said.ims, said.consumer
    connection = pdu.session.id if pdu is not None and pdu.session is not None else None
    message = (sms.reference, sms.number, [one.number for one in sms.recipients]) if sms is not None else ()
    spoken = (ims.charging_name, ims.session_name, ims.called_address) if ims is not None else ()
    what = (said.charging_id, connection, *message, *spoken, said.is_event)
    return invocation(node.name, node.functionality, party_of(said), said.at.isoformat(), said.sequence, *what)


def service_of(said: ChargingDataRequest, kind: Kind, group: int, conventions: Conventions) -> Service | None:
    """Return what a rating group is used for, None when the request says nothing of it. Raises a `Problem`."""
    label = conventions.labels.get(group, "")
    if kind is Kind.DATA:
        return None if said.pdu is None else Service(kind, None, _country(said, conventions), label)
    if kind is Kind.SMS:
        return None if said.sms is None else Service(kind, _recipient(said), _country(said, conventions), label)
    if said.ims is None:
        return None
    if said.ims.role == "TERMINATING":
        if not conventions.incoming:
            raise Problem(Cause.CHARGING_NOT_APPLICABLE, "a call that reaches the line costs it nothing")
        return Service(kind, f"+{party_of(said).digits}", _country(said, conventions), INCOMING)
    return Service(kind, _called(said), _country(said, conventions), label)


def _called(said: ChargingDataRequest) -> str:
    ims = said.ims
    address = "" if ims is None else ims.called_address or next(iter(ims.requested_addresses), "")
    try:
        return called(address)
    except NotANumber as error:
        where = InvalidParam("/iMSChargingInformation/calledPartyAddress", str(error))
        raise Problem(Cause.CHARGING_FAILED, str(error), [where]) from None


def _recipient(said: ChargingDataRequest) -> str:
    recipients = said.sms.recipients if said.sms is not None else ()
    where = "/sMSChargingInformation/recipientInfo"
    if len(recipients) != 1:
        detail = f"{len(recipients)} recipients: each has a price of its own, so each message is a request of its own"
        raise Problem(Cause.CHARGING_FAILED, detail, [InvalidParam(where, "names one recipient")])
    try:
        return called(recipients[0].number)
    except NotANumber as error:
        raise Problem(Cause.CHARGING_FAILED, str(error), [InvalidParam(where, str(error))]) from None


def _country(said: ChargingDataRequest, conventions: Conventions) -> str:
    try:
        return country(_networks(said), conventions)
    except NoCountry as error:
        where = InvalidParam("/pDUSessionChargingInformation/pduSessionInformation/servingCNPlmnId", str(error))
        raise Problem(Cause.CHARGING_FAILED, str(error), [where]) from None


def _networks(said: ChargingDataRequest) -> Iterator[str]:
    """Yield the networks that serve the phone; the consumer's own network last, and not for a phone that is abroad."""
    roamer = ""
    for block in (said.pdu, said.sms, said.ims):
        if block is not None:
            yield from block.networks()
    if said.pdu is not None and said.pdu.user is not None:
        roamer = said.pdu.user.roamer
    elif said.sms is not None:
        roamer = said.sms.roamer
    elif said.ims is not None and said.ims.user is not None:
        roamer = said.ims.user.roamer
    if said.consumer.plmn is not None and roamer != _ABROAD:
        yield said.consumer.plmn.digits


def groups_of(said: ChargingDataRequest, kind: Kind, conventions: Conventions) -> tuple[Units, ...]:
    """Return the rating groups of a request; the same group twice, as two user planes report it, is one.

    Raises a `Problem` that names what is wrong.
    """
    found: dict[int, Units] = {}
    for place, usage in enumerate(said.usage):
        units = _units(said, usage, place, kind, conventions)
        before = found.get(units.rating_group)
        if before is not None:
            wanted = [one for one in (before.requested, units.requested) if one is not None]
            units = Units(
                rating_group=units.rating_group,
                service=units.service,
                requested=sum(wanted) if wanted else None,
                used=before.used + units.used,
                trigger=before.trigger or units.trigger,
            )
        found[units.rating_group] = units
    return tuple(found.values())


def _units(
    said: ChargingDataRequest, usage: MultipleUnitUsage, place: int, kind: Kind, conventions: Conventions
) -> Units:
    used = 0
    for number, container in enumerate(usage.used):
        try:
            used += container.measured.of(kind) or 0
        except WrongUnit as error:
            where = f"/multipleUnitUsage/{place}/usedUnitContainer/{number}"
            raise Problem(Cause.RE_AUTHORIZATION_FAILED, str(error), [InvalidParam(where, str(error))]) from None
    if used > MOST:
        where = f"/multipleUnitUsage/{place}/usedUnitContainer"
        detail = f"nobody uses {used} {kind.base_unit}s: the most that is believed is {MOST}"
        raise Problem(Cause.RE_AUTHORIZATION_FAILED, detail, [InvalidParam(where, detail)])
    requested = None if usage.requested is None else usage.requested.measured
    try:
        wanted = None if requested is None else requested.wanted(kind)
    except WrongUnit as error:
        where = f"/multipleUnitUsage/{place}/requestedUnit"
        raise Problem(Cause.CHARGING_FAILED, str(error), [InvalidParam(where, str(error))]) from None
    service = service_of(said, kind, usage.rating_group, conventions)
    return Units(usage.rating_group, service, wanted, used, _trigger(said, usage))


def _trigger(said: ChargingDataRequest, usage: MultipleUnitUsage) -> Trigger | None:
    """Return why the group is reported; what charging has no word for is None."""
    told = [one.type for container in reversed(usage.used) for one in container.triggers]
    told += [one.type for one in said.triggers]
    return next((_TRIGGERS[one] for one in told if one in _TRIGGERS), None)
