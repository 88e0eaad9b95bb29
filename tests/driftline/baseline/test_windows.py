"""The reference's windows, against counting every event by hand."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.baseline.reference_windows import (
    MOST_OVERLAP,
    calibration_stride,
    full_windows,
)
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.measures.window_histograms import ReferenceWindows, window_histograms
from driftline.measures.window_values import WindowValues
from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.coverage import Coverage
from driftline.profiles.hashing import bucket_of, hash_text
from driftline.profiles.layout import Layout

DAY = 86_400_000_000


@given(st.integers(1, 400), st.integers(1, 10**9))
def test_the_stride_divides_the_window_into_at_most_eight_parts_and_is_a_multiple_of_the_period(parts, every):
    size = parts * every
    stride = calibration_stride(size, every)
    assert stride % every == 0
    assert size % stride == 0
    assert size // stride <= MOST_OVERLAP
    possible = [every * k for k in range(1, parts + 1) if parts % k == 0 and parts // k <= MOST_OVERLAP]
    assert stride == min(possible)


@pytest.mark.parametrize(
    ("size", "every", "stride"),
    [(30, 15, 15), (30, 30, 30), (30, 1, 5), (7, 1, 1), (11, 1, 11), (24, 1, 3), (8, 1, 1), (9, 1, 3)],
)
def test_strides(size, every, stride):
    assert calibration_stride(size, every) == stride


def by_hand(times, unit, size, stride, min_coverage):
    """Every multiple of the stride, each unit looked at by itself."""
    units = {time // unit for time in times}
    if not units:
        return []
    begin, end = min(units) * unit, (max(units) + 1) * unit
    found = []
    for start in range(begin - 2 * size, end + size):
        if start % stride or start < begin or start + size > end:
            continue
        inside = [unit_start // unit in units for unit_start in range(start, start + size, unit)]
        if sum(inside) / len(inside) >= min_coverage:
            found.append(start)
    return found


@settings(deadline=None)
@given(
    st.lists(st.integers(-300, 300), max_size=40),
    st.sampled_from([(1, 4, 1), (1, 4, 3), (2, 3, 2), (3, 2, 1), (5, 4, 4)]),
    st.sampled_from([0.0, 0.25, 0.5, 2 / 3, 1.0]),
)
def test_full_windows_are_those_found_by_looking_at_every_unit(times, shape, min_coverage):
    unit, stride_units, parts = shape
    stride = unit * stride_units
    size = stride * parts
    coverage = Coverage.of(np.array(times, np.int64), unit)
    found = full_windows(coverage, size, stride, min_coverage)
    assert found.dtype == np.int64
    expected = by_hand(times, unit, size, stride, min_coverage)
    if min_coverage == 0:  # windows without any row teach nothing
        assert set(found.tolist()) <= set(expected)
    else:
        assert found.tolist() == expected


def test_no_events_give_no_windows():
    assert full_windows(Coverage.of(np.zeros(0, np.int64), 10), 20, 10, 0.5).tolist() == []


def test_a_reference_shorter_than_a_window_gives_none():
    coverage = Coverage.of(np.arange(0, 90), 10)
    assert full_windows(coverage, 100, 50, 0.1).tolist() == []


def test_one_event_in_the_year_1_and_one_in_9999_cost_nothing():
    coverage = Coverage.of(np.array([-62_135_596_800_000_000, 0, DAY, 2 * DAY, 253_402_300_799_000_000]), DAY)
    begin = time.monotonic()
    found = full_windows(coverage, 2 * DAY, DAY, 1.0)
    assert time.monotonic() - begin < 1
    assert found.tolist() == [0, DAY]


LAYOUT = Layout.of(
    [
        NumericFeature("x", np.array([0.0, 1.0])),
        CategoricalFeature("c", ("a", "b"), np.zeros(0, np.uint64)),
        CategoricalFeature("d", ("a",), None, 2),
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(-40, 40),
            st.sampled_from([None, -1.0, 0.0, 0.5, 1.0, 7.0, float("nan"), float("inf")]),
            st.sampled_from([None, "a", "b", "z"]),
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([(5, 10), (5, 5), (4, 12), (10, 20)]),
)
def test_window_histograms_count_every_row_of_their_window(rows, lengths):
    stride, size = lengths
    times, x, c = zip(*rows, strict=True)
    events = pa.RecordBatch.from_arrays(
        [pa.array(times, pa.int64()), pa.array(x, pa.float64()), *[pa.array(c, pa.string())] * 2],
        names=["time", "feature.x", "feature.c", "feature.d"],
    )
    slices = {block.name: {} for block in LAYOUT.blocks}
    for part in profile_events(events, LAYOUT, None, stride):
        slices[part.part][part.start] = part.profile
    starts = np.arange(-60 // stride * stride, 60, stride, dtype=np.int64)
    windows = ReferenceWindows(starts, size, stride, min_n=1)
    numeric = window_histograms(slices["numeric/0"], windows, decode_profile)
    categorical = window_histograms(slices["categorical/0"], windows, decode_profile)
    assert numeric.starts.tolist() == starts.tolist()
    for w, start in enumerate(starts):
        inside = [(x, c) for t, x, c in rows if start <= t < start + size]
        finite = [x for x, _ in inside if x is not None and np.isfinite(x)]
        assert numeric.counts[w, 0].tolist() == [
            sum(x < 0 for x in finite),
            sum(0 <= x < 1 for x in finite),
            sum(x >= 1 for x in finite),
        ]
        assert numeric.missing[w, 0] == sum(x is None for x, _ in inside)
        assert numeric.nonfinite[w, 0] == sum(x is not None and not np.isfinite(x) for x, _ in inside)
        present = [c for _, c in inside if c is not None]
        assert categorical.counts[w, 0].tolist() == [present.count(v) for v in ("a", "b", "z")]
        assert categorical.missing[w, 0] == len(inside) - len(present)
        assert categorical.nonfinite[w, 0] == 0
        assert categorical.cardinality[w].round().tolist() == [len(set(present))] * 2
        hashes = hash_text(pa.array(present, pa.string()))
        in_bucket = np.bincount(bucket_of(hashes, 2), minlength=2).tolist()
        assert categorical.coincidences[w].tolist() == [
            sum(k * (k - 1) for k in map(present.count, ("a", "b", "z"))),
            sum(k * (k - 1) for k in in_bucket),
        ]
    assert numeric.cardinality is numeric.coincidences is categorical.mean is None


def test_no_more_slices_are_held_than_a_window_has():
    held, windows = [], WindowValues(np.arange(0, 90, 10), np.arange(20, 110, 10), 1)
    profile = CategoricalProfile.empty(Layout.of([CategoricalFeature("c", ())]).blocks[0])
    for row in range(100):
        windows.add(row, profile)
        held.append(len(windows._recent))
    assert max(held) < 20
    assert windows.cardinality.tolist() == [[0.0]] * 9


@pytest.mark.parametrize(
    ("excluded", "left"),
    [([], 9), ([(30, 35)], 7), ([(30, 40)], 7), ([(0, 10), (5, 20)], 7), ([(-5, 0), (100, 200)], 9)],
)
def test_windows_that_share_time_with_what_is_excluded_are_left_out(excluded, left):
    coverage = Coverage.of(np.arange(100), 1)
    found = full_windows(coverage, 20, 10, 0.1, excluded)
    assert len(found) == left
    for begin, end in excluded:
        assert ((found + 20 <= begin) | (found >= end)).all()
