"""Time bands of a tariff: peak, evening, weekend, holiday, as the subscriber's wall clock shows them.

At any moment the first band that holds is the one in force; where none holds the band's name is empty. A dated holiday
is a day of its own sort: only bands that name `holiday` hold on it. A band over midnight belongs to the day it starts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mvne_plans.period import Period, aware

#: What `Band.days` counts: Monday is 0; a holiday is not the weekday it falls on.
HOLIDAY = 7
EVERY_DAY = tuple(range(8))

_MIDNIGHT = time(0)
_ONE_DAY = timedelta(days=1)

#: How far ahead a change of band is looked for: a dated band may begin next year.
_HORIZON = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Band:
    """From `start` to `end` on the wall clock of `days`, between two dates if they are given, both included.

    An `end` that is not after `start` lies on the next day; both at midnight is the whole day.
    """

    name: str
    days: tuple[int, ...] = EVERY_DAY
    start: time = _MIDNIGHT
    end: time = _MIDNIGHT
    since: date | None = None
    until: date | None = None

    def starts_on(self, day: date, sort: int) -> bool:
        """Say whether the band begins on `day`, a day of `sort` (0 to 7)."""
        begun = self.since is None or self.since <= day
        return begun and (self.until is None or day <= self.until) and sort in self.days


@dataclass(frozen=True)
class Calendar:
    """A tariff's bands in the order in which they win, and its holidays: dates, and days (month, day) of every year."""

    bands: tuple[Band, ...] = ()
    holidays: tuple[date, ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()

    def band_at(self, moment: datetime, zone: str) -> str:
        """Return the name of the band in force at `moment` in time zone `zone`, empty for none."""
        if not self.bands:
            return ""
        cuts, names = _day(self, zone, aware(moment).astimezone(ZoneInfo(zone)).date())
        return names[bisect_right(cuts, moment.astimezone(UTC)) - 1]

    def intervals(self, start: datetime, end: datetime, zone: str) -> Iterator[tuple[Period, str]]:
        """Yield the time from `start` to `end` cut where the band changes, in UTC, each piece with its band's name."""
        since, last = aware(start).astimezone(UTC), aware(end).astimezone(UTC)
        while since < last:
            until = min(self.change_after(since, zone) or last, last)
            yield Period(since, until), self.band_at(since, zone)
            since = until

    def change_after(self, moment: datetime, zone: str) -> datetime | None:
        """Return the next moment at which another band is in force, in UTC; None if none is in sight."""
        if not self.bands:
            return None
        now, here = aware(moment).astimezone(UTC), self.band_at(moment, zone)
        day = moment.astimezone(ZoneInfo(zone)).date()
        for _ in range(_HORIZON.days):
            cuts, names = _day(self, zone, day)
            for cut, name in zip(cuts, names, strict=True):
                if cut > now and name != here:
                    return cut
            day += _ONE_DAY
        return None

    def sort(self, day: date) -> int:
        """Return which sort of day this is: its weekday, Monday is 0, or `HOLIDAY`."""
        return HOLIDAY if day in self.holidays or (day.month, day.day) in self.yearly else day.weekday()

    def on_wall(self, local: datetime) -> str:
        """Return the band of a moment by its wall clock alone: the plain rule that everything above must equal."""
        today, clock = local.date(), local.time()
        for band in self.bands:
            overnight = band.end <= band.start
            from_today = band.starts_on(today, self.sort(today)) and band.start <= clock
            if from_today and (overnight or clock < band.end):
                return band.name
            yesterday = today - _ONE_DAY
            if overnight and clock < band.end and band.starts_on(yesterday, self.sort(yesterday)):
                return band.name
        return ""


#: The same at all times.
NO_BANDS = Calendar()


@lru_cache(maxsize=16_384)  # a day is asked for with every record of it
def _day(calendar: Calendar, zone: str, day: date) -> tuple[list[datetime], list[str]]:
    """Return the moments (UTC) of a local day at which a band may begin, and the band from each on; the first opens it.

    Where clocks go back an hour shows twice, so every time of day is taken at both of its moments, and the change of
    the clocks is a cut of its own.
    """
    place = ZoneInfo(zone)
    clocks = {_MIDNIGHT, *(clock for band in calendar.bands for clock in (band.start, band.end))}
    opens = datetime.combine(day, _MIDNIGHT, place).astimezone(UTC)
    closes = datetime.combine(day + _ONE_DAY, _MIDNIGHT, place).astimezone(UTC)
    shown = {
        datetime.combine(day, clock, place).replace(fold=fold).astimezone(UTC) for clock in clocks for fold in (0, 1)
    }
    cuts = sorted({opens, *(cut for cut in shown | _clock_change(opens, closes, place) if opens <= cut < closes)})
    return cuts, [calendar.on_wall(cut.astimezone(place).replace(tzinfo=None)) for cut in cuts]


def _clock_change(opens: datetime, closes: datetime, place: ZoneInfo) -> set[datetime]:
    """Return the moment between two at which the zone's offset changes, to the second, if there is one."""
    early, late = opens, closes
    if early.astimezone(place).utcoffset() == late.astimezone(place).utcoffset():
        return set()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        same = middle.astimezone(place).utcoffset() == early.astimezone(place).utcoffset()
        early, late = (middle, late) if same else (early, middle)
    return {late}
