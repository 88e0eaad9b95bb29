"""How far means of runs of windows stray, against the variance of autoregressive windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from driftline.statistics.null.runs import KNOTS, RAREST, bounded, fit_runs


def windows(rng, count, follows, numbers=1):
    """Normal windows of variance 1 with this correlation of neighbours."""
    noise = rng.normal(size=(count + 200, numbers)) * np.sqrt(1 - follows**2)
    return signal.lfilter([1], [1, -follows], noise, axis=0)[200:]


def p_of(vectors):
    return stats.chi2.sf((vectors**2).sum(1), vectors.shape[1])


@pytest.mark.parametrize("follows", [0.0, 0.3, 0.6])
def test_a_mean_varies_as_far_as_neighbours_go_together(follows):
    rng = np.random.default_rng(1)
    fitted = []
    for _ in range(20):
        vectors = windows(rng, 500, follows)
        fitted.append(fit_runs(vectors, p_of(vectors), 1.0)["run_variances"])
    total = (1 + follows) / (1 - follows)
    lag = np.arange(1, 200)
    own = [1 + 2 * (np.maximum(1 - lag / run, 0) * follows**lag).sum() for run in KNOTS]
    expected = np.array(own) + KNOTS / 500 * total
    assert np.mean(fitted, axis=0) == pytest.approx(expected, rel=0.2)


def test_directions_have_variances_of_their_own():
    rng = np.random.default_rng(2)
    vectors = np.concatenate([windows(rng, 400, 0.7), windows(rng, 400, 0.0)], axis=1)
    variances = fit_runs(vectors, p_of(vectors), 1.0)["run_variances"].reshape(2, -1)
    assert variances[0, 2] > 3
    assert variances[1, 2] < 1.5


def test_windows_that_overlap_are_left_out():
    rng = np.random.default_rng(3)
    vectors = windows(rng, 200, 0.0, 2)
    twice = np.repeat(vectors, 2, axis=0)
    alone, overlapping = fit_runs(vectors, p_of(vectors), 1.0), fit_runs(twice, p_of(twice), 2.0)
    assert all(np.array_equal(alone[name], overlapping[name]) for name in alone)


def test_degrees_of_freedom_are_those_of_the_squared_length():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(5_000, 4)) * np.sqrt([0.7, 0.1, 0.1, 0.1])
    df, scale_df = fit_runs(vectors, p_of(vectors), 1.0)["run_shape"]
    assert df == pytest.approx(1 / (0.49 + 0.03), rel=0.1)
    assert scale_df == pytest.approx(4_999, rel=0.2)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("numbers", [1, 4])
def test_few_windows_and_constant_ones_give_numbers(count, numbers):
    for vectors in (np.zeros((count, numbers)), np.ones((count, numbers))):
        fitted = fit_runs(vectors, np.ones(count), 1.0)
        assert len(fitted["run_variances"]) == numbers * len(KNOTS)
        assert all(np.isfinite(each).all() and (each > 0).all() for each in fitted.values())


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_lengths_are_those_of_normal_vectors(seed, numbers):
    """Of the same p-values, none of them rarer than the rarest; directions stay."""
    rng = np.random.default_rng(seed)
    vectors, p = rng.standard_t(2, size=(20, numbers)) * 9, 10 ** -rng.uniform(0, 9, 20)
    found = bounded(vectors, p, float(numbers))
    expected = np.sqrt(stats.chi2.isf(np.maximum(p, RAREST), numbers))
    assert np.sqrt((found**2).sum(1)) == pytest.approx(expected, abs=1e-4)
    cosine = (found * vectors).sum(1) / np.sqrt((found**2).sum(1) * (vectors**2).sum(1))
    assert cosine[expected > 0.1] == pytest.approx(1, abs=1e-5)


def test_sums_of_lengths_are_exact_in_any_order():
    rng = np.random.default_rng(5)
    vectors = bounded(rng.normal(size=(3_000, 2)), rng.uniform(size=3_000), 2.0).astype(np.float32)
    vectors = vectors.astype(np.float64)
    assert np.array_equal(vectors.cumsum(0)[-1], vectors[::-1].cumsum(0)[-1])


def test_no_vector_stays_none():
    assert not bounded(np.zeros((3, 2)), np.array([1.0, 0.5, 1e-9]), 2.0).any()
