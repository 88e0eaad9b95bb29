"""Too late or not: row by row, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.streaming.emptiness import Emptiness
from driftline.windows.lateness import LateRule, watermarks_before

RULE = LateRule(size=30, slice=5, allowed_lateness=10)


@pytest.mark.parametrize(
    ("time", "watermark", "late"),
    [
        (0, 39, False),  # slice [0, 5) belongs last to window [0, 30), kept until 40
        (0, 40, True),
        (4, 39, False),
        (4, 40, True),
        (5, 40, False),
        (5, 45, True),
        (-1, 35, True),
        (-1, 34, False),
    ],
)
def test_a_row_is_dropped_when_its_last_window_cannot_be_corrected_any_more(time, watermark, late):
    assert RULE.too_late(np.array([time]), np.array([watermark])).tolist() == [late]


def by_hand(times, watermark, disorder, now):
    before = []
    for time in times:
        before.append(watermark)
        watermark = max(watermark, min(time, now) - disorder)
    return before, watermark


@given(
    st.lists(st.integers(-(10**15), 10**15)),
    st.integers(-(10**15), 10**15),
    st.integers(0, 10**9),
    st.integers(-(10**15), 10**15),
)
def test_the_watermark_follows_the_largest_time_before_each_row(times, start, disorder, now):
    before, after = watermarks_before(np.array(times, np.int64), start, disorder=disorder, now=now)
    assert (before.tolist(), after) == by_hand(times, start, disorder, now)


@given(st.lists(st.integers(0, 200), min_size=1), st.data())
def test_how_a_replay_cuts_the_rows_into_batches_does_not_matter(times, data):
    times = np.array(times, np.int64)
    cut = data.draw(st.integers(0, len(times)))
    whole, end = watermarks_before(times, 0, disorder=5, now=1000)
    first, middle = watermarks_before(times[:cut], 0, disorder=5, now=1000)
    second, last = watermarks_before(times[cut:], middle, disorder=5, now=1000)
    assert np.concatenate([first, second]).tolist() == whole.tolist()
    assert last == end


def test_a_producer_a_day_ahead_does_not_move_the_watermark_past_the_clock():
    day = 86_400_000_000
    before, after = watermarks_before(np.array([10, 10 + day, 12]), 0, disorder=2, now=11)
    assert before.tolist() == [0, 8, 9]
    assert after == 9


def test_an_idle_partition_needs_unbroken_evidence():
    emptiness = Emptiness(idle_after=20)
    assert not emptiness.confirmed(0)
    emptiness.reset()
    assert not emptiness.confirmed(19)
    assert not emptiness.confirmed(38)
    assert emptiness.confirmed(39)
