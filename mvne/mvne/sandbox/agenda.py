"""The agenda of a simulated life: errands in the order of their moments, repeated when the outside gave no answer."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from mvne.brand import Brand
from mvne.platform import Platform
from mvne.sandbox.directory import Directory
from mvne.sandbox.faults import Faults, Tally
from mvne.sandbox.files import UsageFiles
from mvne.sandbox.population import Person
from mvne.sandbox.simulation import Day, Failure
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_provisioning.order.errors import OrderInterrupted

#: When an errand that got no answer is run again: the network's the next day, the gateway's after six hours, so that
#: both ways are lived through, a key that is still remembered and one that no longer is.
AGAIN = {OrderInterrupted: timedelta(days=1), GatewayUnavailable: timedelta(hours=6)}


@dataclass
class Clock:
    """The virtual clock: it stands where the agenda puts it."""

    at: datetime

    def __call__(self) -> datetime:
        """Return the moment at which it stands."""
        return self.at


@dataclass
class Life:
    """How somebody is doing: the moment from which the phone can be used (None: not), and the stream of their days.

    `in_service` says whether the line was active or suspended last night, `failed` that the sign-up met its failure.
    """

    person: Person
    chance: Random
    usable_from: datetime | None = None
    in_service: bool = False
    ended: bool = False
    failed: bool = False
    addons: int = 0


@dataclass
class Run:
    """A life under way. `directories` and `period_days` are by plan, `lives` by line."""

    platform: Platform
    brand: Brand
    clock: Clock
    chance: Random
    directories: dict[str, Directory]
    lives: dict[str, Life]
    faults: Faults
    files: UsageFiles
    period_days: dict[str, int]
    tally: Tally = field(default_factory=Tally)
    agenda: list[tuple[datetime, int, Errand]] = field(default_factory=list)
    placed: int = 0
    days: list[Day] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    """When lines ended."""
    declines: set[str] = field(default_factory=set)
    """Bills that were declined, once or more often."""
    declined: dict[str, str] = field(default_factory=dict)
    """Those of them that are neither paid nor ended with their line yet, by invoice: the line."""
    watched: dict[str, Failure] = field(default_factory=dict)
    """Ids of records that came at a wrong time, and in which way: they are to be priced all the same."""
    events_read: int = 0

    @property
    def name(self) -> str:
        """The brand's id."""
        return self.brand.id

    def plan(self, at: datetime, do: Callable[[Run, datetime], None], *failed: Failure) -> None:
        """Put an errand on the agenda; `failed` are failures that it makes good when it succeeds."""
        self._push(at, Errand(do, list(failed)))

    def live(self, until: datetime) -> None:
        """Run every errand before `until`, in the order of their moments."""
        while self.agenda and self.agenda[0][0] < until:
            at, _, errand = heapq.heappop(self.agenda)
            self.clock.at = at
            self._perform(at, errand)

    def went_wrong(self, failure: Failure, times: int = 1) -> None:
        """Count a failure."""
        self.tally.happened[failure] += times

    def made_good(self, failure: Failure, times: int = 1) -> None:
        """Count a failure that was handled."""
        self.tally.handled[failure] += times

    def _perform(self, at: datetime, errand: Errand) -> None:
        try:
            errand.do(self, at)
        except (OrderInterrupted, GatewayUnavailable) as outage:
            failure = self.faults.which(outage)
            self.went_wrong(failure)
            errand.failed.append(failure)
            self._push(at + AGAIN[type(outage)], errand)
        else:
            for failure in errand.failed:
                self.made_good(failure)

    def _push(self, at: datetime, errand: Errand) -> None:
        # The count keeps errands of the same moment in the order in which they were planned.
        self.placed += 1
        heapq.heappush(self.agenda, (at, self.placed, errand))


@dataclass(eq=False)
class Errand:
    """Something to do, and the failures that stood in its way so far."""

    do: Callable[[Run, datetime], None]
    failed: list[Failure] = field(default_factory=list)
