"""The most unusual run, against every run by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics.null.runs import RUNS
from driftline.trends.reference_runs import ReferenceRuns
from driftline.trends.run_scan import scan_runs
from tests.driftline.trends.followed import SIZE, rows, steps


def by_itself(vectors, at, runs, place):
    """The smallest p-value of all runs that end at a window, and its length."""
    best = (1.0, 1)
    for number, run in enumerate(RUNS.tolist()):
        if run <= min(at + 1, runs.longest[place]):
            mean = vectors[at + 1 - run : at + 1].mean(0)
            square = run * (mean**2 / runs.variances[number, place]).sum()
            df, scale_df = runs.shape[place]
            best = min(best, (stats.f.sf(square / df, df, scale_df), run))
    return best


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_scan_finds_the_most_unusual_run(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 40, 3)
    vectors = [steps(rng, (length, 2)) for length in lengths]
    runs = ReferenceRuns(
        rng.uniform(0.5, 3, (len(RUNS), 3, 2)),
        np.stack([rng.uniform(1, 2, 3), rng.uniform(5, 300, 3)], axis=1),
        rng.choice([0, 2, 8, 32], 3),
    )
    places = np.repeat(np.arange(3), lengths)
    starts = np.concatenate([np.arange(length) for length in lengths])
    new = np.sort(rng.permutation(len(places))[: max(len(places) // 2, 1)])
    found = scan_runs(rows(places, starts, np.concatenate(vectors)), new, runs, SIZE)
    expected = [by_itself(vectors[places[at]], starts[at], runs, places[at]) for at in new]
    assert found.p == pytest.approx([p for p, _ in expected], rel=1e-9)
    assert found.run.tolist() == [run for _, run in expected]


def test_numbers_that_a_feature_lacks_do_not_count():
    rng = np.random.default_rng(1)
    vectors = steps(rng, (12, 1))
    alone = ReferenceRuns(np.ones((len(RUNS), 1, 1)), np.array([[1.0, 50.0]]), np.array([8]))
    padded = np.concatenate([alone.variances, np.full((len(RUNS), 1, 1), np.inf)], axis=2)
    wide = ReferenceRuns(padded, alone.shape, alone.longest)
    places, at = np.zeros(12, int), np.arange(12)
    narrow = scan_runs(rows(places, at, vectors), at, alone, SIZE)
    widened = scan_runs(rows(places, at, np.pad(vectors, ((0, 0), (0, 1)))), at, wide, SIZE)
    assert np.array_equal(narrow.p, widened.p)
    assert wide.larger(4, 0) == 1.0


def test_two_windows_in_a_row_that_each_are_unusual_are_a_run():
    """Of a reference whose means say nothing: its windows follow each other for ever."""
    runs = ReferenceRuns(np.full((len(RUNS), 2, 1), 1e6), np.ones((2, 2)), np.array([8, 8]))
    p = np.array([0.5, 1e-7, 0.5, 1e-9, 1e-6, 1e-8, 1e-5, 1e-9, 0.5, 1e-9, 1e-3, 1e-7, 0.5, 0.5])
    places = np.repeat([0, 1], [9, 5])
    starts = np.r_[np.arange(9), np.arange(5)]
    found = scan_runs(rows(places, starts, np.zeros((14, 1)), p=p), np.arange(14), runs, SIZE)
    expected = [1, 0.5, 0.5, 0.5, 1e-6, 1e-6, 1e-5, 1e-5, 0.5, 1, 1e-3, 1e-3, 0.5, 0.5]
    assert found.p == pytest.approx(expected)
    assert found.run[4:8].tolist() == [2, 3, 4, 4]  # those at most 1e-4; five is no length
    assert found.run[[1, 2, 3, 8, 10, 11]].tolist() == [2] * 6


def test_a_run_whose_mean_is_more_unusual_is_told_by_its_mean():
    vectors = np.full((6, 1), 4.0)
    runs = ReferenceRuns(np.ones((len(RUNS), 1, 1)), np.array([[1.0, 1e6]]), np.array([8]))
    alone = scan_runs(rows(np.zeros(6), np.arange(6), vectors), np.arange(6), runs, SIZE)
    found = scan_runs(rows(np.zeros(6), np.arange(6), vectors, p=1e-4), np.arange(6), runs, SIZE)
    assert np.array_equal(found.p, alone.p)
    assert np.array_equal(found.run, alone.run)


def test_a_run_bridges_nights_and_no_long_silence():
    """Windows of a feature that was silent for longer than the longest run are a new beginning."""
    runs = ReferenceRuns(np.ones((len(RUNS), 1, 1)), np.array([[1.0, 1e6]]), np.array([8]))
    starts = np.r_[0, 1, 2, 10, 11, 20, 21]
    found = scan_runs(rows(np.zeros(7), starts, np.full((7, 1), 2.0), p=1e-3), np.arange(7), runs, SIZE)
    assert found.run.tolist() == [1, 2, 3, 4, 4, 1, 2]
    assert found.p[5] == 1.0
