"""How windows that are unlike the others are put together to spans, and said."""

from __future__ import annotations

import numpy as np
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.left_out_windows import left_out_remarks, left_out_windows
from driftline.baseline.outlying_windows import (
    Change,
    OutlyingSpan,
    _rows,
    _runs,
    _span,
    outlying_remarks,
    outlying_windows,
)
from driftline.config.times import show_time
from driftline.measures.own_windows import compare_windows
from driftline.measures.window_histograms import WindowHistograms
from driftline.segments import ALL
from tests.transforms.timelines import MINUTE, baseline_and_windows, events

HOUR = 3_600_000_000
SIZE = 30


@pytest.mark.parametrize(
    ("starts", "size", "stride", "spans"),
    [
        ([0], 10, 10, [(0, 10)]),
        ([0, 10, 30], 10, 10, [(0, 20), (30, 40)]),
        # an incident of one stride is in all windows that hold it
        ([0, 5], 10, 5, [(5, 10)]),
        ([0, 5, 10], 10, 5, [(5, 15)]),
        ([0, 2, 4, 6, 8, 10, 12, 14], 16, 2, [(14, 16)]),
        # in some of them only: where these overlap
        ([0, 2, 4], 16, 2, [(4, 16)]),
        ([0], 16, 2, [(0, 16)]),
    ],
)
def test_a_span_is_what_overlapping_windows_have_in_common(starts, size, stride, spans):
    found = {start: [Change(0.1, "x", "shape")] for start in starts}
    runs = _runs(starts, size, stride)
    assert [(span.start, span.end) for span in (_span(run, found, size, stride) for run in runs)] == spans


def test_the_worst_of_every_feature_is_said_first():
    found = {
        0: [Change(1e-5, "x", "shift +1 sd"), Change(1e-7, "y", "spread x2")],
        1: [Change(1e-8, "x", "shift +2 sd")],
    }
    span = _span([0, 1], found, 1, 1)
    assert span.changes == ("x shift +2 sd", "y spread x2")
    assert span.p_value == 1e-8


def test_remarks_name_five_and_give_the_line_to_paste():
    spans = [
        OutlyingSpan(day * 24 * HOUR, day * 24 * HOUR + HOUR, 1e-9, ("a x", "b y", "c z")) for day in range(7)
    ]
    lines = outlying_remarks(spans)
    assert len(lines) == 6
    assert "from 1970-01-02 to 1970-01-02T01:00 is unlike the rest of it: a x; b y and 1 more." in lines[1]
    assert "`baseline: {exclude: [{from: 1970-01-02, to: 1970-01-02T01:00}]}`" in lines[1]
    assert lines[5] == "note: 2 more spans of the reference are unlike the rest"
    assert outlying_remarks(spans[:5])[4].startswith("note: the reference from")
    assert outlying_remarks([]) == []


# --- what is found


def reference(windows, *, seed=0, rows=100, moved=None, min_n=50):
    """A baseline of one number and one category, and its windows; `moved` (W,) is added to the number."""
    rng = np.random.default_rng(seed)
    window = np.repeat(np.arange(windows), rows)
    minutes = np.sort((window + rng.random(len(window))) * SIZE)
    x = rng.normal(size=len(window)) + (0 if moved is None else np.asarray(moved)[window])
    c = rng.choice(["a", "b", "d"], len(window), p=[0.5, 0.3, 0.2])
    log = events(minutes, ["A"] * len(window), [None if np.isnan(each) else each for each in x], c.tolist())
    encoded, found = baseline_and_windows(log, size=SIZE, every=SIZE, min_n=min_n)
    return decode_baseline(encoded, "b"), found


def places(found, min_n=50):
    """Windows by their place, of the spans that are named."""
    spans = outlying_windows(*found, "none", min_n)
    size = SIZE * MINUTE
    return sorted(place for span in spans for place in range(span.start // size, span.end // size))


def test_a_build_says_which_windows_a_null_is_fitted_without():
    built, windows = reference(40, moved=np.where(np.arange(40) == 20, 8.0, 0.0))
    found = left_out_windows(built, windows)
    assert found == {"x": [20 * SIZE * MINUTE]}
    (line,) = left_out_remarks(found)
    assert f"x (1 from {show_time(20 * SIZE * MINUTE)})" in line
    assert left_out_windows(*reference(40)) == {}
    assert left_out_remarks({}) == []
    (line,) = left_out_remarks({name: [0] for name in "abcde"})
    assert "c (1 from 1970-01-01) and 2 more features" in line


@pytest.mark.filterwarnings("error")
def test_windows_without_rows_enough_are_not_judged():
    moved = np.where(np.arange(40) == 20, 3.0, 0.0)
    found = reference(40, rows=60, moved=moved)
    assert places(found) == [20]
    assert places(found, min_n=100) == []


def test_the_rows_of_a_window_are_those_of_one_feature():
    windows = WindowHistograms(
        starts=np.zeros(2, np.int64),
        counts=np.array([[[40, 20], [0, 0]], [[0, 0], [1, 2]]]),
        missing=np.array([[0, 60], [0, 1]]),
        nonfinite=np.array([[0, 0], [5, 1]]),
    )
    assert _rows(windows).tolist() == [60, 5]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("part", ["numeric/0", "categorical/0"])
def test_no_windows_are_compared_without_an_error(part):
    baseline, found = reference(40)
    windows = found[part].only(np.zeros(len(found[part].starts), bool))
    of, null = baseline.layout.part(part), baseline.entries[ALL, part].null
    compared = compare_windows(windows, SIZE * MINUTE, 0, baseline.reference(ALL, of), null)
    assert compared.p_value.shape == (0,)


def of_incident(windows, first, shifts):
    return np.r_[np.zeros(first), shifts, np.zeros(windows - first - len(shifts))]


@pytest.mark.parametrize(
    ("windows", "shifts", "named"),
    [
        (60, [3.0], range(30, 31)),
        (60, [2.0] * 5, range(30, 35)),
        (60, [2.0] * 7, range(30, 37)),  # beyond a tenth of the windows
        (60, [2.0] * 12, range(30, 42)),
        (200, 0.15 * np.arange(1, 19), range(39, 48)),  # a ramp, but for its beginning
        (200, 5 * np.exp(-np.arange(18) / 6), range(30, 39)),  # a decay, but for its end
    ],
    ids=["one", "flat 5", "flat 7", "flat 12", "ramp", "decay"],
)
def test_an_incident_is_named(windows, shifts, named):
    found = places(reference(windows, moved=of_incident(windows, 30, shifts)))
    assert set(named) <= set(found) <= set(range(30, 30 + len(shifts)))


@pytest.mark.parametrize("wobble", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_named_in_a_clean_reference(seed, wobble):
    moved = wobble * np.random.default_rng(100 + seed).standard_normal(60)
    assert places(reference(60, seed=seed, moved=moved)) == []


def test_what_comes_again_as_often_as_weekends_is_no_incident():
    assert places(reference(70, moved=np.where(np.arange(70) % 7 > 4, 1.0, 0.0))) == []
