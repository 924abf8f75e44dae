"""Time bands against the wall clock, daylight saving and holidays included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.bands import EVERY_DAY, HOLIDAY, Band, Calendar
from mvne_plans.period import PeriodError

WEEKDAYS, WEEKEND = (0, 1, 2, 3, 4), (5, 6)
PARIS = "Europe/Paris"

OFFICE = Calendar(
    bands=(
        Band("feast", days=(HOLIDAY,)),
        Band("offer", days=WEEKDAYS, start=time(12), end=time(13), since=date(2027, 6, 7), until=date(2027, 6, 8)),
        Band("weekend", days=WEEKEND),
        Band("evening", days=WEEKDAYS, start=time(18), end=time(8)),
    ),
    holidays=(date(2027, 6, 10),),
    yearly=((12, 25),),
)


@pytest.mark.parametrize(
    ("local", "band"),
    [
        ("2027-06-07 11:59:59", ""),
        ("2027-06-07 12:00", "offer"),
        ("2027-06-07 13:00", ""),
        ("2027-06-09 12:30", ""),  # the offer is over
        ("2027-06-07 17:59:59", ""),
        ("2027-06-07 18:00", "evening"),
        ("2027-06-08 07:59:59", "evening"),  # of Monday
        ("2027-06-08 08:00", ""),
        ("2027-06-05 03:00", "weekend"),  # Friday's evening runs on, but the weekend comes first
        ("2027-06-07 03:00", ""),  # Sunday has no evening
        ("2027-06-10 12:00", "feast"),  # a Thursday
        ("2027-06-11 03:00", ""),  # the holiday was no Thursday, so it had no evening
        ("2028-12-25 20:00", "feast"),
    ],
)
def test_the_first_band_that_holds_wins(local: str, band: str) -> None:
    assert OFFICE.band_at(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(PARIS)), PARIS) == band


def test_the_subscribers_clock_decides_not_the_callers() -> None:
    moment = datetime(2027, 6, 7, 17, 30, tzinfo=UTC)
    assert (OFFICE.band_at(moment, PARIS), OFFICE.band_at(moment, "Europe/London")) == ("evening", "evening")
    assert OFFICE.band_at(moment, "America/New_York") == ""


def test_a_band_over_the_night_of_the_clock_change_is_as_long_as_the_clock_shows() -> None:
    night = Calendar((Band("night", start=time(22), end=time(6)),))
    lengths = []
    for day in (date(2027, 3, 27), date(2027, 6, 1), date(2027, 10, 30)):
        noon = datetime.combine(day, time(12), ZoneInfo(PARIS))
        pieces = night.intervals(noon, noon + timedelta(days=1), PARIS)
        lengths.append(sum((span.length for span, name in pieces if name), timedelta()) // timedelta(hours=1))
    assert lengths == [7, 8, 9]


def test_a_band_that_begins_in_the_hour_that_shows_twice_holds_by_the_clock_both_times() -> None:
    late = Calendar((Band("late", start=time(2, 30), end=time(4)),))
    start = datetime(2027, 10, 31, 0, tzinfo=UTC)
    pieces = [
        (span.start.strftime("%H:%M"), name) for span, name in late.intervals(start, start + timedelta(hours=4), PARIS)
    ]
    assert pieces == [("00:00", ""), ("00:30", "late"), ("01:00", ""), ("01:30", "late"), ("03:00", "")]


def test_a_band_that_begins_in_the_hour_that_is_missing_begins_when_the_clocks_change() -> None:
    late = Calendar((Band("late", start=time(2, 30), end=time(4)),))
    assert late.change_after(datetime(2027, 3, 28, 0, tzinfo=UTC), PARIS) == datetime(2027, 3, 28, 1, tzinfo=UTC)


def test_a_calendar_without_bands_never_changes() -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    assert (Calendar().band_at(moment, PARIS), Calendar().change_after(moment, PARIS)) == ("", None)
    assert Calendar((Band("always"),)).change_after(moment, PARIS) is None


def test_a_dated_band_is_seen_coming() -> None:
    summer = Calendar((Band("summer", since=date(2027, 7, 1), until=date(2027, 8, 31)),))
    assert summer.change_after(datetime(2027, 1, 1, tzinfo=UTC), PARIS) == datetime(2027, 6, 30, 22, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(PeriodError, match="no time zone"):
        OFFICE.band_at(datetime(2027, 1, 1), PARIS)  # noqa: DTZ001  # that is the test


clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
dates = st.dates(date(2026, 12, 1), date(2027, 12, 31))
bands = st.builds(
    Band,
    st.sampled_from(["a", "b", "c"]),
    st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days))),
    clocks,
    clocks,
    st.one_of(st.none(), dates),
    st.one_of(st.none(), dates),
)
calendars = st.builds(
    Calendar, st.lists(bands, max_size=4).map(tuple), st.lists(dates, max_size=3).map(tuple), st.just(((7, 14),))
)
zones = st.sampled_from([PARIS, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"])
moments = st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
changes = st.sampled_from([datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)])
near_changes = st.builds(lambda moment, minutes: moment + timedelta(minutes=minutes), changes, st.integers(-300, 300))


@given(calendars, zones, st.one_of(moments, near_changes))
def test_the_band_in_force_is_what_the_wall_clock_says(calendar: Calendar, zone: str, moment: datetime) -> None:
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert calendar.band_at(moment, zone) == calendar.on_wall(wall)


@given(calendars, zones, st.one_of(moments, near_changes), st.integers(1, 4000))
def test_intervals_cut_time_without_gap_and_each_has_one_band(
    calendar: Calendar, zone: str, start: datetime, minutes: int
) -> None:
    end = start + timedelta(minutes=minutes)
    pieces = list(calendar.intervals(start, end, zone))
    assert (pieces[0][0].start, pieces[-1][0].end) == (start, end)
    for (early, name), (late, other) in pairwise(pieces):
        assert early.end == late.start
        assert name != other
    for span, name in pieces:
        for moment in (span.start, span.start + span.length / 2, span.end - timedelta(microseconds=1)):
            assert calendar.on_wall(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) == name
