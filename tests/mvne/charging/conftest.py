"""A house whose time is now, as that of a charging process is, with one subscriber in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from mvne.clock import now
from mvne.lines import Line
from tests.mvne.house import Clock, House, Stores, open_house


@dataclass
class Home:
    """A store with a line in service, and the house that looks into it."""

    url: str
    house: House
    line: Line

    @property
    def imsi(self) -> str:
        return f"imsi-{self.line.imsi}"

    def at(self, seconds: int = 0) -> datetime:
        """Return a moment a little later than the line came into service."""
        return self.house.now + timedelta(seconds=seconds)


@pytest.fixture
def home(kind: str, stores: Stores) -> Iterator[Home]:
    """Ada's line at tilleul (postpaid, 1 GB), in a store that a process of its own may serve too."""
    began = now().replace(microsecond=0) - timedelta(minutes=5)
    with stores.copy(kind, "tilleul") as url, open_house(url, Clock(began)) as house:
        house.platform.store.migrate()
        yield Home(url, house, house.join("ada"))
