"""Periods are half-open, and the calendar that makes them neither drifts nor stumbles over summer time."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mvne_plans.period import MONTH, Every, Period, PeriodError, Unit, aware, boundary, number_at, period_number

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
zones = st.sampled_from(
    [UTC, PARIS, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Sao_Paulo")]
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).flatmap(  # noqa: DTZ001  # the zone comes next
    lambda naive: zones.map(lambda zone: naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone))
)
everies = st.builds(Every, st.integers(1, 40), st.sampled_from(Unit))


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("month", Every(1, Unit.MONTH)),
        ("day", Every(1, Unit.DAY)),
        ("1 month", Every(1, Unit.MONTH)),
        ("30 days", Every(30, Unit.DAY)),
        ("30days", Every(30, Unit.DAY)),
        (" 3 months ", Every(3, Unit.MONTH)),
        ("year", Every(12, Unit.MONTH)),
        ("2 years", Every(24, Unit.MONTH)),
    ],
)
def test_how_often_is_written_as_people_say_it(text: str, every: Every) -> None:
    assert Every.parse(text) == every
    assert Every.parse(str(every)) == every


@pytest.mark.parametrize(
    "text", ["", "0 days", "00 months", "week", "-1 month", "1.5 months", "month 3", "1000 days", "٣ days"]
)
def test_what_is_no_period_says_what_to_write(text: str) -> None:
    with pytest.raises(PeriodError, match="write month, 30 days or 12 months"):
        Every.parse(text)


@given(everies, st.integers(1, 12))
def test_how_often_multiplies(every: Every, count: int) -> None:
    assert every.times(count) == Every(every.count * count, every.unit)
    assert Every.parse(str(every)) == every


@pytest.mark.parametrize(
    ("anchor", "every", "starts"),
    [
        # Month ends are clipped from the anchor's own day, never from the month before.
        ("2027-01-31 08:00", "month", ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]),
        ("2028-01-30 08:00", "month", ["01-30", "02-29", "03-30"]),
        ("2027-02-28 08:00", "month", ["02-28", "03-28", "04-28"]),
        ("2027-10-31 08:00", "3 months", ["10-31", "01-31", "04-30", "07-31"]),
        ("2028-02-29 08:00", "year", ["02-29", "02-28", "02-28", "02-28", "02-29"]),
        ("2027-02-15 08:00", "30 days", ["02-15", "03-17", "04-16"]),
    ],
)
def test_periods_keep_the_anchor_s_day_and_hour(anchor: str, every: str, starts: list[str]) -> None:
    found = [boundary(paris(anchor), Every.parse(every), number) for number in range(len(starts))]
    assert [one.strftime("%m-%d") for one in found] == starts
    assert {one.strftime("%H:%M") for one in found} == {"08:00"}


@pytest.mark.parametrize(
    ("anchor", "every", "number", "expected"),
    [
        # 28 March 2027, 02:00 to 03:00, does not exist in Paris.
        ("2027-02-28 02:30", "month", 1, "2027-03-28 03:30+02:00"),
        ("2027-03-27 02:30", "day", 1, "2027-03-28 03:30+02:00"),
        ("2027-03-27 02:30", "day", 2, "2027-03-29 02:30+02:00"),
        # 31 October 2027, 02:00 to 03:00, comes twice: the first is meant.
        ("2027-09-30 02:30", "31 days", 1, "2027-10-31 02:30+02:00"),
        ("2027-08-31 02:30", "month", 2, "2027-10-31 02:30+02:00"),
    ],
)
def test_an_hour_that_is_skipped_or_repeated_has_one_answer(
    anchor: str, every: str, number: int, expected: str
) -> None:
    found = boundary(paris(anchor), Every.parse(every), number)
    assert found.isoformat(" ", "minutes") == expected
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).astimezone(UTC)


@pytest.mark.parametrize("every", ["day", "month"])
def test_an_anchor_in_the_repeated_hour_is_its_own_start(every: str) -> None:
    second = paris("2027-10-31 02:30").replace(fold=1)
    assert boundary(second, Every.parse(every), 0).astimezone(UTC) == second.astimezone(UTC)
    # 26 March 2028, 02:30, is skipped: whichever of the two the anchor was, it moves forward.
    assert boundary(second, Every.parse("147 days"), 1).isoformat(" ", "minutes") == "2028-03-26 03:30+02:00"


@given(moments, everies, st.integers(-50, 200))
def test_every_moment_lies_in_the_period_of_its_number(anchor: datetime, every: Every, number: int) -> None:
    assume(2000 < anchor.year + every.count * number * (1 if every.unit is Unit.MONTH else 0) // 12 < 2500)
    one = period_number(anchor, every, number)
    assert number_at(anchor, every, one.start) == number
    assert number_at(anchor, every, one.end - timedelta(microseconds=1)) == number
    assert number_at(anchor, every, one.end) == number + 1
    assert number_at(anchor, every, one.start.astimezone(ZoneInfo("Asia/Tokyo"))) == number


@given(moments, everies, moments)
def test_the_number_of_a_moment_names_the_period_that_holds_it(
    anchor: datetime, every: Every, moment: datetime
) -> None:
    assert moment in period_number(anchor, every, number_at(anchor, every, moment))


@given(moments, everies, st.integers(0, 60))
def test_periods_follow_each_other_without_gap_from_the_anchor(anchor: datetime, every: Every, number: int) -> None:
    assert period_number(anchor, every, number).end == period_number(anchor, every, number + 1).start
    assert boundary(anchor, every, 0).astimezone(UTC) == anchor.astimezone(UTC)


@given(moments, everies, st.integers(0, 60))
def test_no_period_is_longer_than_the_longest(anchor: datetime, every: Every, number: int) -> None:
    assert period_number(anchor, every, number).length <= every.at_most


@given(moments, st.integers(1, 12), st.integers(0, 60))
def test_a_month_s_period_starts_on_the_anchor_s_day_or_the_month_s_last(
    anchor: datetime, count: int, number: int
) -> None:
    start = boundary(anchor, Every(count, Unit.MONTH), number)
    months = anchor.year * 12 + anchor.month - 1 + count * number
    assert (start.year * 12 + start.month - 1) == months
    assert start.day == min(anchor.day, calendar.monthrange(start.year, start.month)[1])


def test_a_period_holds_its_start_and_not_its_end() -> None:
    june = Period(paris("2027-06-01"), paris("2027-07-01"))
    assert june.start in june
    assert june.start.astimezone(UTC) in june
    assert june.end not in june
    assert june.end - timedelta(microseconds=1) in june
    assert june.start - timedelta(microseconds=1) not in june


def test_a_period_ends_after_it_starts_even_in_the_repeated_hour() -> None:
    first, second = paris("2027-10-31 02:30"), paris("2027-10-31 02:30").replace(fold=1)
    assert Period(first, second).length == timedelta(hours=1)
    assert first in Period(first, second)
    assert second not in Period(first, second)
    for start, end in ((second, first), (first, first)):
        with pytest.raises(PeriodError, match="ends after it starts"):
            Period(start, end)


def test_length_is_time_that_passes_on_no_clock_face() -> None:
    assert Period(paris("2027-03-28"), paris("2027-03-29")).length == timedelta(hours=23)
    assert Period(paris("2027-10-31"), paris("2027-11-01")).length == timedelta(hours=25)


@given(st.lists(moments, min_size=4, max_size=4, unique_by=lambda one: one.astimezone(UTC)), moments)
def test_what_two_periods_share_is_what_both_hold(ends: list[datetime], moment: datetime) -> None:
    a, b, c, d = ends
    left = Period(*sorted((a, b), key=lambda one: one.astimezone(UTC)))
    right = Period(*sorted((c, d), key=lambda one: one.astimezone(UTC)))
    shared = left & right
    for each in (moment, *ends):
        assert (each in left and each in right) == (shared is not None and each in shared)
    assert (left & right) == (right & left)
    assert left & left == left


@given(moments, st.integers(2, 10**9), st.data())
def test_halves_make_up_the_whole(start: datetime, seconds: int, data: st.DataObject) -> None:
    begin = start.astimezone(UTC)
    whole = Period(start, begin + timedelta(seconds=seconds))
    cut = begin + timedelta(seconds=data.draw(st.integers(1, seconds - 1)))
    left, right = whole.split(cut)
    assert (left.start, left.end, right.start, right.end) == (whole.start, cut, cut, whole.end)
    assert left.length + right.length == whole.length


@pytest.mark.parametrize("at", ["2027-06-01", "2027-07-01", "2027-05-01", "2027-08-01"])
def test_a_cut_lies_inside(at: str) -> None:
    with pytest.raises(PeriodError, match="is not inside"):
        Period(paris("2027-06-01"), paris("2027-07-01")).split(paris(at))


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2027, 6, 1)  # noqa: DTZ001  # that is the point
    june = Period(paris("2027-06-01"), paris("2027-07-01"))
    for use in (
        lambda: aware(naive),
        lambda: Period(naive, naive),
        lambda: naive in june,
        lambda: boundary(naive, MONTH, 1),
        lambda: number_at(paris("2027-06-01"), MONTH, naive),
        lambda: june.split(naive),
    ):
        with pytest.raises(PeriodError, match="has no time zone"):
            use()
    assert aware(june.start) is june.start
