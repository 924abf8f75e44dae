"""Calls and short messages of the circuit core: the records of an MSC as usage records."""

from __future__ import annotations

from mvne_billing.usage.cdr.fields import Value, compact, country_at, line, need, number_of, time_of
from mvne_billing.usage.digits import EMERGENCY_NUMBER, tbcd
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import LeftOut
from mvne_plans.quantity import Kind

#: The teleservice of emergency calls (3GPP TS 29.002, TeleserviceCode).
_EMERGENCY = b"\x12"


def call_record(name: str, value: Value, source: str, conventions: Conventions) -> UsageRecord:
    """Return the usage record of a call made (`moCallRecord`) or received (`mtCallRecord`).

    Raises `LeftOut` for a received call where those are no records, `InvalidUsage` saying what is wrong.
    """
    incoming = name == "mtCallRecord"
    who = line(value)
    start = time_of(value["answerTime"] if "answerTime" in value else need(value, "seizureTime"))
    switch = tbcd(value.get("recordingEntity", b"")[1:])
    reference, part = need(value, "callReference").hex(), value.get("sequenceNumber")
    return UsageRecord(
        id="-".join((name.removesuffix("Record"), switch, reference, who, compact(start), str(part or 0))),
        msisdn=who,
        kind=Kind.VOICE,
        start=start,
        amount=need(value, "callDuration"),
        country=_country(value, conventions),
        to=_reached(who, conventions) if incoming else _called(value, conventions),
        source=source,
        session=None if part is None else f"{reference}@{switch}",
        label=INCOMING if incoming else "",
    )


def message_record(name: str, value: Value, source: str, conventions: Conventions) -> UsageRecord:
    """Return the usage record of a message sent (`moSMSRecord`) or received (`mtSMSRecord`).

    Raises `LeftOut` for one that failed, and for a received one where those are no records.
    """
    incoming = name == "mtSMSRecord"
    if "smsResult" in value:
        raise LeftOut("failed message")
    who = line(value)
    sent = time_of(need(value, "deliveryTime" if incoming else "originationTime"))
    to = number_of(value.get("destinationNumber", b""), conventions.national)
    if not (incoming or to):
        raise InvalidUsage("destinationNumber is missing")
    switch = tbcd(value.get("recordingEntity", b"")[1:])
    reference = value.get("messageReference", b"").hex()
    return UsageRecord(
        id="-".join((name.removesuffix("Record"), switch, who, compact(sent), to, reference)),
        msisdn=who,
        kind=Kind.SMS,
        start=sent,
        amount=1,
        country=_country(value, conventions),
        to=_reached(who, conventions) if incoming else to,
        source=source,
        label=INCOMING if incoming else "",
    )


def _reached(who: str, conventions: Conventions) -> str:
    if not conventions.incoming:
        raise LeftOut(INCOMING)
    return who


def _called(value: Value, conventions: Conventions) -> str:
    if value.get("basicService") == ("teleservice", _EMERGENCY):
        return EMERGENCY_NUMBER
    number = number_of(value.get("calledNumber", b""), conventions.national)
    if not number:
        raise InvalidUsage("calledNumber is missing")
    return number


def _country(value: Value, conventions: Conventions) -> str:
    return country_at(value.get("location", {}).get("mCC-MNC"), conventions)
