"""The calendar line, against what zoneinfo and pandas say of the same times."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftline.windows.calendar import DAY, IN_UTC, MONTH, UTC, Calendar, local_to_utc

HOUR = 3_600_000_000
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # changes its clocks at midnight, both ways
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Casablanca",  # back for a month of the year
    "Pacific/Apia",  # skipped a day
    "UTC",
)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
zones = st.sampled_from(ZONES)
units = st.sampled_from(["day", "week", "month"])
times = st.integers(0, 4_000_000_000_000_000)  # to 2096


def micros(when):
    return (when - EPOCH) // timedelta(microseconds=1)


def first_of(day, zone):
    """The first moment of a local day, by pandas: clocks are changed at whole quarters of an hour."""
    noon = pd.Timestamp(day).tz_localize("UTC") + pd.Timedelta("12h")
    moments = pd.date_range(noon - pd.Timedelta("28h"), noon + pd.Timedelta("4h"), freq="15min", unit="us")
    local = moments.tz_convert(zone).tz_localize(None)
    return int(moments[np.flatnonzero(local >= pd.Timestamp(day))[0]].value // 1000)


@settings(deadline=None)
@given(units, zones, st.lists(times, min_size=1, max_size=20))
def test_the_line_keeps_the_order_of_times(unit, zone, moments):
    moments = np.sort(np.array(moments, np.int64))
    line = Calendar(unit, zone).to_line(moments)
    assert line.dtype == np.int64
    assert (np.diff(line) >= 0).all()


@settings(deadline=None)
@given(units, zones, times)
def test_a_time_comes_back_to_the_microsecond_that_the_line_can_hold(unit, zone, time):
    calendar = Calendar(unit, zone)
    back = calendar.in_utc(calendar.on_line(time))
    assert abs(back - time) <= 1
    assert calendar.on_line(back) == calendar.on_line(time)


@settings(deadline=None)
@given(zones, times)
def test_a_day_on_the_line_is_the_day_that_clocks_show(zone, time):
    local = (EPOCH + timedelta(microseconds=time)).astimezone(ZoneInfo(zone))
    day = EPOCH.date() + timedelta(days=Calendar("day", zone).on_line(time) // DAY)
    assert day == local.date()


@settings(max_examples=60, deadline=None)
@given(zones, st.dates(date(2012, 1, 2), date(2037, 12, 31)))
def test_a_day_begins_at_its_first_moment(zone, day):
    line = (day - date(1970, 1, 1)).days * DAY
    assert Calendar("day", zone).in_utc(line) == first_of(day, zone)


@settings(max_examples=60, deadline=None)
@given(zones, st.dates(date(2012, 1, 2), date(2037, 12, 31)))
def test_a_week_begins_on_monday(zone, day):
    calendar = Calendar("week", zone)
    monday = day - timedelta(days=day.weekday())
    start = calendar.on_line(first_of(day, zone)) // (7 * DAY) * 7 * DAY
    assert calendar.in_utc(start) == first_of(monday, zone)


@settings(max_examples=60, deadline=None)
@given(zones, st.dates(date(2012, 1, 2), date(2037, 12, 31)))
def test_a_month_begins_on_its_first_day(zone, day):
    calendar = Calendar("month", zone)
    start = calendar.on_line(first_of(day, zone)) // MONTH * MONTH
    assert calendar.in_utc(start) == first_of(day.replace(day=1), zone)
    after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    assert calendar.in_utc(start + MONTH) == first_of(after, zone)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)],
)
def test_days_have_the_hours_that_they_have_in_berlin(day, hours):
    calendar, line = Calendar("day", "Europe/Berlin"), (day - date(1970, 1, 1)).days * DAY
    assert calendar.in_utc(line + DAY) - calendar.in_utc(line) == hours * HOUR


def test_an_hour_that_comes_twice_is_one_at_half_the_speed():
    calendar = Calendar("day", "Europe/Berlin")
    begin = micros(datetime(2026, 10, 25, 0, tzinfo=timezone.utc))  # two o'clock, for the first time
    line = calendar.to_line(begin + np.arange(0, 4) * HOUR)
    assert ((line - line[0]) / HOUR).tolist() == [0.0, 0.5, 1.0, 2.0]
    assert line[0] % DAY == 2 * HOUR


def test_times_that_clocks_skip_are_the_time_of_the_skip():
    calendar = Calendar("day", "Europe/Berlin")
    skip = micros(datetime(2026, 3, 29, 1, tzinfo=timezone.utc))
    line = calendar.on_line(skip)
    assert line % DAY == 3 * HOUR
    assert calendar.from_line(np.array([line - 1, line - HOUR, line])).tolist() == [skip] * 3


@pytest.mark.parametrize("calendar", [IN_UTC, Calendar("day", UTC)])
def test_in_utc_the_line_is_time_itself(calendar):
    times = np.array([-5, 0, 10**17])
    assert calendar.is_utc
    assert calendar.to_line(times) is times
    assert calendar.from_line(times) is times


def test_before_1970_and_after_2100_the_order_stays():
    moments = np.array([-(10**17), -(10**15), -1, 0, 1, 10**16, 10**17])
    for unit in ("day", "week", "month"):
        calendar = Calendar(unit, "America/New_York")
        line = calendar.to_line(moments)
        assert (np.diff(line) > 0).all()
        assert np.abs(calendar.from_line(line) - moments).max() <= 1


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="calendar of 'year': write one of day, week, month, or nothing"):
        Calendar("year")


@settings(deadline=None)
@given(zones, st.datetimes(datetime(2012, 1, 2), datetime(2037, 12, 31)))
def test_local_times_are_read_as_zoneinfo_reads_them(zone, local):
    there = local.replace(tzinfo=ZoneInfo(zone))
    instant = there.astimezone(timezone.utc)
    assume(instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local)  # clocks do not skip it
    line = micros(local.replace(tzinfo=timezone.utc))
    assert local_to_utc(np.array([line]), zone).tolist() == [micros(instant)]
