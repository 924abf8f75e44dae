"""The tariff's calendar: time bands in the order in which they win, and holidays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time

from mvne.planfile.compiling.values import day
from mvne.planfile.findings import DataPath
from mvne.planfile.models.file import PlanFile
from mvne.planfile.models.rules import BandSection
from mvne.planfile.sheet import Sheet
from mvne_plans.bands import EVERY_DAY, HOLIDAY, Band, Calendar

#: Days as a plan file writes them, Monday first; a holiday is a day of its own sort.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"([a-z]{3})-([a-z]{3})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_YEARLY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)
_MIDNIGHT = time(0)
_LEAP_YEAR = 2028


def read_calendar(sheet: Sheet, file: PlanFile) -> Calendar:
    """Return the time bands and holidays of a file."""
    dates: dict[date, None] = {}
    yearly: dict[tuple[int, int], None] = {}
    for position, text in enumerate(file.holidays or ()):
        path: DataPath = ("holidays", position)
        if match := _YEARLY.fullmatch(text.strip()):
            found = _of_every_year(sheet, path, text, int(match.group(1)), int(match.group(2)))
            _once(sheet, path, text, found in yearly)
            yearly |= {found: None} if found else {}
        elif (known := day(sheet, path, text)) is not None:
            _once(sheet, path, text, known in dates)
            dates[known] = None
    bands = tuple(_band(sheet, ("bands", name), name, one) for name, one in (file.bands or {}).items())
    return Calendar(bands, tuple(sorted(dates)), tuple(sorted(yearly)))


def _of_every_year(sheet: Sheet, path: DataPath, text: str, month: int, number: int) -> tuple[int, int] | None:
    try:
        date(_LEAP_YEAR, month, number)
    except ValueError:
        sheet.note(path, "bad_date", f"{text!r} is not a day of the year; write month and day, such as 12-25")
        return None
    return month, number


def _once(sheet: Sheet, path: DataPath, text: str, known: bool) -> None:
    if known:
        sheet.note(path, "duplicate_date", f"{text} is in the list already")


def _band(sheet: Sheet, path: DataPath, name: str, section: BandSection) -> Band:
    start = _clock(sheet, (*path, "from"), section.start)
    end = _clock(sheet, (*path, "to"), section.end)
    if section.start is not None and section.end is not None and start == end:
        message = "it begins and ends at the same time; leave out from and to for the whole day"
        sheet.note((*path, "to"), "bad_time", message)
    since = day(sheet, (*path, "since"), section.since) if section.since else None
    until = day(sheet, (*path, "until"), section.until) if section.until else None
    if since and until and until < since:
        sheet.note((*path, "until"), "bad_date", f"until {until} is before since {since}")
    return Band(name, _days(sheet, (*path, "days"), section.days), start, end, since, until)


def _clock(sheet: Sheet, path: DataPath, text: str | None) -> time:
    """Read `18:00`; 24:00 is the midnight that ends a day."""
    if text is None:
        return _MIDNIGHT
    match = _CLOCK.fullmatch(text.strip())
    hour, minute = (int(match.group(1)), int(match.group(2))) if match else (99, 99)
    if hour < 24 and minute < 60:
        return time(hour, minute)
    if (hour, minute) != (24, 0) or path[-1] != "to":
        sheet.note(path, "bad_time", f"{text[:20]!r} is not a time of day; write it like 18:00")
    return _MIDNIGHT


def _days(sheet: Sheet, path: DataPath, written: str | list[str] | None) -> tuple[int, ...]:
    """Read `mon-fri`, `sat sun holiday`, or a list of such words."""
    if written is None:
        return EVERY_DAY
    places = [(path, written)] if isinstance(written, str) else [((*path, n), one) for n, one in enumerate(written)]
    found: set[int] = set()
    for place, text in places:
        for word in text.replace(",", " ").split():
            found.update(_of_word(sheet, place, word))
    if not any(text.split() for _, text in places):
        sheet.absent(path, "bad_day", "no day is named", "write days like mon-fri, or leave the key out", key=False)
    return tuple(sorted(found)) or EVERY_DAY


def _of_word(sheet: Sheet, path: DataPath, word: str) -> Iterable[int]:
    if word == "holiday":
        return (HOLIDAY,)
    match = _RANGE.fullmatch(word)
    first, last = match.groups() if match else (word, word)
    if first not in DAYS or last not in DAYS:
        message = f"{word[:20]!r} is not a day; write mon, tue, wed, thu, fri, sat, sun, mon-fri or holiday"
        sheet.note(path, "bad_day", message)
        return ()
    start, end = DAYS.index(first), DAYS.index(last)
    # A range may run over the end of the week: fri-mon.
    return [(start + ahead) % len(DAYS) for ahead in range((end - start) % len(DAYS) + 1)]
