"""One scenario, three ways to charging: in process, over HTTP through a real server, over Diameter through a real one.

Each way says its answers in the same few words, so that they can be compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx
from diameter.message.avp.grouped import SubscriptionId  # type: ignore[import-untyped]  # the library has no types

from mvne_billing.charging import session
from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import Naming, Party, Subscriber
from mvne_billing.charging.front import Front
from mvne_billing.charging.gy.server import DiameterServer, Identity
from mvne_billing.charging.nchf.app import BASE
from mvne_billing.charging.serving import Chores, Doors, serve
from mvne_billing.charging.session import Action, Answer, ChargingRefused, Event, Request, Result, Service, Step, Units
from mvne_plans.quantity import Kind
from tests.billing.charging.till import START, A, B, Till
from tests.billing.edges import bodies, diameter
from tests.billing.edges.bodies import Body
from tests.database import free_port

#: Lines by name, as networks name them.
NUMBERS = {A: "33639980001", B: "33639980002", "nobody": "33639980009"}
NETWORKS = {"FR": "20893", "DE": "26201", "US": "310260"}


@dataclass(frozen=True)
class Asked:
    """A request in a scenario: of which session, which step, how long after its start, for what."""

    step: Step
    sequence: int
    groups: tuple[Units, ...] = ()
    session: str = "1"
    line: str = A
    after: int = 0

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.after)


@dataclass(frozen=True)
class Once:
    """A use in a scenario that is over as it begins."""

    service: Service
    units: int = 1
    session: str = "1"
    line: str = A
    after: int = 0

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.after)


@dataclass(frozen=True)
class Told:
    """An answer in the words that all ways have: what became of it, what each group was granted, and what then."""

    outcome: str
    groups: tuple[tuple[int, str, int | None, str], ...] = ()


class Way(Protocol):
    """A way to charging."""

    async def tell(self, asked: Asked | Once) -> Told:
        """Send a request and say what came back."""
        ...


#: What each way calls the same refusal.
REFUSALS: dict[type[ChargingRefused], str] = {
    session.UnknownSubscription: "nobody",
    session.UnknownSession: "no session",
    session.SessionClosed: "no session",
    session.SequenceConflict: "wrong request",
    session.SequenceGap: "wrong request",
    session.ClockBackwards: "wrong request",
    session.UnknownRatingGroup: "no such group",
}
CAUSES = {
    "USER_UNKNOWN": "nobody",
    "CONTEXT_NOT_FOUND": "no session",
    "MANDATORY_IE_INCORRECT": "wrong request",
    "RE_AUTHORIZATION_FAILED": "no such group",
    "END_USER_REQUEST_DENIED": Result.END_USER_SERVICE_DENIED,
    "QUOTA_LIMIT_REACHED": Result.QUOTA_LIMIT_REACHED,
    "CHARGING_FAILED": Result.RATING_FAILED,
    "CHARGING_NOT_APPLICABLE": Result.QUOTA_MANAGEMENT_NOT_APPLICABLE,
}
CODES = {
    2001: "SUCCESS",
    5030: "nobody",
    5002: "no session",
    5004: "wrong request",
    4010: Result.END_USER_SERVICE_DENIED,
    4011: Result.QUOTA_MANAGEMENT_NOT_APPLICABLE,
    4012: Result.QUOTA_LIMIT_REACHED,
    5031: Result.RATING_FAILED,
}


@dataclass
class InProcess:
    """Words straight to charging."""

    front: Front
    brand: str

    async def tell(self, asked: Asked | Once) -> Told:
        try:
            return self._told(asked, await self.front.ask(self._request(asked)))
        except ChargingRefused as refusal:
            return Told(REFUSALS[type(refusal)])

    def _request(self, asked: Asked | Once) -> Request | Event:
        number = f"+{NUMBERS[asked.line]}"
        if isinstance(asked, Once):
            name, service, units = f"e{asked.session}", asked.service, asked.units
            return Event(self.brand, name, Action.CHARGE, asked.line, asked.at, service, units, 1, msisdn=number)
        msisdn = number if asked.step is Step.CREATE else ""
        name = f"s{asked.session}"
        return Request(self.brand, name, asked.sequence, asked.step, asked.line, asked.at, asked.groups, msisdn)

    def _told(self, asked: Asked | Once, answer: Answer) -> Told:
        if isinstance(asked, Asked) and asked.step is Step.RELEASE:
            return Told("SUCCESS")
        if not answer.is_open and answer.result is not Result.SUCCESS:
            return Told(answer.result)
        return Told(
            "SUCCESS",
            tuple(
                (
                    one.rating_group,
                    str(one.result),
                    one.granted if one.result is Result.SUCCESS else None,
                    one.final.action if one.final else "",
                )
                for one in answer.groups
            ),
        )


def network_of(service: Service | None) -> str:
    return NETWORKS[service.country if service is not None else "FR"]


@dataclass
class OverHttp:
    """TS 32.291, through a server and a socket."""

    client: httpx.AsyncClient
    kinds: dict[str, Kind] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)

    async def tell(self, asked: Asked | Once) -> Told:
        body = self._event(asked) if isinstance(asked, Once) else self._session(asked)
        path = BASE
        if isinstance(asked, Asked) and asked.step is not Step.CREATE:
            path = self.locations.get(asked.session, f"{BASE}/bGluZS1hH25ldmVy") + f"/{asked.step.value}"
        found = await self.client.post(path, json=body)
        if found.status_code == 204:
            return Told("SUCCESS")
        if found.status_code >= 400:
            assert found.headers["content-type"] == "application/problem+json"
            return Told(CAUSES[found.json()["cause"]])
        if found.status_code == 201:
            self.locations[asked.session] = found.headers["location"]
        return Told("SUCCESS", tuple(map(_http_group, found.json().get("multipleUnitInformation", []))))

    def _session(self, asked: Asked) -> Body:
        services = [one.service for one in asked.groups if one.service is not None]
        kind = services[0].kind if services else self.kinds.get(asked.session, Kind.DATA)
        self.kinds.setdefault(asked.session, kind)
        unit = {Kind.DATA: "totalVolume", Kind.VOICE: "time", Kind.SMS: "serviceSpecificUnits"}[kind]
        usage = [
            bodies.usage(
                one.rating_group,
                None if one.requested is None else ({unit: one.requested} if one.requested else {}),
                *([{unit: one.used}] if one.used else []),
            )
            for one in asked.groups
        ]
        body = bodies.call if kind is Kind.VOICE else bodies.body
        changes: Body = {} if services else {_INFORMATION[kind]: None}
        if services:
            changes = self._information(services[0], int(asked.session))
        return body(asked.sequence, **self._head(asked), multipleUnitUsage=usage, **changes)

    def _information(self, service: Service, charging_id: int) -> Body:
        network = network_of(service)
        plmn = {"mcc": network[:3], "mnc": network[3:]}
        if service.kind is Kind.DATA:
            return {"pDUSessionChargingInformation": bodies.pdu(plmn, charging_id)}
        location = {"nrLocation": {"tai": {"plmnId": plmn, "tac": "1"}}}
        return {
            "iMSChargingInformation": {
                "calledPartyAddress": f"tel:{service.to}",
                "imsChargingIdentifier": f"icid-{charging_id}",
                "userLocationInfo": location,
            }
        }

    def _event(self, asked: Once) -> Body:
        usage = [bodies.usage(1, {"serviceSpecificUnits": asked.units})]
        to = {"recipientOtherAddress": {"sMaddressData": asked.service.to}}
        return bodies.message(
            **self._head(asked), multipleUnitUsage=usage, sMSChargingInformation={"recipientInfo": [to]}
        )

    def _head(self, asked: Asked | Once) -> Body:
        return {
            "subscriberIdentifier": f"msisdn-{NUMBERS[asked.line]}",
            "invocationTimeStamp": asked.at.isoformat(),
        }


_INFORMATION = {Kind.DATA: "pDUSessionChargingInformation", Kind.VOICE: "iMSChargingInformation"}


def _http_group(found: Body) -> tuple[int, str, int | None, str]:
    granted = found.get("grantedUnit", {})
    units = next((granted[name] for name in ("totalVolume", "time", "serviceSpecificUnits") if name in granted), None)
    final = found.get("finalUnitIndication", {}).get("finalUnitAction", "")
    return found["ratingGroup"], found["resultCode"], units, final


@dataclass
class OverGy:
    """RFC 8506, through a server and a socket."""

    client: diameter.Client
    kinds: dict[str, Kind] = field(default_factory=dict)

    async def tell(self, asked: Asked | Once) -> Told:
        message = self._event(asked) if isinstance(asked, Once) else self._session(asked)
        found = await self.client.ask(message)
        outcome = CODES[found.result_code]
        if outcome != "SUCCESS" or (isinstance(asked, Asked) and asked.step is Step.RELEASE):
            return Told("no such group" if _of_unknown_group(asked, found) else outcome)
        return Told(outcome, tuple(map(_gy_group, found.multiple_services_credit_control)))

    def _session(self, asked: Asked) -> Any:
        kinds = {Step.CREATE: 1, Step.UPDATE: 2, Step.RELEASE: 3}
        services = [one.service for one in asked.groups if one.service is not None]
        kind = services[0].kind if services else self.kinds.get(asked.session, Kind.DATA)
        self.kinds.setdefault(asked.session, kind)
        unit = {Kind.DATA: "cc_total_octets", Kind.VOICE: "cc_time", Kind.SMS: "cc_service_specific_units"}[kind]
        groups = [
            diameter.service(
                one.rating_group,
                None if one.requested is None else ({unit: one.requested} if one.requested else {}),
                *([{unit: one.used}] if one.used else []),
            )
            for one in asked.groups
        ]
        information = None
        if services:
            network = network_of(services[0])
            is_call = kind is Kind.VOICE
            information = diameter.call(f"tel:{services[0].to}", network) if is_call else diameter.packet(network)
        return diameter.ccr(
            kinds[asked.step],
            asked.sequence,
            *groups,
            session=f"pgw;{asked.session}",
            of=str(kind),
            at=asked.at,
            service_information=information,
            subscription_id=[SubscriptionId(0, NUMBERS[asked.line])],
        )

    def _event(self, asked: Once) -> Any:
        return diameter.ccr(
            diameter.EVENT,
            0,
            diameter.service(1, {"cc_service_specific_units": asked.units}),
            session=f"smsc;{asked.session}",
            of="sms",
            at=asked.at,
            requested_action=0,
            service_information=diameter.text(str(asked.service.to), network_of(asked.service)),
            subscription_id=[SubscriptionId(0, NUMBERS[asked.line])],
        )


def _of_unknown_group(asked: Asked | Once, found: Any) -> bool:
    return found.result_code == 5031 and isinstance(asked, Asked) and asked.step is not Step.CREATE


def _gy_group(found: Any) -> tuple[int, str, int | None, str]:
    granted = found.granted_service_unit
    units = None
    if granted is not None:
        told = (granted.cc_total_octets, granted.cc_time, granted.cc_service_specific_units)
        units = next((one for one in told if one is not None), None)
    final = found.final_unit_indication
    actions = {0: "TERMINATE", 1: "REDIRECT", 2: "RESTRICT_ACCESS"}
    result = CODES[found.result_code]
    return found.rating_group, str(result), units, actions[final.final_unit_action] if final is not None else ""


def edge_of(till: Till, front: Front) -> Edge:
    """Return an edge to a till's charging, whose time is that of the scenario."""

    async def subscribers(wanted: Party, at: datetime) -> Subscriber | None:
        line = next((line for line, number in NUMBERS.items() if number == wanted.digits), None)
        return None if line is None or wanted.naming is Naming.IMSI else Subscriber(line, f"+{wanted.digits}")

    async def owners(name: str) -> str | None:
        return None

    return Edge(till.books.brand, front, subscribers, owners, lambda: START)


@asynccontextmanager
async def way_of(name: str, till: Till) -> AsyncIterator[Way]:
    """Open a way to a till's charging."""
    front = Front(till.open())
    if name == "in process":
        yield InProcess(front, till.books.brand)
    elif name == "http":
        async with _http(till, front) as way:
            yield way
        return
    else:
        server = DiameterServer(edge_of(till, front), Identity(diameter.HOST, diameter.REALM))
        port = await server.start("127.0.0.1", 0)
        client = diameter.Client(*await asyncio.open_connection("127.0.0.1", port))
        await client.hello()
        yield OverGy(client)
        await client.close()
        await server.stop()
    await front.close()


@asynccontextmanager
async def _http(till: Till, front: Front) -> AsyncIterator[Way]:
    stop, ready = asyncio.Event(), asyncio.Event()
    edge, port = edge_of(till, front), free_port()

    async def nothing(at: datetime) -> None: ...

    chores = Chores(nothing, edge.clock)
    serving = asyncio.create_task(serve(edge, Doors("127.0.0.1", port), chores, stop, ready.set))
    await asyncio.wait([serving, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield OverHttp(client)
    stop.set()
    await serving


def tell_all(name: str, till: Till, scenario: Sequence[Asked | Once]) -> list[Told]:
    """Play a scenario one way and return what was told."""

    async def playing() -> list[Told]:
        async with way_of(name, till) as way:
            return [await way.tell(asked) for asked in scenario]

    return asyncio.run(playing())
