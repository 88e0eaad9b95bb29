"""Moments of normal scores: what they are, and how those of independent rows vary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics.score_moments import MOMENTS, independent_rows, normal_scores, score_moments

COUNTS = st.lists(st.integers(0, 1_000), min_size=1, max_size=40).filter(any)
NORMAL = np.diff(stats.norm.cdf(np.r_[-np.inf, stats.norm.ppf(np.arange(1, 512) / 512), np.inf]))


def test_scores_of_many_features_are_those_of_each():
    counts = np.random.default_rng(0).integers(0, 9, (5, 5))
    np.testing.assert_allclose(normal_scores(counts), [normal_scores(each) for each in counts])


@settings(deadline=None)
@given(COUNTS)
def test_scores_are_standardised_and_increase(counts):
    counts = np.array(counts)
    scores, mass = normal_scores(counts), counts / counts.sum()
    assert (np.diff(scores) >= -1e-12).all()
    assert scores @ mass == pytest.approx(0, abs=1e-9)
    varies = (counts > 0).sum() > 1
    if varies and counts.max() / counts.sum() < 0.999:
        assert scores**2 @ mass == pytest.approx(1)


@pytest.mark.parametrize("counts", [[0, 1, 0], [0, 0, 0], [5], [0, 9]])
def test_of_fewer_than_two_values_the_scores_are_zero(counts):
    assert normal_scores(np.array(counts)).tolist() == [0.0] * len(counts)


def test_of_many_equal_bins_they_are_normal_quantiles():
    scores, tail = normal_scores(np.full(2_000, 5)), 46  # bins of 1.5 / 64 of the mass
    rank = (np.arange(2_000) + 0.5) / 2_000
    rank[:tail], rank[-tail:] = tail / 4_000, 1 - tail / 4_000
    expected = stats.norm.ppf(rank)
    np.testing.assert_allclose(scores, expected / expected.std(), atol=1e-6)


def test_how_finely_a_tail_is_cut_does_not_matter():
    counts = np.full(64, 640)
    cut = np.concatenate([counts[:-1], [320, 160, 80, 80]])
    whole, finer = normal_scores(counts), normal_scores(cut)
    np.testing.assert_allclose(finer, np.append(whole, [whole[-1]] * 3), atol=1e-12)


def test_values_beyond_the_reference_have_a_score():
    scores = normal_scores(np.array([0, 10, 20, 10, 0]))
    assert np.isfinite(scores).all()
    assert scores[0] < scores[1]
    assert scores[-1] > scores[-2]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=20).filter(lambda c: sum(map(bool, c)) > 2))
def test_moments_are_those_of_the_rows(counts):
    scores = np.linspace(-2, 2, len(counts))
    rows = np.repeat(scores, counts)
    found = score_moments(np.array(counts) / sum(counts), scores)
    d = rows - rows.mean()
    expected = [
        rows.mean(),
        np.log(rows.std()),
        (d * abs(d)).mean() / rows.var(),
        np.log(rows.std() / abs(d).mean()),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_window_of_one_value_has_finite_moments():
    assert np.isfinite(score_moments(np.array([0.0, 1.0, 0.0]), np.array([-1.0, 0.0, 1.0]))).all()


@pytest.mark.parametrize(
    ("mass", "kept"),
    [
        pytest.param(NORMAL, [True, True, True, True], id="normal"),
        pytest.param(np.full(8, 1 / 8), [True, True, True, True], id="eight values"),
        pytest.param(
            np.array([0.25, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.02, 0.01]),
            [True, True, True, True],
            id="uneven",
        ),
        pytest.param(
            np.array([0.35, 0.2, 0.15, 0.1, 0.06, 0.05, 0.04, 0.03, 0.01, 0.01]),
            [True, True, True, False],
            id="more uneven",
        ),
        # the rest of a half-normal feature says of skew and tails what it says of shift and spread
        pytest.param(np.array([0.6, *np.full(10, 0.04)]), [True, True, False, False], id="zeros"),
    ],
)
def test_combinations_of_independent_rows_have_covariance_one_over_n(mass, kept):
    rng, n = np.random.default_rng(1), 3_000
    scores = normal_scores(mass * 1e6)
    combinations = independent_rows(mass * 1e6, scores)
    used = combinations.any(1)
    found = score_moments(rng.multinomial(n, mass, 4_000) / n, scores) @ combinations[used].T
    np.testing.assert_allclose(np.cov(found.T) * n, np.eye(used.sum()), atol=0.12)
    assert used.tolist() == kept


@pytest.mark.parametrize("distinct", [1, 2, 3, 4, 5, 6])
def test_there_are_fewer_where_there_are_few_values(distinct):
    counts = np.full(distinct, 10)
    used = independent_rows(counts, normal_scores(counts)).any(1)
    assert used.tolist() == [moment < distinct for moment in range(1, MOMENTS + 1)]
