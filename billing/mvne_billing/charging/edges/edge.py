"""What an edge of charging works with, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mvne_billing.charging.edges.people import Owners, Subscribers
from mvne_billing.charging.port import Charging
from mvne_billing.usage.facts import PLAIN, Conventions


class OffClock(ValueError):
    """The client's clock is far from ours."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A brand's charging, how lines are found, what time it is, and what was agreed with the host.

    `owners` returns the line that a session is of, for protocols that need not name it again. A client's clock may be
    `ahead` of ours by so much, and what begins may have begun so long `behind`: beyond, other allowances would count.
    """

    brand: str
    charging: Charging
    subscribers: Subscribers
    owners: Owners
    clock: Callable[[], datetime]
    conventions: Conventions = PLAIN
    ahead: timedelta = timedelta(minutes=10)
    behind: timedelta = timedelta(days=1)

    def check_clock(self, at: datetime, is_new: bool) -> None:
        """Raise `OffClock` for a moment that a client's clock cannot show; only what begins can be too old."""
        ours = self.clock()
        if at - ours > self.ahead:
            raise OffClock(f"{at.isoformat()} is ahead of {ours.isoformat(timespec='seconds')}, the time here")
        if is_new and ours - at > self.behind:
            raise OffClock(f"{at.isoformat()} is long before {ours.isoformat(timespec='seconds')}, the time here")
