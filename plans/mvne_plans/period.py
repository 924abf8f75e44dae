"""Half-open spans of time, and the calendar that makes billing periods from an anchor without drifting."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Self

from mvne_plans.errors import PlansError


class PeriodError(PlansError):
    """This is not a span of time, or a moment has no time zone."""


def aware(moment: datetime) -> datetime:
    """Return `moment` if it has a time zone; raise `PeriodError` otherwise."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise PeriodError(f"{moment.isoformat()} has no time zone; say which, for instance +00:00")
    return moment


def same_clock(left: datetime, right: datetime) -> tuple[datetime, datetime]:
    """Return both in UTC: Python compares two moments of one zone by wall clock, which is wrong twice a year."""
    return aware(left).astimezone(UTC), aware(right).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start`, included, to `end`, excluded; both aware.

    >>> from datetime import UTC, datetime
    >>> june = Period(datetime(2027, 6, 1, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC))
    >>> june.start in june, june.end in june
    (True, False)
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        start, end = same_clock(self.start, self.end)
        if start >= end:
            raise PeriodError(f"a period ends after it starts: {self.start.isoformat()} to {self.end.isoformat()}")

    def __contains__(self, moment: datetime) -> bool:
        moment = aware(moment).astimezone(UTC)
        return self.start.astimezone(UTC) <= moment < self.end.astimezone(UTC)

    def __and__(self, other: Period) -> Period | None:
        """Return what both share, or None."""
        start = max(self.start, other.start, key=lambda moment: moment.astimezone(UTC))
        end = min(self.end, other.end, key=lambda moment: moment.astimezone(UTC))
        early, late = same_clock(start, end)
        return Period(start, end) if early < late else None

    def split(self, at: datetime) -> tuple[Period, Period]:
        """Cut in two at `at`, which must lie strictly inside; the halves make up the whole."""
        start, moment = same_clock(self.start, at)
        if at not in self or start == moment:
            raise PeriodError(f"{at.isoformat()} is not inside {self}")
        return Period(self.start, at), Period(at, self.end)

    @property
    def length(self) -> timedelta:
        """Elapsed time, daylight saving included."""
        start, end = same_clock(self.start, self.end)
        return end - start

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.end.isoformat()}"


class Unit(StrEnum):
    """What a recurring period is counted in."""

    DAY = "day"
    MONTH = "month"


_EVERY = re.compile(r"(?:(\d{1,3})\s*)?(day|month|year)s?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Every:
    """How long a period lasts: `month`, `30 days`, `3 months`.

    >>> Every.parse("30 days"), str(Every.parse("1 year"))
    (Every(count=30, unit=<Unit.DAY: 'day'>), '12 months')
    """

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `month`, `30 days`, `12 months`, `year`; raise `PeriodError` otherwise."""
        match = _EVERY.fullmatch(text.strip())
        if not match or match.group(1) in {"0", "00", "000"}:
            raise PeriodError(f"{text!r} is not a period; write month, 30 days or 12 months")
        count = int(match.group(1) or 1)
        return cls(12 * count, Unit.MONTH) if match.group(2) == "year" else cls(count, Unit(match.group(2)))

    def __str__(self) -> str:
        return str(self.unit) if self.count == 1 else f"{self.count} {self.unit}s"

    @property
    def at_most(self) -> timedelta:
        """The longest that such a period can be, an hour of daylight saving included."""
        return timedelta(days=self.count * (1 if self.unit is Unit.DAY else 31), hours=1)

    def times(self, count: int) -> Every:
        """Return `count` of these in a row."""
        return Every(self.count * count, self.unit)


MONTH = Every(1, Unit.MONTH)


def boundary(anchor: datetime, every: Every, number: int) -> datetime:
    """Return the moment at which period `number` starts (0 starts at `anchor`), in the zone of `anchor`.

    The anchor's day and wall-clock time are kept and clipped per month, never chained, so that a subscription begun on
    31 January renews on 28 February and on 31 March.

    >>> from datetime import UTC, datetime
    >>> [boundary(datetime(2027, 1, 31, tzinfo=UTC), MONTH, n).date().isoformat() for n in (1, 2)]
    ['2027-02-28', '2027-03-31']
    """
    return _boundary(aware(anchor).replace(tzinfo=None), anchor.tzinfo, anchor.fold, every, number)


@lru_cache(maxsize=16_384)  # one subscription's periods are asked for with every record of use
def _boundary(anchor: datetime, zone: tzinfo | None, fold: int, every: Every, number: int) -> datetime:
    """Return a boundary for an anchor on the wall clock of `zone`: the same moment in two zones has two calendars."""
    if every.unit is Unit.DAY:
        local = anchor + timedelta(days=every.count * number)
    else:
        months = anchor.year * 12 + anchor.month - 1 + every.count * number
        year, month = divmod(months, 12)
        day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
        local = anchor.replace(year=year, month=month + 1, day=day)
    # A wall-clock time that a spring change skips moves forward by the hour that is missing; of one that an autumn
    # change repeats the first is meant, but for the anchor, which says itself which it is.
    local = local.replace(tzinfo=zone, fold=0 if number else fold)
    return local.astimezone(UTC).astimezone(zone)


def period_number(anchor: datetime, every: Every, number: int) -> Period:
    """Return period `number`, counted from 0 at `anchor`."""
    return Period(boundary(anchor, every, number), boundary(anchor, every, number + 1))


def number_at(anchor: datetime, every: Every, moment: datetime) -> int:
    """Return the number of the period that holds `moment`; negative before the anchor."""
    days = (aware(moment).astimezone(UTC) - anchor.astimezone(UTC)).days
    number = days // (every.count * (1 if every.unit is Unit.DAY else 31))
    while boundary(anchor, every, number + 1).astimezone(UTC) <= moment.astimezone(UTC):
        number += 1
    while boundary(anchor, every, number).astimezone(UTC) > moment.astimezone(UTC):
        number -= 1
    return number
