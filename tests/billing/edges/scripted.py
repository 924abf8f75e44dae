"""Charging that answers what a test says, and keeps what it was asked: for what edges do with words alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import Naming, Party, Subscriber
from mvne_billing.charging.session import Answer, ChargingRefused, Event, Granted, Request, Result, Step
from mvne_billing.usage.facts import Conventions

AT = datetime(2027, 1, 4, 9, tzinfo=UTC)
IMSI, MSISDN = "208930000000017", "33199001001"
ADA = Subscriber("line-ada", f"+{MSISDN}")
BEN = Subscriber("line-ben", "+33199001002")
PEOPLE: Mapping[Party, Subscriber] = {
    Party(Naming.IMSI, IMSI): ADA,
    Party(Naming.MSISDN, MSISDN): ADA,
    Party(Naming.IMSI, "208930000000018"): BEN,
}
ANSWER = Answer("", 0, Result.SUCCESS, (), 0, "EUR", 5_000_000, True, "scripted")


@dataclass
class Scripted:
    """Grants whatever is asked for, until `says` says otherwise: answers or refusals, each taken once."""

    says: list[Answer | Exception] = field(default_factory=list)
    asked: list[Request | Event] = field(default_factory=list)
    durability: str = "scripted"

    async def ask(self, asked: Request | Event) -> Answer:
        self.asked.append(asked)
        found = self.says.pop(0) if self.says else self._grants(asked)
        if isinstance(found, Exception):
            raise found
        return found._replace(session=asked.session, sequence=asked.sequence)

    def _grants(self, asked: Request | Event) -> Answer:
        if isinstance(asked, Event):
            granted = Granted(asked.rating_group, Result.SUCCESS, asked.units)
            return ANSWER._replace(groups=(granted,), is_open=False)
        groups = tuple(Granted(one.rating_group, Result.SUCCESS, one.requested, 3600) for one in asked.groups)
        return ANSWER._replace(groups=groups, is_open=asked.step is not Step.RELEASE)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def request(self) -> Request:
        """The last request."""
        found = self.asked[-1]
        assert isinstance(found, Request)
        return found

    @property
    def event(self) -> Event:
        """The last event."""
        found = self.asked[-1]
        assert isinstance(found, Event)
        return found


def refusals() -> list[type[ChargingRefused]]:
    """Return every sort of refusal there is."""
    return sorted(ChargingRefused.__subclasses__(), key=lambda kind: kind.__name__)


def edge_of(charging: Scripted, conventions: Conventions | None = None) -> Edge:
    """Return an edge to scripted charging, where Ada and Ben are known."""

    async def subscribers(wanted: Party, at: datetime) -> Subscriber | None:
        return PEOPLE.get(wanted)

    async def owners(session: str) -> str | None:
        return next((one.subscription for one in charging.asked if one.session == session), None)

    return Edge("tilleul", charging, subscribers, owners, lambda: AT, conventions or Conventions())
