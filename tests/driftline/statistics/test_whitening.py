"""Directions and variances of normal windows, and the tail that goes with estimating them."""

import numpy as np
import pytest
from scipy import stats

from driftline.statistics.null.lookup_grid import P_GRID
from driftline.statistics.null.predictive_tail import predictive_quantiles
from driftline.statistics.null.whitening import fit_whitening


def quantile(table, p):
    return np.exp(np.interp(-np.log(p), -np.log(P_GRID), table))


# --- the tail


@pytest.mark.parametrize(("components", "d"), [(1, 6.0), (4, 6.0), (4, 30.0), (2, 200.0)])
def test_of_many_windows_it_is_the_f_distribution_they_come_from(components, d):
    squares = components * stats.f(components, d).rvs(20_000, random_state=1)
    table = predictive_quantiles(squares, components, 1.0)
    for p in (0.5, 0.1, 0.01, 1e-4):
        # a tail of nearly the same weight on the grid is as likely: far out that shows
        assert quantile(table, p) == pytest.approx(
            components * stats.f.isf(p, components, d), rel=0.25 if p < 1e-3 else 0.1
        )


def test_a_scale_is_a_factor():
    squares = stats.chi2(4).rvs(60, random_state=2)
    once, twice = (predictive_quantiles(c * squares, 4, 1.0) for c in (1.0, np.exp(0.09 * 6)))
    np.testing.assert_allclose(twice - once, 0.54, atol=0.03)


def test_few_or_dependent_windows_have_the_longer_tail():
    squares = stats.chi2(4).ppf((np.arange(200) + 0.5) / 200)
    many, dependent = predictive_quantiles(squares, 4, 1.0), predictive_quantiles(squares, 4, 10.0)
    few = predictive_quantiles(squares[::20], 4, 1.0)
    assert quantile(many, 0.01) < quantile(dependent, 0.01)
    assert quantile(many, 0.01) < quantile(few, 0.01)
    assert quantile(many, 0.01) == pytest.approx(stats.chi2.isf(0.01, 4), rel=0.1)


def test_the_smallest_p_value_is_as_far_as_the_grid():
    table = predictive_quantiles(stats.chi2(3).rvs(30, random_state=0), 3, 1.0)
    assert (np.diff(table) > 0).all()


def test_one_storm_makes_the_tail_heavy():
    squares = stats.chi2(4).rvs(100, random_state=3)
    assert quantile(predictive_quantiles(np.r_[squares, 90.0], 4, 1.0), 1e-3) > 1.3 * quantile(
        predictive_quantiles(squares, 4, 1.0), 1e-3
    )


def test_without_windows_all_scales_and_tails_of_the_grid_are_as_likely():
    table = predictive_quantiles(np.zeros(0), 3, 1.0)
    c, d = np.exp(0.09 * np.arange(-16, 17))[:, None], np.linspace(2.5**-0.5, 1000.0**-0.5, 40) ** -2.0
    for p in (0.5, 0.1, 0.01, 1e-4):
        assert stats.f.sf(quantile(table, p) / 3 / c, 3, d).mean() == pytest.approx(p, rel=0.02)


# --- directions and variances


def drawn(rng, n, wobble, components=3):
    """Means of n independent rows, and a part that does not shrink with n along (1, 1, 0)."""
    along = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    sampling = rng.standard_normal((len(n), components)) / np.sqrt(n)[:, None]
    return sampling + wobble * rng.standard_normal(len(n))[:, None] * along


def test_covariance_is_that_of_the_windows_at_their_size_and_at_others():
    rng = np.random.default_rng(0)
    n = np.exp(rng.uniform(np.log(200), np.log(20_000), 1_000))
    _, found = fit_whitening(drawn(rng, n, 0.1), n, 1.0)
    along = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    for size in (300.0, 2_000.0, 15_000.0):
        variances = found.variances(np.array([size]))[0]
        covariance = found.directions * variances @ found.directions.T
        expected = np.eye(3) / size + 0.01 * np.outer(along, along)
        np.testing.assert_allclose(covariance, expected, atol=0.2 * np.trace(expected) / 3)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_a_change_across_the_grain_is_far_and_one_along_it_is_not():
    rng = np.random.default_rng(1)
    n = np.full(150, 5_000.0)
    table, found = fit_whitening(drawn(rng, n, 0.2), n, 1.0)
    one = np.array([5_000.0])
    along, across = np.array([[0.2, 0.2, 0.0]]), np.array([[0.2, -0.2, 0.0]])
    threshold = quantile(table.quantiles[4], 0.01)
    assert found.squares(along, one)[0] < threshold < found.squares(across, one)[0] / 5


@pytest.mark.parametrize(("windows", "wobble"), [(12, 0.0), (30, 0.1), (200, 0.1)])
def test_new_windows_are_alarmed_as_often_as_they_should(windows, wobble):
    shares = []
    for seed in range(60 if windows < 100 else 12):
        rng = np.random.default_rng([windows, seed])
        n = rng.integers(500, 3_000, windows + 200).astype(float)
        rows = drawn(rng, n, wobble)
        reference = np.average(rows[:windows], axis=0, weights=n[:windows])
        table, found = fit_whitening(rows[:windows] - reference, n[:windows], 1.0)
        squares = found.squares(rows[windows:] - reference, n[windows:])
        shares.append((squares > quantile(table.quantiles[4], 0.05)).mean())
    assert 0.015 < np.mean(shares) < 0.065


def test_less_variation_than_independent_rows_have_is_not_believed():
    n = np.full(40, 1_000.0)
    _, found = fit_whitening(np.zeros((40, 2)), n, 1.0)
    assert found.variances(np.array([1_000.0])).min() >= 1 / 1_000 * (1 - 1e-9)


def test_windows_that_share_rows_are_not_learned_from():
    """Overlapping windows know each other: left out together, they have the tail of disjoint ones."""
    rng = np.random.default_rng(4)
    quarters = rng.standard_normal((403, 2)) / np.sqrt(250)
    means = np.stack([quarters[i : i + 4].mean(0) for i in range(400)])
    means -= means.mean(0)
    n = np.full(400, 1_000.0)
    overlapping, _ = fit_whitening(means, n, 4.0)
    disjoint, _ = fit_whitening(means[::4], n[::4], 1.0)
    assert overlapping.windows == pytest.approx(disjoint.windows, rel=0.02)
    a, b = (quantile(each.quantiles[4], 0.01) for each in (overlapping, disjoint))
    assert a == pytest.approx(b, rel=0.4)


@pytest.mark.parametrize(("windows", "overlap"), [(3, 1.5), (4, 2.5), (26, 24.0)])
def test_where_each_window_shares_rows_with_all_others_there_is_a_null_still(windows, overlap):
    rng = np.random.default_rng(windows)
    n = np.full(windows, 1_000.0)
    table, found = fit_whitening(rng.standard_normal((windows, 2)) / np.sqrt(n)[:, None], n, overlap)
    np.testing.assert_allclose(table.quantiles[0], predictive_quantiles(np.zeros(0), 2, 1.0), rtol=1e-6)
    variances = found.variances(n[:1])[0]
    assert variances[0] == pytest.approx(variances[1], rel=0.01)  # a sphere
    assert variances[0] > 0.9 / 1_000


def test_two_windows_are_enough_to_tell_of_a_third():
    n = np.full(3, 1_000.0)
    rows = np.random.default_rng(3).standard_normal((3, 2)) / np.sqrt(n)[:, None]
    near, _ = fit_whitening(rows, n, 1.0)
    far, _ = fit_whitening(rows * [[1], [1], [9]], n, 1.0)
    assert quantile(far.quantiles[4], 0.01) > 1.1 * quantile(near.quantiles[4], 0.01)


def test_windows_that_do_not_vary_are_taken_for_independent_rows_of_every_size():
    n = np.geomspace(100, 10_000, 60)
    _, found = fit_whitening(np.zeros((60, 2)), n, 1.0)
    np.testing.assert_allclose(found.variances(n), np.tile(1 / n, (2, 1)).T, rtol=0.3)
