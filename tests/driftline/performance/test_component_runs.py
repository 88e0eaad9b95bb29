"""What is kept of how outcomes of windows follow each other: the same deviations as in rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from driftline.performance import compare
from driftline.performance.component_comparison import compare_components
from driftline.performance.component_runs import FOLLOWED, ComponentRuns, followed_vectors, two_sided
from driftline.performance.performance_words import standardised
from driftline.statistics.null.runs import KNOTS, RAREST, fit_runs

from .drawing import ABSOLUTE, ZERO_ONE, profile_of
from .test_class_components import windows
from .test_component_comparison import reference_of


def test_windows_of_the_reference_have_the_deviations_that_rows_would_have():
    scores, labels = windows(11, 60, 1000)
    reference = reference_of(windows=(scores, labels))
    found = []
    for window in zip(scores, labels, strict=True):
        profile = profile_of(ZERO_ONE, *window)
        beside = compare_components(profile, reference)
        found.append(standardised(compare(profile, reference.profile, reference.null), beside))
    runs = reference.null.runs
    assert runs.statistics == FOLLOWED
    for place, name in enumerate(FOLLOWED):
        if name in {"bias", "auc", "log_loss"}:
            continue
        along = np.array([each[name] for each in found])
        expected = fit_runs(along[:, None], 2 * stats.norm.sf(np.abs(along)), 1.0)
        wider = max((np.clip(along, *stats.norm.ppf([RAREST / 2, 1 - RAREST / 2])) ** 2).mean(), 1)
        got = runs.arrays[name]
        assert got["run_variances"] == pytest.approx(wider * expected["run_variances"][None], rel=1e-4)
        assert got["run_shape"] == pytest.approx(expected["run_shape"][None], rel=1e-4)
        assert runs.windows[0, place] == 60
    assert runs.windows[0, FOLLOWED.index("bias")] == 0  # of classes


def test_numbers_have_loss_and_bias():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(40, 200))
    runs = reference_of(ABSOLUTE, (np.zeros_like(labels), labels)).null.runs
    assert dict(zip(runs.statistics, runs.windows[0] > 0, strict=True)) == {
        "loss": True,
        "false_positives": False,
        "false_negatives": False,
        "calibration_gap": False,
        "bias": True,
        "auc": False,
        "log_loss": False,
    }


def test_windows_that_follow_each_other_have_means_that_vary_more():
    rng = np.random.default_rng(3)
    free = rng.normal(size=300)
    slow = stats.norm.ppf(stats.rankdata(np.convolve(rng.normal(size=309), np.ones(10), "valid")) / 301)
    runs = ComponentRuns.fit({"loss": free, "bias": slow}, 1.0)
    loss, bias = (runs.arrays[name]["run_variances"][0] for name in ("loss", "bias"))
    assert loss[KNOTS == 8] < 1.3
    assert bias[KNOTS == 8] > 3


def test_deviations_that_stray_too_far_make_runs_stray_as_far():
    free = np.random.default_rng(3).normal(size=400)
    variance = [
        ComponentRuns.fit({"loss": factor * free}, 1.0).arrays["loss"]["run_variances"][0, 0]
        for factor in (0.7, 1.0, 1.2)
    ]
    assert variance[2] == pytest.approx(1.44 * (free**2).mean(), rel=0.1)
    assert variance[0] == pytest.approx(1, rel=0.1)  # never less than nominal


def test_windows_that_cannot_tell_are_left_out():
    free = np.random.default_rng(3).normal(size=40)
    with_gaps = np.insert(free, [3, 9, 9], np.nan)
    found = ComponentRuns.fit({"loss": with_gaps}, 1.0)
    assert found.numbers.tolist() == ComponentRuns.fit({"loss": free}, 1.0).numbers.tolist()
    assert ComponentRuns.fit({"loss": np.full(40, np.nan)}, 1.0).windows.tolist() == [[0.0] * len(FOLLOWED)]


def test_no_window_counts_as_more_unusual_than_the_rarest():
    vectors = followed_vectors(np.array([0.0, 1.5, -2.0, 40.0, -9.0, np.nan]))[:, 0]
    farthest = stats.norm.isf(RAREST / 2)
    assert vectors[:5] == pytest.approx([0.0, 1.5, -2.0, farthest, -farthest], abs=1e-4)
    assert np.isnan(vectors[5])
    assert two_sided(vectors[3:4]) == pytest.approx(RAREST, rel=1e-3)
