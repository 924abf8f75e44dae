"""Asking for charging by hand: in process against a store, or as a network function does, over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from sqlalchemy import select

from mvne.charging import open_charger
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne_billing.balance import account
from mvne_billing.charging.asking import Asked
from mvne_billing.charging.session import Answer, ChargingRefused, Service
from mvne_billing.charging.together import ask_together
from mvne_billing.tables import OPEN_SESSION
from mvne_billing.tables import session as session_table
from mvne_plans.quantity import Kind

#: Where the service is below the root of a charging server.
API = "/nchf-convergedcharging/v3/chargingdata"

_PATIENCE_S = 30
_FUNCTIONS = {Kind.DATA: "SMF", Kind.SMS: "SMSF", Kind.VOICE: "IMS_Node"}
_UNITS = {Kind.DATA: "totalVolume", Kind.SMS: "serviceSpecificUnits", Kind.VOICE: "time"}


class ChargingServerRefused(MvneError):
    """The charging server says no; the message holds its problem document's words."""


class ChargingServerUnreachable(MvneError):
    """There is no answer from the charging server: send the same again."""


def ask(platform: Platform, asked: Asked) -> Answer | None:
    """Ask charging once, in this process; a sweep has no answer. Raises a `ChargingRefused`."""
    charger = open_charger(platform)
    try:
        (told,) = ask_together(charger, [asked])
    finally:
        charger.store.close()
    if isinstance(told, ChargingRefused):
        raise told
    return told


def standing(platform: Platform, brand: str, line: str) -> dict[str, object]:
    """Return what a line can spend and what its open sessions hold, in micro-units of its currency."""
    with platform.store.read() as conn:
        money = account.find(conn, brand, line)
        query = select(session_table).where(
            session_table.c.brand == brand, session_table.c.subscription == line, OPEN_SESSION
        )
        sessions = [
            {
                "session": one.id,
                "opened": one.opened_at.isoformat(timespec="seconds"),
                "sequence": one.sequence,
                "reserved_micro": one.reserved_micro,
                "valid until": one.valid_until.isoformat(timespec="seconds"),
            }
            for one in conn.execute(query.order_by(session_table.c.opened_at, session_table.c.id))
        ]
    return {
        "line": line,
        "currency": money.currency if money else None,
        "free_micro": money.free_micro if money else None,
        "reserved_micro": money.reserved_micro if money else None,
        "sessions": sessions,
    }


def as_dict(answer: Answer) -> dict[str, object]:
    """Return an answer as JSON takes it."""
    return {
        "session": answer.session,
        "sequence": answer.sequence,
        "result": answer.result,
        "is_open": answer.is_open,
        "charged_micro": answer.charged_micro,
        "free_micro": answer.free_micro,
        "currency": answer.currency,
        "durability": answer.durability,
        "groups": [
            {
                "rating_group": one.rating_group,
                "result": one.result,
                "granted": one.granted,
                "valid_s": one.valid_s,
                "threshold": one.threshold,
                "final": None if one.final is None else one.final.action,
                "tariff_change": None if one.tariff_change is None else one.tariff_change.isoformat(),
                "charged_micro": one.charged_micro,
                "message": one.message,
            }
            for one in answer.groups
        ],
    }


@dataclass(frozen=True, slots=True)
class Asking:
    """A request over HTTP: whose (`imsi-…` or `msisdn-…`), when, what for, how much, in which network (MCC and MNC)."""

    identity: str
    sequence: int
    at: datetime
    service: Service
    network: str
    rating_group: int = 0
    requested: int | None = None
    used: int = 0
    charging_id: int | None = None
    is_event: bool = False


def post(url: str, asking: Asking) -> dict[str, Any]:
    """Send a request; return what came back, its status and its Location with it.

    Raises `ChargingServerRefused` with the server's reason, `ChargingServerUnreachable` when there is no answer.
    """
    content = json.dumps(body(asking)).encode()
    request = HttpRequest(url, content, {"content-type": "application/json"}, method="POST")
    try:
        with urlopen(request, timeout=_PATIENCE_S) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            location = answer.headers.get("location")
            return {"status": answer.status, **({"location": location} if location else {}), **found}
    except HTTPError as error:
        with error:
            raise ChargingServerRefused(_words(error.code, error.read())) from None
    except (URLError, TimeoutError, ConnectionError) as error:
        raise ChargingServerUnreachable(f"no answer from {url}: {error}") from None


def _words(status: int, content: bytes) -> str:
    try:
        problem = json.loads(content)
    except ValueError:
        problem = {}
    cause, detail = problem.get("cause", "no cause"), problem.get("detail", "no words")
    return f"the charging server answered {status} {cause}: {detail}"


def body(asking: Asking) -> dict[str, object]:
    """Return the body of a charging data request."""
    kind, unit = asking.service.kind, _UNITS[asking.service.kind]
    network = {"mcc": asking.network[:3], "mnc": asking.network[3:]}
    usage: dict[str, object] = {"ratingGroup": asking.rating_group}
    if asking.requested is not None:
        usage["requestedUnit"] = {unit: asking.requested} if asking.requested else {}
    if asking.used:
        usage["usedUnitContainer"] = [{"localSequenceNumber": 1, unit: asking.used}]
    content: dict[str, object] = {
        "subscriberIdentifier": asking.identity,
        "nfConsumerIdentification": {"nFName": "mvne", "nodeFunctionality": _FUNCTIONS[kind], "nFPLMNID": network},
        "invocationTimeStamp": asking.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "invocationSequenceNumber": asking.sequence,
        "multipleUnitUsage": [usage],
    }
    if asking.charging_id is not None:
        content["chargingId"] = asking.charging_id
    if asking.is_event:
        content |= {"oneTimeEvent": True, "oneTimeEventType": "IEC"}
    return content | _information(asking.service, network)


def _information(service: Service, network: dict[str, str]) -> dict[str, object]:
    if service.kind is Kind.DATA:
        return {"pDUSessionChargingInformation": {"pduSessionInformation": {"servingCNPlmnId": network}}}
    if service.kind is Kind.SMS:
        recipient = {"recipientOtherAddress": {"sMaddressData": service.to or ""}}
        return {"sMSChargingInformation": {"recipientInfo": [recipient]}}
    return {"iMSChargingInformation": {"calledPartyAddress": f"tel:{service.to or ''}", "roleOfNode": "ORIGINATING"}}
