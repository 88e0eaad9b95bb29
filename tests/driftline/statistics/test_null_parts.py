import numpy as np
import pytest
from scipy import signal, stats

from driftline.statistics.distance import Distance
from driftline.statistics.null import lookup_grid, predictive_tail, shape
from driftline.statistics.null.dependence import Dependence, dependence
from driftline.statistics.null.fit import fit_quadratic
from driftline.statistics.null.null_table import disjoint_windows, without_null
from driftline.statistics.null.pooling import by_chance, design_effect, pool_rare, sum_groups
from driftline.statistics.null.scale import Scale, fit_scale
from driftline.statistics.null.window_series import WindowSeries
from driftline.statistics.statistic import FeatureWindows


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

    def test_of_one_row_there_is_a_p_value(self):
        table, typical = table_of(stats.chi2(2))
        squared = np.array([stats.chi2(2).isf(0.01) * 100])
        assert lookup_grid.p_values(table, typical, squared, np.ones(1))[0] == pytest.approx(0.01, rel=0.03)

    def test_each_cell_is_read_between_its_own_corners(self):
        """Whatever is in the rest of the table: the last size, the last p-value and the one before."""
        sizes, ps = len(lookup_grid.SIZE_GRID), len(lookup_grid.P_GRID)
        table = np.tile(np.arange(ps, dtype=np.float32), (sizes, 1))
        table[-1] += 5
        table[:, -1] += 3
        for size, more in ((16.0, 5.0), (8 * 2**0.5, 2.5), (8.0, 0.0)):
            for at, p in ((ps - 2, lookup_grid.P_GRID[-2]), (ps + 2, lookup_grid.P_GRID[-1])):
                found = lookup_grid.p_values(
                    table[None], np.array([100.0]), np.exp([at + more]), np.array([100 * size])
                )
                assert found[0] == pytest.approx(p, rel=1e-4)


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

    def test_ten_windows_are_enough_to_see_it(self):
        ramp = np.arange(10.0)[:, None]
        assert dependence(ramp - ramp.mean(), 1.0).mean > 2
        assert dependence(ramp[:9] - ramp[:9].mean(), 1.0) == (1.0, 1.0)

    def test_where_many_bins_move_by_themselves_one_standard_error_counts(self):
        noise = np.random.default_rng(2).standard_normal((101, 20))
        below, above = 0.0, 1.0
        for share in np.linspace(0, 0.3, 121):
            x = noise[1:] + share * noise[:-1]
            r = (x[1:] * x[:-1]).sum() / 99 / ((x**2).sum() / 100)
            corrected = r * 0.99 + 0.01
            if dependence(x, 1.0).mean > 1:
                above = min(above, corrected)
            else:
                below = max(below, corrected)
        assert 0.095 < below < 0.1 <= above < 0.105

    def test_windows_that_all_stray_to_one_side_are_corrected_by_half_at_most(self):
        """As beside one that is much larger: their deviations have another mean than 0."""
        x = np.where(np.arange(30) % 2, 1.35, 0.65)[:, None]
        r = np.array([(x[k:] * x[:-k]).mean() for k in range(1, 10)]) / (x**2).mean()
        bias = (1 + 2 * (r * (29 / 30) + 1 / 30).sum()) / 30
        assert bias > 0.5
        assert dependence(x, 1.0).mean == pytest.approx(1 + 2 * np.minimum(r / 2 + bias, 1).sum())


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

    def test_it_is_a_mean_where_windows_were_seen_and_the_most_beyond(self):
        scale = Scale(0.2, np.array([0.0, 0.5]), np.ones(2), np.full(2, 0.5), 100.0, (50.0, 200.0))
        np.testing.assert_allclose(
            scale.at(np.array([49, 50, 200, 201.0])), [100 / 49, 1.75, 0.625, 0.5 * 100 / 201 + 0.5]
        )

    def test_what_shrinks_is_at_least_what_independent_rows_vary_by(self):
        n = np.full(50, 100.0)
        scale = fit_scale(np.full(50, 0.001), n, multinomial=1.0, shape_df=2.0, dependence=1.0, df=1.0)
        # with one degree of freedom the mean is known to a factor of two: up to one half may stay
        assert scale.plausible.max() == pytest.approx(0.5)
        assert scale.plausible.min() == 0

    def test_a_change_of_unit_is_a_factor(self):
        mean = 2 / self.n + 0.01
        squares = mean * np.random.default_rng(1).chisquare(1, len(self.n))
        told = {"shape_df": 1.0, "dependence": 1.0, "df": 2_999}
        one = fit_scale(squares, self.n, multinomial=20.0, **told)
        other = fit_scale(1e6 * squares, self.n, multinomial=20e6, **told)
        sizes = np.array([100.0, 1_000.0, 1e5])
        assert other.wobble == pytest.approx(one.wobble)
        np.testing.assert_allclose(other.at(sizes), 1e6 * one.at(sizes))
        assert other.plausible.tolist() == one.plausible.tolist()

    def test_windows_that_do_not_differ_at_all(self):
        scale = fit_scale(np.zeros(20), self.n[:20], multinomial=1.0, shape_df=2.0, dependence=1.0, df=19)
        assert np.isfinite(scale.at(np.array([100.0]))).all()


class TestShape:
    def test_mixture_of_one_normal_is_f(self):
        drawn = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000) ** 2
        survival = predictive_tail.mixed_survival(np.random.default_rng(0).permutation(drawn))
        expected = predictive_tail.mixed_survival(None)
        near = (expected < 0.5) & (expected > 1e-3)
        np.testing.assert_allclose(survival[near], expected[near], rtol=0.1)
        far = expected[0] > 1e-8  # the heaviest
        np.testing.assert_allclose(survival[0][far], expected[0][far], rtol=0.1)

    def test_a_mixture_of_many_normals_is_f(self):
        drawn = np.random.default_rng(0).chisquare(6, 4_000) / 6
        survival, expected = predictive_tail.mixed_survival(drawn), predictive_tail.f_survival(6)
        near = (expected < 0.5) & (expected > 0.01)
        np.testing.assert_allclose(survival[near], expected[near], rtol=0.25)

    def test_few_windows_have_the_longer_tail(self):
        at_one = predictive_tail.mixed_survival(None)
        squares = stats.chi2(1).isf((np.arange(300) + 0.5) / 300)
        tails = []
        for count in (30, 300):
            some = np.random.default_rng(0).permutation(squares)[:: 300 // count]
            weight = predictive_tail.plausible(some, at_one, 1.0, 1.0)
            assert weight.sum() == pytest.approx(1)
            tails.append(np.exp(predictive_tail.averaged_quantiles(weight, at_one)))
        place = [lookup_grid.P_GRID.tolist().index(p) for p in (0.01, 1e-6)]
        few, many = tails[0][place], tails[1][place]
        assert stats.chi2.isf(0.01, 1) < many[0] < 1.15 * stats.chi2.isf(0.01, 1)
        assert few[0] > many[0]
        assert few[1] > 3 * many[1]

    def test_windows_without_variation_are_as_independent_rows(self):
        at_one = predictive_tail.mixed_survival(None)
        weight = predictive_tail.plausible(np.zeros(400), at_one, 1.0, 1.0)
        quantiles = np.exp(predictive_tail.averaged_quantiles(weight, at_one))
        near = lookup_grid.P_GRID >= 1e-3
        expected = stats.chi2.isf(lookup_grid.P_GRID, 1)
        np.testing.assert_allclose(quantiles[near], expected[near], rtol=0.2)

    def test_smaller_windows_have_heavier_tails(self):
        at_one = predictive_tail.mixed_survival(None)
        weight = predictive_tail.plausible(stats.f(1, 20).rvs(200, random_state=0), at_one, 1.0)
        smaller = predictive_tail.for_smaller(weight, 1 / 8)
        assert smaller.sum() == pytest.approx(1)
        same, longer = (predictive_tail.averaged_quantiles(each, at_one)[-1] for each in (weight, smaller))
        assert longer > same + 0.05
        assert predictive_tail.for_smaller(weight, 3.0) is weight

    def test_multinomial_windows_give_multinomial_eigenvalues(self):
        rng = np.random.default_rng(0)
        q = np.full(10, 0.1)
        deviations = rng.multinomial(1_000, q, 200) / 1_000 - q
        covariance = shape.window_covariance(deviations, q, np.ones(200), 0.0, 199.0)
        np.testing.assert_allclose(covariance.values[1:] * 1_000, 1, rtol=0.3)
        assert covariance.values[0] == pytest.approx(0, abs=1e-9)

    def test_draws_are_the_same_every_time(self):
        shape.normals.cache_clear()
        first = shape.normals(5, 10).copy()
        shape.normals.cache_clear()
        assert np.array_equal(first, shape.normals(5, 10))

    def test_draws_cannot_be_changed(self):
        assert not shape.normals(5, 10).flags.writeable
        assert not shape._rounded_normals(5).flags.writeable

    def test_with_few_windows_the_covariance_is_as_it_is(self):
        q = np.full(4, 0.25)
        deviations = np.zeros((8, 4))
        deviations[:, 0], deviations[:, 1] = 0.1, -0.1
        plain = shape.window_covariance(deviations, q, np.ones(8), 0.0, 19.0).values
        shrunk = shape.window_covariance(deviations[::2] + 0.01, q, np.ones(4), 0.0, 19.5).values
        assert plain[:3].max() < 1e-8 * plain[3]
        assert plain[3] == pytest.approx(0.08)
        assert shrunk[1] > 1e-8 * shrunk[3]

    def test_eigenvalues_of_noise_shrink_and_those_of_wobble_lose_their_noise(self):
        covariance = shape.WindowCovariance(np.ones(3), np.array([0.0, 1.0, 9.0]), np.eye(3), 1.0, 2.0)
        assert covariance.at(1.0).tolist() == [0, 1, 9]
        assert covariance.at(2.0).tolist() == [0, 0.5, 8.5]

    @pytest.mark.parametrize("largest", [1.5, 9.0])
    def test_only_wobble_gives_larger_windows_another_shape(self, largest):
        values = np.array([0.0, 1.0, 1.2, largest])
        covariance = shape.WindowCovariance(np.full(4, 0.5), values, np.eye(4), 1.0, 2.0)

        def squared(x):
            return np.stack([(x**2).sum(1), np.abs(x.cumsum(1)).max(1) ** 2], axis=1)

        one, eight = (shape.simulate(covariance, size, squared) for size in (1.0, 8.0))
        assert covariance.wobbles == (largest > covariance.noise)
        assert np.allclose(one, eight, rtol=1e-4) == (not covariance.wobbles)

    def test_a_statistic_that_cannot_vary_has_the_shape_of_a_number(self):
        covariance = shape.WindowCovariance(np.ones(2), np.array([0.0, 1.0]), np.eye(2), 1.0, 2.0)
        drawn = shape.simulate(covariance, 1.0, lambda x: np.stack([0 * x[:, 0], x[:, 1] ** 2], axis=1))
        assert (drawn[:, 0] == 1).all()
        assert drawn[:, 1].mean() == pytest.approx(1)
        assert drawn[:, 1].var() == pytest.approx(2, rel=0.1)


class TestPooling:
    def test_every_group_expects_enough(self):
        q = np.random.default_rng(0).dirichlet(np.full(40, 0.3))
        group = pool_rare(q, 500, 5)
        sums = sum_groups(q[None], group, int(group.max()) + 1)[0]
        assert sums[sums > 0].min() * 500 >= 5
        assert sums.sum() == pytest.approx(1)

    def test_three_groups_remain(self):
        assert pool_rare(np.r_[0.999, 0.0005, 0.0003, 0.0002], 200, 5).tolist() == [0, 1, 2, 2]

    def test_a_group_that_expects_just_enough_is_not_pooled(self):
        assert pool_rare(np.array([0.9, 0.05, 0.025, 0.025]), 200, 5).tolist() == [0, 1, 2, 3]

    def test_design_effect_of_two_categories_has_one_degree_of_freedom(self):
        counts = np.array([[30.0, 70.0], [50.0, 50.0], [40.0, 60.0]])
        expected = stats.chi2_contingency(counts, correction=False).statistic / 3
        assert design_effect(counts) == pytest.approx(expected)

    def test_design_effect_of_clusters(self):
        counts = 20 * np.random.default_rng(0).multinomial(100, [0.25] * 4, 500)
        assert design_effect(counts) == pytest.approx(20, rel=0.1)


def test_a_window_in_the_reference_lies_closer_to_it_than_a_new_one():
    """Residual of one of four: variance 1 - 1/4; deviation of a fifth: 1 + 1/4."""
    same = WindowSeries(np.full(4, 100.0), 1.0, Dependence(1.0, 1.0)).left_out
    np.testing.assert_allclose(same**2, (1 + 1 / 4) / (1 - 1 / 4))
    overlapping = WindowSeries(np.full(4, 100.0), 2.0, Dependence(2.0, 1.5)).left_out
    np.testing.assert_allclose(overlapping**2, (1 + 2 / 4) / (1 - 2 / 4))


def test_one_large_window_is_not_all_of_its_reference():
    left_out = WindowSeries(np.array([9_999.0, 1.0]), 1.0, Dependence(1.0, 1.0)).left_out
    np.testing.assert_allclose(left_out**2, [1.9 / 0.1, 1.0001 / 0.9999])


def test_two_bins_vary_as_independent_rows_do_at_least():
    table, _ = fit_quadratic(np.tile([250.0, 250.0], (400, 1)), 1.0, 0.01)
    at = lookup_grid.P_GRID.tolist().index(0.05)
    assert 500 * np.exp(table.quantiles[4, at]) == pytest.approx(stats.chi2.isf(0.05, 1), rel=0.1)


def test_a_distance_is_told_how_rarely_every_edge_is_passed():
    told = []

    def one_row(rows, gap, unseen):
        told.append((gap.tolist(), unseen.tolist()))
        return 1 / rows

    counts = np.tile([100.0, 0.0, 300.0, 100.0], (12, 1))
    nothing = np.zeros(12)
    windows = FeatureWindows(counts, nothing, nothing, np.array([1.0, 2.0, 5.0]), counts.sum(0), 1.0, 200)
    Distance("mine", between=lambda difference, _: np.abs(difference).sum(-1), one_row=one_row).fit(windows)
    gap, unseen = told[-1]
    assert gap == [1.0, 2.0, 5.0]
    assert unseen == pytest.approx([0.16, 0.16, 0.16])
    counts[:, 3] = 600
    Distance("mine", between=lambda difference, _: np.abs(difference).sum(-1), one_row=one_row).fit(windows)
    assert told[-1][1] == pytest.approx([0.09, 0.09, 0.24])


def test_without_a_null_there_are_the_windows_that_are_too_few():
    found = without_null(np.array([5.0, 3.0]), 2.0)
    numbers = found.typical_n, found.n_min, found.n_max, found.windows, found.df
    assert numbers == (1.0, 3.0, 5.0, 1.5, 0.0)
    nothing = without_null(np.zeros(0), 1.0)
    assert (nothing.n_min, nothing.n_max, nothing.windows) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("windows", "overlap", "disjoint"), [(0, 1, 0), (1, 9, 1), (9, 4, 3), (9, 0.5, 9)])
def test_windows_count_as_if_they_did_not_overlap(windows, overlap, disjoint):
    assert disjoint_windows(windows, overlap) == disjoint


@pytest.mark.parametrize(
    ("windows", "square", "df"), [(5, 1.0, 4.0), (5, 2.0, 2.0), (2, 1.0, 1.0), (5, 9.0, 1.0)]
)
def test_degrees_of_freedom_are_those_of_a_mean_after_autocorrelation(windows, square, df):
    assert WindowSeries(np.ones(windows), 1.0, Dependence(1.0, square)).df == df


def test_what_has_a_bin_by_chance_is_told_from_what_is_frequent():
    rows = np.array([1_000.0, 130, 104, 100, 5_000])
    assert by_chance(rows, 1.0).tolist() == [False, True, True, True, True]
    assert by_chance(rows, 0.25).tolist() == by_chance(rows, 1.0).tolist()
    assert by_chance(np.r_[1_000.0, 200, 104, 100, 9], 20.0).tolist() == [False, True, True, True, True]
    assert not by_chance(np.array([1_000.0, 130, 104, 100, 0]), 1.0).any()  # all categories have a bin
    assert not by_chance(np.array([1_000.0, 500, 100, 30]), 1.0).any()  # the rarest stands out
    assert by_chance(np.array([7.0]), 1.0).tolist() == [False]


def test_pooled_categories_are_rare_however_many_rows_they_have():
    fractions = np.array([0.3, 0.2, 0.2, 0.3])
    pooled = np.array([False, False, True, True])
    assert pool_rare(fractions, 1_000, 5, pooled).tolist() == [0, 1, 2, 2]
    assert pool_rare(fractions, 1_000, 5).tolist() == [0, 1, 2, 3]


def test_a_windows_part_in_what_it_is_compared_with_is_its_leverage_if_it_has_one():
    """The mean of n windows has leverages 1/n: as without."""
    n = np.full(4, 100.0)
    plain = WindowSeries(n, 1.0, Dependence(1.0, 1.0))
    mean = WindowSeries(n, 1.0, Dependence(1.0, 1.0), np.full(4, 0.25))
    np.testing.assert_allclose(mean.left_out, plain.left_out)
    assert mean.df == plain.df == 3
    two = WindowSeries(n, 1.0, Dependence(1.0, 1.0), np.array([0.5, 0.5, 0.5, 0.5]))
    np.testing.assert_allclose(two.left_out, np.sqrt(1.5 / 0.5))
    assert two.df == 2
    assert two.only(np.array([True, True, False, True]), np.full(3, 2 / 3)).df == 1
