"""What a reference usually holds, and coverage by it, against looking at every unit of every cycle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.baseline.reference_windows import full_windows
from driftline.profiles.coverage import Coverage
from driftline.profiles.rhythm import Rhythm

HOUR = 3_600_000_000
DAY = 24 * HOUR
WEEK = 7 * DAY
UNIT = 6 * HOUR


def covered(times):
    return Coverage.of(np.array(times, np.int64), UNIT)


def nights(days, hour=0):
    return [day * DAY + hour * HOUR for day in days]


def starts_of(coverage, rhythm, size=DAY, stride=DAY, min_coverage=0.5):
    return (full_windows(coverage, size, stride, min_coverage, (), rhythm) // DAY).tolist()


@pytest.mark.parametrize("hour", [0, 2, 23])
def test_a_batch_a_day_covers_its_day_whole(hour):
    coverage = covered(nights(range(30), hour))
    rhythm = Rhythm.learn(coverage, period=DAY)
    assert [rhythm.coverage(coverage, day * DAY, (day + 1) * DAY) for day in range(30)] == [1.0] * 30
    assert rhythm.usual_units(DAY) == 1.0
    assert starts_of(coverage, rhythm) == list(
        range(30)
    )  # the last day too: nothing is usual behind its batch


def test_a_day_without_its_batch_is_not_covered():
    rhythm = Rhythm.learn(covered(nights(range(30))), period=DAY)
    late = covered(nights([40], 15))  # some rows at three in the afternoon
    assert rhythm.coverage(late, 40 * DAY, 41 * DAY) == 0.0
    assert rhythm.coverage(covered([]), 40 * DAY, 41 * DAY) == 0.0


def test_weekends_without_rows_are_usual():
    days = [day for day in range(70) if (day + 3) % 7 < 5]
    hours = [day * DAY + hour * HOUR for day in days for hour in range(24)]
    coverage = covered(hours)
    rhythm = Rhythm.learn(coverage, period=DAY)
    assert rhythm.cycle == WEEK
    assert starts_of(coverage, rhythm) == days
    week = covered([time for time in hours if 35 * DAY <= time < 42 * DAY])
    assert rhythm.coverage(week, 35 * DAY, 42 * DAY) == 1.0
    saturday = next(day for day in range(70, 77) if (day + 3) % 7 == 5)
    assert rhythm.coverage(covered([saturday * DAY]), saturday * DAY, (saturday + 1) * DAY) == 1.0
    monday = covered(nights([saturday + 2]))
    assert rhythm.coverage(monday, (saturday + 2) * DAY, (saturday + 3) * DAY) == 0.25


def test_batches_whose_hour_wanders_cover_their_days():
    hours = np.random.default_rng(0).choice([1, 22], 60)
    coverage = covered([day * DAY + int(hour) * HOUR for day, hour in enumerate(hours)])
    rhythm = Rhythm.learn(coverage, period=DAY)
    share = [rhythm.coverage(coverage, day * DAY, (day + 1) * DAY) for day in range(60)]
    assert min(share) > 0.5
    assert np.mean(share) > 0.9


def test_two_batches_a_day_are_half_there_with_one():
    coverage = covered([*nights(range(30), 1), *nights(range(30), 13)])
    rhythm = Rhythm.learn(coverage, period=DAY)
    assert rhythm.coverage(covered(nights([40], 13)), 40 * DAY, 41 * DAY) == 0.5


@given(st.sets(st.integers(0, 119), min_size=1), st.integers(0, 29), st.sampled_from([1, 2, 7]))
def test_with_unbroken_traffic_coverage_is_the_share_of_time(units, day, days):
    rhythm = Rhythm.learn(covered(range(0, 35 * DAY, UNIT)), period=DAY)
    part = covered([unit * UNIT for unit in units])
    start, end = day * DAY, (day + days) * DAY
    assert rhythm.coverage(part, start, end) == part.count(start, end) / ((end - start) // UNIT)


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(21, 60))
def test_outages_and_a_wrong_clock_change_little(seed, down, days):
    rng = np.random.default_rng(seed)
    hours = np.arange(0, days * DAY, HOUR)
    hours = hours[(hours < down * DAY) | (hours >= (down + 1) * DAY)]
    coverage = covered([*hours, int(rng.integers(10**9, 10**10)) * DAY // 1000 // DAY * DAY])
    rhythm = Rhythm.learn(coverage, period=DAY)
    day = (down + 1) % days
    assert rhythm.coverage(coverage, day * DAY, (day + 1) * DAY) > 0.9


@given(
    st.lists(st.integers(0, 27), min_size=1, max_size=60, unique=True),
    st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True),
    st.integers(0, 15),
)
def test_coverage_is_what_is_said_of_it(reference, seen, day):
    rhythm = Rhythm.learn(covered([unit * UNIT for unit in reference]), period=DAY)
    part = covered([unit * UNIT for unit in seen])
    found = rhythm.coverage(part, day * DAY, (day + 1) * DAY)
    inside = range(4 * day, 4 * day + 4)
    cycle = len(rhythm.held)
    there = expected = Fraction(0)
    for unit in inside:
        held, of = int(rhythm.held[unit % cycle]), int(rhythm.seen[unit % cycle])
        share = Fraction(held, max(of, 1))
        square = Fraction(held * (held - 1), max(of * (of - 1), 1))
        if share >= Fraction(9, 10):
            share = square = Fraction(1)
        elif share <= Fraction(1, 10):
            share = square = Fraction(0)
        there += share * (unit in seen)
        expected += square
    if not any(unit in seen for unit in inside):
        assert found == 0.0
    elif expected == 0:
        assert found == 1.0
    else:
        assert found == pytest.approx(min(float(there / expected), 1.0), rel=1e-4)


def test_excluded_time_is_not_learned_from():
    times = [*nights(range(30)), *nights(range(10, 14), 12)]
    spans = ((10 * DAY, 14 * DAY),)
    rhythm = Rhythm.learn(covered(times), period=DAY, excluded=spans)
    assert rhythm.held.sum() == 26
    assert rhythm.seen.max() <= 27


def test_a_short_reference_has_the_rhythm_of_a_day_or_a_window():
    assert Rhythm.learn(covered(nights(range(15))), period=DAY).cycle == DAY
    assert Rhythm.learn(covered(nights(range(2))), period=DAY).cycle == DAY
    assert Rhythm.learn(covered(nights(range(0, 120, 14))), period=14 * DAY).cycle == 14 * DAY


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60))
def test_bytes_hold_it(units):
    rhythm = Rhythm.learn(covered([unit * UNIT for unit in units]), period=DAY)
    again = Rhythm.from_bytes(rhythm.to_bytes())
    assert again.unit == rhythm.unit
    assert again.held.tolist() == rhythm.held.tolist()
    assert again.seen.tolist() == rhythm.seen.tolist()


def test_version_1_is_read():
    data = b'dRH\x01\x14\x00\x00\x00{"unit":6,"units":2}x\x9c\xe3d@\x05\x9cP\x9a\x03J\x03\x00\x02\x10\x00\x1b'
    rhythm = Rhythm.from_bytes(data)
    assert (rhythm.unit, rhythm.held.tolist(), rhythm.seen.tolist()) == (6, [9, 0], [9, 8])


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="rhythm of rows"):
        Rhythm.from_bytes(data)
    whole = Rhythm.learn(covered(nights(range(9))), period=DAY).to_bytes()
    with pytest.raises(ValueError, match="rhythm of rows"):
        Rhythm.from_bytes(whole[: len(whole) - 1 - len(data) % 20])
