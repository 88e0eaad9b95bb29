import numpy as np
import pytest
from scipy import signal, stats

from driftline.statistics.null import lookup_grid, shape
from driftline.statistics.null.calibrate import _Windows
from driftline.statistics.null.dependence import Dependence, dependence
from driftline.statistics.null.pooling import design_effect, pool_rare, sum_groups
from driftline.statistics.null.scale import fit_scale


def table_of(law, typical_n=100.0):
    """Null table of a squared statistic that shrinks like 1/n."""
    quantiles = np.log(law.isf(lookup_grid.P_GRID))
    return (quantiles - np.log(lookup_grid.SIZE_GRID)[:, None]).astype(np.float32)[None], np.array(
        [typical_n]
    )


class TestGrid:
    @pytest.mark.parametrize("n", [3.0, 25.0, 100.0, 730.0, 1600.0])
    @pytest.mark.parametrize("p", [0.6, 0.05, 0.01, 1e-4, 1e-7])
    def test_p_values_are_read_back(self, n, p):
        law = stats.f(3, 12)
        table, typical = table_of(law)
        squared = np.array([law.isf(p) * 100 / n])
        assert lookup_grid.p_values(table, typical, squared, np.array([n]))[0] == pytest.approx(p, rel=0.03)

    def test_p_falls_as_the_statistic_grows_and_ends_at_the_smallest(self):
        table, typical = table_of(stats.chi2(2))
        squared = np.geomspace(1e-6, 1e6, 200)
        p = lookup_grid.p_values(
            np.repeat(table, 200, 0), np.repeat(typical, 200), squared, np.full(200, 50.0)
        )
        assert np.all(np.diff(p) <= 0)
        assert p[0] == 1
        assert p[-1] == pytest.approx(lookup_grid.SMALLEST_P)

    def test_no_rows_have_no_p_value(self):
        assert np.isnan(lookup_grid.p_values(*table_of(stats.chi2(2)), np.array([1.0]), np.array([0.0])))[0]

    def test_above_the_grid_thresholds_stay(self):
        table, typical = table_of(stats.chi2(2))
        at_end = lookup_grid.p_values(table, typical, np.array([0.1]), np.array([1600.0]))
        assert lookup_grid.p_values(table, typical, np.array([0.1]), np.array([1e6])) == at_end


class TestDependence:
    def test_independent_windows(self):
        found = dependence(np.random.default_rng(0).standard_normal((100, 20)), 1.0)
        assert found.mean == pytest.approx(1, abs=0.15)
        assert found.square == pytest.approx(1, abs=0.15)

    def test_overlap_is_known_without_windows(self):
        assert dependence(np.zeros((5, 3)), 4.0) == (1 + 2 * 1.5, 1 + 2 * (9 + 4 + 1) / 16)

    def test_autocorrelated_windows(self):
        noise = np.random.default_rng(1).standard_normal((2_000, 1))
        found = dependence(signal.lfilter([1.0], [1.0, -0.8], noise, axis=0), 1.0)
        assert found.mean == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.25)
        assert found.square == pytest.approx((1 + 0.64) / (1 - 0.64), rel=0.25)


class TestScale:
    n = np.random.default_rng(0).uniform(500, 8_000, 3_000)

    def fit(self, mean):
        squares = mean * np.random.default_rng(1).chisquare(1, len(self.n))
        return fit_scale(squares, self.n, multinomial=1.0, shape_df=1.0, dependence=1.0, df=len(self.n) - 1)

    def test_sampling_only_shrinks(self):
        scale = self.fit(4 / self.n)
        assert scale.wobble < 0.05
        assert scale.at(np.array([2_000.0]))[0] == pytest.approx(4 / 2_000, rel=0.15)

    def test_wobble_stays(self):
        scale = self.fit(2 / self.n + 0.01)
        assert scale.at(np.array([1e7]))[0] == pytest.approx(0.01, rel=0.25)
        assert scale.at(np.array([1_000.0]))[0] == pytest.approx(0.012, rel=0.25)

    def test_never_below_multinomial(self):
        assert self.fit(0.1 / self.n).at(np.array([2_000.0]))[0] >= 0.999 / 2_000

    def test_equal_windows_keep_the_largest_plausible_value_when_extrapolated(self):
        n = np.full(100, 1_000.0)
        squares = 30 / 1_000 * np.random.default_rng(0).chisquare(1, 100)
        scale = fit_scale(squares, n, multinomial=1.0, shape_df=1.0, dependence=1.0, df=99)
        at = scale.at(np.array([100.0, 1_000.0, 10_000.0]))
        assert at[0] == pytest.approx(10 * at[1], rel=1e-6)  # as if all of it shrank
        assert at[2] > 0.8 * at[1]  # as if hardly any did

    def test_windows_that_do_not_differ_at_all(self):
        scale = fit_scale(np.zeros(20), self.n[:20], multinomial=1.0, shape_df=2.0, dependence=1.0, df=19)
        assert np.isfinite(scale.at(np.array([100.0]))).all()


class TestShape:
    def test_mixture_of_one_normal_is_f(self):
        drawn = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000) ** 2
        quantiles = shape.mixture_quantiles(np.random.default_rng(0).permutation(drawn), 12.0)
        expected = stats.f.isf(lookup_grid.P_GRID, 1, 12)
        near = lookup_grid.P_GRID >= 1e-3
        np.testing.assert_allclose(quantiles[near], expected[near], rtol=0.05)
        np.testing.assert_allclose(shape.arcsine_quantiles(12.0), expected, rtol=1e-6)

    def test_multinomial_windows_give_multinomial_eigenvalues(self):
        rng = np.random.default_rng(0)
        q = np.full(10, 0.1)
        deviations = rng.multinomial(1_000, q, 200) / 1_000 - q
        covariance = shape.window_covariance(deviations, q, np.ones(200), 0.0, 199.0)
        np.testing.assert_allclose(covariance.values[1:] * 1_000, 1, rtol=0.3)
        assert covariance.values[0] == pytest.approx(0, abs=1e-9)

    def test_draws_are_the_same_every_time(self):
        shape.normals.cache_clear()
        first = shape.normals(5).copy()
        shape.normals.cache_clear()
        assert np.array_equal(first, shape.normals(5))


class TestPooling:
    def test_every_group_expects_enough(self):
        q = np.random.default_rng(0).dirichlet(np.full(40, 0.3))
        group = pool_rare(q, 500, 5)
        sums = sum_groups(q[None], group, int(group.max()) + 1)[0]
        assert sums[sums > 0].min() * 500 >= 5
        assert sums.sum() == pytest.approx(1)

    def test_three_groups_remain(self):
        assert pool_rare(np.r_[0.999, 0.0005, 0.0003, 0.0002], 200, 5).tolist() == [0, 1, 2, 2]

    def test_design_effect_of_clusters(self):
        counts = 20 * np.random.default_rng(0).multinomial(100, [0.25] * 4, 500)
        assert design_effect(counts) == pytest.approx(20, rel=0.1)


def test_a_window_in_the_reference_lies_closer_to_it_than_a_new_one():
    """Residual of one of four: variance 1 - 1/4; deviation of a fifth: 1 + 1/4."""
    same = _Windows(np.full(4, 100.0), 1.0, Dependence(1.0, 1.0)).left_out
    np.testing.assert_allclose(same**2, (1 + 1 / 4) / (1 - 1 / 4))
    overlapping = _Windows(np.full(4, 100.0), 2.0, Dependence(2.0, 1.5)).left_out
    np.testing.assert_allclose(overlapping**2, (1 + 2 / 4) / (1 - 2 / 4))
