"""Credit control: what is done with a request, from its AVPs to those of its answer (RFC 8506 clauses 5 and 6)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from mvne_billing.charging.edges.edge import Edge, OffClock
from mvne_billing.charging.edges.names import short
from mvne_billing.charging.edges.people import Subscriber
from mvne_billing.charging.gy import answering, avps, reading
from mvne_billing.charging.gy.codes import RESULTS, Code, Refused, code_of
from mvne_billing.charging.gy.reading import RequestType, Said
from mvne_billing.charging.gy.wire import Group, Pair, needed
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    Event,
    Granted,
    Request,
    Result,
    SequenceConflict,
    SessionClosed,
    SessionExists,
    Step,
    Units,
    UnknownSession,
)
from mvne_plans.quantity import Kind

_STEPS = {
    RequestType.INITIAL: Step.CREATE,
    RequestType.UPDATE: Step.UPDATE,
    RequestType.TERMINATION: Step.RELEASE,
}


class RequestedAction(IntEnum):
    """What an event asks for (RFC 8506, 8.41)."""

    DIRECT_DEBITING = 0
    REFUND_ACCOUNT = 1
    CHECK_BALANCE = 2
    PRICE_ENQUIRY = 3


_ACTIONS = {
    RequestedAction.DIRECT_DEBITING: Action.CHARGE,
    RequestedAction.REFUND_ACCOUNT: Action.REFUND,
    RequestedAction.CHECK_BALANCE: Action.CHECK,
    RequestedAction.PRICE_ENQUIRY: Action.PRICE,
}
_ENOUGH_CREDIT, _NO_CREDIT = 0, 1  # Check-Balance-Result, RFC 8506, 8.6


class Answered(NamedTuple):
    """A result code, and the AVPs beside it."""

    code: Code
    pairs: list[Pair]


class Names:
    """What charging calls the sessions of Diameter clients, of those that spoke lately.

    A data session is called as the host's records call it, by its charging id, so that they meet; its Session-Id counts
    where that name is taken or not told.
    """

    def __init__(self, most: int = 500_000) -> None:
        self._most = most
        self._known: OrderedDict[str, str] = OrderedDict()

    def of(self, session: str, told: Said) -> list[str]:
        """Return what a session may be called, the likeliest first."""
        if session in self._known:
            return [self._known[session]]
        by_records = reading.records_name(told)
        return [short(session)] if by_records is None else [short(by_records), short(session)]

    def remember(self, session: str, name: str) -> None:
        """Note what a session is called."""
        self._known[session] = name
        self._known.move_to_end(session)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, session: str) -> None:
        """Let go of a session that has ended; a repeat finds it again."""
        self._known.pop(session, None)


async def credit_control(edge: Edge, names: Names, asked: Group) -> Answered:
    """Answer a credit-control request; whatever is wrong with it is a result code and a sentence."""
    pairs: list[Pair] = [(avps.AUTH_APPLICATION_ID, avps.CREDIT_CONTROL)]
    try:
        number = int(needed(asked.number(avps.CC_REQUEST_NUMBER), avps.CC_REQUEST_NUMBER))
        pairs.append((avps.CC_REQUEST_NUMBER, number))
        kind = needed(asked.number(avps.CC_REQUEST_TYPE), avps.CC_REQUEST_TYPE)
        if kind not in frozenset(RequestType):
            raise Refused(Code.INVALID_AVP_VALUE, f"there is no request type {kind}")
        pairs.append((avps.CC_REQUEST_TYPE, int(kind)))
        found = await _answer(edge, names, asked, RequestType(kind), number)
        return Answered(found.code, pairs + found.pairs)
    except ChargingRefused as error:
        return Answered(code_of(error), [*pairs, (avps.ERROR_MESSAGE, str(error))])
    except Refused as refused:
        return Answered(refused.code, [*pairs, (avps.ERROR_MESSAGE, refused.message)])


async def _answer(edge: Edge, names: Names, asked: Group, kind: RequestType, number: int) -> Answered:
    session = str(needed(asked.text(avps.SESSION_ID), avps.SESSION_ID))
    told = reading.said(asked)
    at = asked.moment(avps.EVENT_TIMESTAMP) or edge.clock()
    try:
        edge.check_clock(at, kind in (RequestType.INITIAL, RequestType.EVENT))
    except OffClock as error:
        raise Refused(Code.INVALID_AVP_VALUE, str(error)) from None
    if kind is RequestType.EVENT:
        line = await _line(edge, told, [], at)
        return await _event(edge, told, short(session), number, line, at)
    step, candidates = _STEPS[kind], names.of(session, told)
    line = await _line(edge, told, [] if step is Step.CREATE else candidates, at)
    groups = reading.groups_of(told, edge.conventions)
    msisdn = line.msisdn if step is Step.CREATE else ""
    asking = Request(edge.brand, "", number, step, line.subscription, at, groups, msisdn)
    answer = await _asked(edge, asking, candidates)
    names.remember(session, answer.session)
    if step is Step.RELEASE:
        names.forget(session)
    has_groups = avps.MULTIPLE_SERVICES_CREDIT_CONTROL in asked
    code = Code.SUCCESS if step is Step.RELEASE else answering.code_of(answer)
    return Answered(code, answering.session_pairs(answer, told.kind, has_groups))


async def _asked(edge: Edge, asking: Request, candidates: Sequence[str]) -> Answer:
    """Ask charging under the first name that it does not turn down for being another session's, or nobody's."""
    turned_down: tuple[type[ChargingRefused], ...] = (UnknownSession, SessionClosed)
    if asking.step is Step.CREATE:
        turned_down = (SessionExists, SequenceConflict)
    for name in candidates[:-1]:
        with suppress(*turned_down):
            return await edge.charging.ask(replace(asking, session=name))
    return await edge.charging.ask(replace(asking, session=candidates[-1]))


async def _line(edge: Edge, told: Said, sessions: Sequence[str], at: datetime) -> Subscriber:
    """Return the line: as named, else the one that one of these sessions is of."""
    who = reading.party_of(told)
    if who is not None:
        found = await edge.subscribers(who, at)
        if found is None:
            raise Refused(Code.USER_UNKNOWN, f"nobody here has {who.masked}")
        return found
    if not sessions:
        raise Refused(Code.MISSING_AVP, f"AVP {avps.SUBSCRIPTION_ID.code} is missing")
    for one in sessions:
        if (owner := await edge.owners(one)) is not None:
            return Subscriber(owner, "")
    raise Refused(Code.UNKNOWN_SESSION_ID, "there is no such session")


async def _event(edge: Edge, told: Said, session: str, number: int, line: Subscriber, at: datetime) -> Answered:
    """Charge, refund, check or price at once (RFC 8506, 6.1 to 6.4)."""
    asked = told.all
    wanted = needed(asked.number(avps.REQUESTED_ACTION), avps.REQUESTED_ACTION)
    if wanted not in frozenset(RequestedAction):
        raise Refused(Code.INVALID_AVP_VALUE, f"there is no requested action {wanted}")
    action = _ACTIONS[RequestedAction(wanted)]
    several = asked.groups(avps.MULTIPLE_SERVICES_CREDIT_CONTROL)
    if len(several) > 1:
        raise Refused(Code.INVALID_AVP_VALUE, "an event is of one service")
    group = several[0] if several else asked
    units = reading.units_of(told, group, edge.conventions)
    event = Event(
        brand=edge.brand,
        session=session,
        action=action,
        subscription=line.subscription,
        at=at,
        service=units.service,
        units=_amount(told, action, units),
        rating_group=units.rating_group,
        refunds=_refunds(asked, group) if action is Action.REFUND else "",
        msisdn=line.msisdn,
        sequence=number,
    )
    answer = await edge.charging.ask(event)
    return _event_answer(told.kind, action, answer, session, bool(several))


def _amount(told: Said, action: Action, units: Units) -> int:
    """Return how many units an event is of: a refund that names none is of all; a message is one."""
    if units.requested:
        return units.requested
    if action is Action.REFUND:
        return 0
    if told.kind is not Kind.SMS:
        raise Refused(Code.MISSING_AVP, f"AVP {avps.REQUESTED_SERVICE_UNIT.code} is missing: it says how much")
    return reading.messages(told)


def _refunds(asked: Group, group: Group) -> str:
    """Return which session is refunded: as the answer to it said (TS 32.299, 7.2.172), or by its correlation id."""
    for octets in (group.octets(avps.REFUND_INFORMATION), asked.octets(avps.CC_CORRELATION_ID)):
        if octets is not None:
            return short(octets.decode("utf-8", "replace"))
    raise Refused(Code.MISSING_AVP, f"AVP {avps.REFUND_INFORMATION.code} is missing: it says what is refunded")


def _event_answer(kind: Kind, action: Action, answer: Answer, session: str, has_group: bool) -> Answered:
    if action is Action.CHECK:
        result = _ENOUGH_CREDIT if answer.result is Result.SUCCESS else _NO_CREDIT
        said_no = answer.result in (Result.SUCCESS, Result.QUOTA_LIMIT_REACHED)
        return Answered(Code.SUCCESS if said_no else RESULTS[answer.result], [(avps.CHECK_BALANCE_RESULT, result)])
    code, pairs = RESULTS[answer.result], list(answering.cost_pairs(answer))
    if action is not Action.CHARGE or code is not Code.SUCCESS:
        return Answered(code, pairs)
    granted = next(iter(answer.groups), Granted(0, answer.result))
    service = answering.service_pairs(granted, kind)
    if has_group:
        service.append((avps.REFUND_INFORMATION, session.encode()))
        return Answered(code, [(avps.MULTIPLE_SERVICES_CREDIT_CONTROL, service), *pairs])
    top = [pair for pair in service if pair[0] == avps.GRANTED_SERVICE_UNIT]
    return Answered(code, [*top, *pairs])
