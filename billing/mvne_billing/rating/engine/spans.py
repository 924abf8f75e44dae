"""Time bands as tables: every calendar's changes in UTC, cut into slots so that a record finds its band by one join."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from mvne_billing.rating.engine.tables import Table, rows
from mvne_plans.bands import Calendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROS = 1_000_000

#: How far beyond the last record bands are told: a call that began in one may end in the next ones.
_AHEAD = timedelta(days=3)


class Clock(NamedTuple):
    """A calendar as one time zone shows it."""

    calendar: Calendar
    timezone: str


@dataclass(frozen=True)
class Bands:
    """All time bands by name, the empty one first; the clocks that have any; and the slots of their calendars."""

    names: tuple[str, ...]
    clocks: tuple[Clock, ...]
    slot: int  #: microseconds
    table: Table

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each band by its name."""
        return {name: place for place, name in enumerate(self.names)}

    def clock(self, calendar: Calendar, timezone: str) -> int:
        """Return the number of a clock, -1 for a calendar without bands."""
        return self.clocks.index(Clock(calendar, timezone)) if calendar.bands else -1


def bands_of(clocks: Iterable[Clock], start: datetime, end: datetime) -> Bands:
    """Return the bands of several clocks for records that begin from `start` to `end`.

    The table has a row per clock and slot: `band` in force, `until` when another begins (microseconds since 1970), then
    `band_next` until `until_next`.
    """
    known = tuple(dict.fromkeys(one for one in clocks if one.calendar.bands))
    opens, horizon = start.replace(minute=0, second=0, microsecond=0), end + _AHEAD
    told = [list(one.calendar.intervals(opens, horizon, one.timezone)) for one in known]
    cuts = [[*(_micros(span.start) for span, _ in pieces), _micros(horizon)] for pieces in told]
    slot = gcd(*(cut for one in cuts for cut in one[1:-1]), 3600 * MICROS)
    names = ("", *sorted({name for pieces in told for _, name in pieces} - {""}))
    made: list[dict[str, object]] = []
    for clock, (pieces, at) in enumerate(zip(told, cuts, strict=True)):
        bands = [*(names.index(name) for _, name in pieces), 0]
        for place, (since, until) in enumerate(pairwise(at)):
            after = at[min(place + 2, len(at) - 1)]
            row = {"clock": clock, "band": bands[place], "until": until, "band_next": bands[place + 1]}
            made += [{"slot": one, **row, "until_next": after} for one in range(since // slot, -(-until // slot))]
    stores = dict.fromkeys(("clock", "band", "band_next"), "tiny") | dict.fromkeys(
        ("slot", "until", "until_next"), "long"
    )
    return Bands(names, known, slot, rows("slot", made, stores))


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
