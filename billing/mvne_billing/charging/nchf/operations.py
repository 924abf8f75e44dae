"""The operations of Nchf_ConvergedCharging: create, update, release, and the one-time event that is over at once.

A body is read, charging is asked, its answer is written: these functions know nothing of HTTP but bodies and problems.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from mvne_billing.charging.edges.edge import Edge, OffClock
from mvne_billing.charging.edges.people import Subscriber
from mvne_billing.charging.nchf import answering, reading
from mvne_billing.charging.nchf.body import MANDATORY, ChargingDataRequest
from mvne_billing.charging.nchf.problems import Cause, InvalidParam, Problem, of_body
from mvne_billing.charging.nchf.refs import NotARef, read_ref, ref
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    Event,
    Request,
    Result,
    SequenceConflict,
    SessionExists,
    Step,
    Units,
)
from mvne_plans.quantity import Kind


class Created(NamedTuple):
    """What was created: its reference, and the body of the answer."""

    ref: str
    body: bytes


async def create(edge: Edge, body: bytes) -> Created:
    """Create charging data, or charge a one-time event. Raises a `Problem`."""
    said = read(body)
    kind = reading.kind_of(said)
    _check_clock(edge, said, is_new=True)
    line = await _line(edge, said)
    if said.is_event:
        name, answer = await _event(edge, said, kind, line)
    else:
        name, answer = await _open(edge, said, kind, line)
    if answer.result is not Result.SUCCESS and not answer.is_open:
        raise answering.denied(answer)
    return Created(ref(line.subscription, name), answering.body(said, kind, answer))


async def update(edge: Edge, reference: str, body: bytes) -> bytes:
    """Report what was used and ask for more; return the body of the answer. Raises a `Problem`."""
    said = read(body)
    kind = reading.kind_of(said)
    return answering.body(said, kind, await _step(edge, Step.UPDATE, reference, said, kind))


async def release(edge: Edge, reference: str, body: bytes) -> None:
    """Report what was used last, and end. Raises a `Problem`."""
    said = read(body)
    await _step(edge, Step.RELEASE, reference, said, reading.kind_of(said))


def read(body: bytes) -> ChargingDataRequest:
    """Return what a body says; raise a `Problem` that names every fault."""
    try:
        return ChargingDataRequest.model_validate_json(body)
    except ValidationError as error:
        raise of_body(error, MANDATORY) from None


def _check_clock(edge: Edge, said: ChargingDataRequest, is_new: bool) -> None:
    try:
        edge.check_clock(said.at, is_new)
    except OffClock as error:
        where = InvalidParam("/invocationTimeStamp", str(error))
        raise Problem(Cause.MANDATORY_IE_INCORRECT, str(error), [where]) from None


async def _line(edge: Edge, said: ChargingDataRequest) -> Subscriber:
    who = reading.party_of(said)
    found = await edge.subscribers(who, said.at)
    if found is None:
        raise Problem(Cause.USER_UNKNOWN, f"nobody here has {who.masked}")
    return found


async def _open(edge: Edge, said: ChargingDataRequest, kind: Kind, line: Subscriber) -> tuple[str, Answer]:
    """Open a session; where a charging id comes again with something else, it is another session of that connection."""
    groups = reading.groups_of(said, kind, edge.conventions)
    name = reading.session_of(said)
    try:
        return name, await _asked(edge, _request(edge, Step.CREATE, line.subscription, name, said, groups, line.msisdn))
    except (SessionExists, SequenceConflict):
        name = reading.another_session_of(said)
        try:
            asked = _request(edge, Step.CREATE, line.subscription, name, said, groups, line.msisdn)
            return name, await _asked(edge, asked)
        except ChargingRefused as error:
            raise answering.refused(error) from None
    except ChargingRefused as error:
        raise answering.refused(error) from None


async def _event(edge: Edge, said: ChargingDataRequest, kind: Kind, line: Subscriber) -> tuple[str, Answer]:
    """Charge for what happens at once (IEC), or for what has happened already (PEC), TS 32.290 clause 5.

    What has happened is charged for as a session that ends as it begins: it cannot be refused any more.
    """
    groups = reading.groups_of(said, kind, edge.conventions)
    if len(groups) > 1:
        where = InvalidParam("/multipleUnitUsage", "names one rating group")
        raise Problem(Cause.CHARGING_FAILED, "an event is of one rating group", [where])
    group = groups[0] if groups else Units(0, reading.service_of(said, kind, 0, edge.conventions))
    name = reading.another_session_of(said)
    try:
        if said.event_type == "PEC":
            return name, await _happened(edge, said, kind, line, name, group)
        units = group.requested or _by_itself(said, kind)
        event = Event(
            brand=edge.brand,
            session=name,
            action=Action.CHARGE,
            subscription=line.subscription,
            at=said.at,
            service=group.service,
            units=units,
            rating_group=group.rating_group,
            msisdn=line.msisdn,
            sequence=said.sequence,
        )
        return name, await edge.charging.ask(event)
    except ChargingRefused as error:
        raise answering.refused(error) from None


async def _happened(
    edge: Edge, said: ChargingDataRequest, kind: Kind, line: Subscriber, name: str, group: Units
) -> Answer:
    opening = Units(group.rating_group, group.service)
    last = Units(group.rating_group, used=group.used or _by_itself(said, kind), trigger=group.trigger)
    first = _request(edge, Step.CREATE, line.subscription, name, said, (opening,), line.msisdn)
    await edge.charging.ask(first)
    closing = Request(edge.brand, name, said.sequence + 1, Step.RELEASE, line.subscription, said.at, (last,))
    return await edge.charging.ask(closing)


def _by_itself(said: ChargingDataRequest, kind: Kind) -> int:
    """Return the units of an event that does not say how many: a message is one, or as many as its parts."""
    if kind is not Kind.SMS or said.sms is None:
        where = InvalidParam("/multipleUnitUsage", "says how much")
        raise Problem(Cause.CHARGING_FAILED, f"an event of {kind} says how much is used", [where])
    return said.sms.parts or 1


async def _step(edge: Edge, step: Step, reference: str, said: ChargingDataRequest, kind: Kind) -> Answer:
    try:
        subscription, name = read_ref(reference)
    except NotARef as error:
        where = InvalidParam("{ChargingDataRef}", str(error))
        raise Problem(Cause.CONTEXT_NOT_FOUND, str(error), [where]) from None
    _check_clock(edge, said, is_new=False)
    groups = reading.groups_of(said, kind, edge.conventions)
    if said.subscriber and (await _line(edge, said)).subscription != subscription:
        where = InvalidParam("/subscriberIdentifier", "is not the subscriber of this charging data")
        raise Problem(Cause.CHARGING_FAILED, "the charging data belongs to another subscriber", [where])
    try:
        return await _asked(edge, _request(edge, step, subscription, name, said, groups))
    except ChargingRefused as error:
        raise answering.refused(error) from None


def _request(
    edge: Edge,
    step: Step,
    subscription: str,
    name: str,
    said: ChargingDataRequest,
    groups: tuple[Units, ...],
    msisdn: str = "",
) -> Request:
    return Request(edge.brand, name, said.sequence, step, subscription, said.at, groups, msisdn)


async def _asked(edge: Edge, request: Request) -> Answer:
    return await edge.charging.ask(request)
