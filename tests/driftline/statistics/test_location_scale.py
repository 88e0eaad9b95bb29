"""Mean and spread of a window on the value's own scale, whatever its unit and origin are."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import BlockNull
from driftline.statistics.location_scale import LOCATION_SCALE
from driftline.statistics.statistic import FeatureWindows


def fitted(mean, variance, n=500, overlap=1.0):
    counts = np.broadcast_to(np.asarray(n, float), np.shape(mean))[:, None]
    nothing = np.zeros(len(counts))
    windows = FeatureWindows(
        counts, nothing, nothing, np.zeros(0), counts.sum(0), overlap, 200, mean=mean, variance=variance
    )
    return LOCATION_SCALE.fit(windows)


def p_of(null, mean, variance, n=500):
    """p-value of one window after the other."""
    mean, variance = np.atleast_1d(mean).astype(float), np.atleast_1d(variance).astype(float)
    rows = np.broadcast_to(np.asarray(n, float), mean.shape)
    block = BlockNull.stack([{"moments": null}] * len(mean))
    current = SimpleNamespace(mean=mean, variance=variance, present=rows)
    pair = SimpleNamespace(when=None, current=current, comparable=rows > 0)
    squared = LOCATION_SCALE.squared(pair, block.arrays["moments"])
    return block.p_values(squared[:, None], rows[:, None])[:, 0]


def moments(rng, windows, n=500):
    """Means and variances of windows of independent normal rows."""
    return rng.standard_normal(windows) / np.sqrt(n), rng.chisquare(n - 1, windows) / n


LIVE = np.array([0.0, 0.1, -0.1, 0.3, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0, 1.2, 0.7])


@pytest.mark.parametrize("unit", [1e-35, 1e-9, 0.3, 10.0, 1e6, 1e25])
@pytest.mark.parametrize("origin", [0.0, 20.0, 1.7e8 + 7.7])  # the last one is that of times, in minutes
def test_no_change_of_unit_or_origin_changes_a_p_value(unit, origin):
    mean, variance = moments(np.random.default_rng(0), 40)
    expected = p_of(fitted(mean, variance), *LIVE)
    null = fitted(unit * (mean + origin), unit**2 * variance)
    found = p_of(null, unit * (LIVE[0] + origin), unit**2 * LIVE[1])
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert expected[0] > 0.5
    assert (expected[1:] < 0.1).all()


def test_of_independent_normal_rows_it_is_chi_square():
    rng = np.random.default_rng(1)
    null = fitted(*moments(rng, 3_000))
    for z, expected in ((2.0, stats.chi2.sf(4, 2)), (3.5, stats.chi2.sf(3.5**2, 2))):
        sd = np.exp(np.array([z, -z]) / np.sqrt(2 * 500))
        found = np.r_[
            p_of(null, np.array([z, -z]) / np.sqrt(500), np.ones(2)), p_of(null, np.zeros(2), sd**2)
        ]
        np.testing.assert_allclose(np.log(found), np.log(expected), rtol=0.12)


def test_no_drift_is_alarmed_as_often_as_it_should():
    alarms = []
    for seed in range(20):
        rng = np.random.default_rng([3, seed])
        null = fitted(*moments(rng, 40))
        alarms.append(p_of(null, *moments(rng, 200)) < 0.05)
    assert 0.02 < np.mean(alarms) < 0.065


def test_a_sensor_far_beyond_its_range_is_found_by_how_far_it_is():
    rng = np.random.default_rng(2)
    mean, variance = moments(rng, 60)
    days = 0.5 * rng.standard_normal(60)  # the weather
    null = fitted(mean + days, variance)
    assert p_of(null, 0.8, 1.0)[0] > 0.05
    assert p_of(null, 0.05 * 30, 0.05 * 30**2)[0] < 1e-6


def test_windows_of_a_heavy_tail_say_little():
    rng = np.random.default_rng(4)
    rows = stats.t(2).rvs((60, 500), random_state=rng)
    null = fitted(rows.mean(1), rows.var(1))
    assert p_of(null, 0.0, 2 * np.median(rows.var(1)))[0] > 0.05


def test_it_is_a_mean_of_so_many_rows():
    rng = np.random.default_rng(5)
    n = rng.integers(200, 2_000, 400)
    null = fitted(rng.standard_normal(400) / np.sqrt(n), rng.chisquare(n - 1) / n, n)
    few, many = p_of(null, [0.1, 0.1], [1.0, 1.0], [200, 2_000])
    assert np.log(few) == pytest.approx(stats.chi2.logsf(200 * 0.01, 2), rel=0.12)
    assert np.log(many) == pytest.approx(stats.chi2.logsf(2_000 * 0.01, 2), rel=0.15)


def test_the_unit_is_the_spread_of_the_median_window():
    variance = np.array([4.0, 4.0, 4.0, 1e8, 1.0])
    unit = fitted(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), variance, [1, 1, 1, 1, 4]).arrays["unit"]
    assert unit.tolist() == [3.75, 0.0, 2.0]
    mostly_constant = fitted(np.array([1.0, 1.0, 1.0, 1.0, 6.0]), np.array([0, 0, 0, 0, 5.0]))
    assert mostly_constant.arrays["unit"].tolist() == pytest.approx([2.0, 0.0, np.sqrt(1 + 4)])


def test_windows_without_values_are_ignored():
    mean, variance = moments(np.random.default_rng(6), 30)
    plain = fitted(mean, variance)
    gaps = fitted(np.insert(mean, 4, 7.0), np.insert(variance, 4, 9.0), np.insert(np.full(30, 500), 4, 0))
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(array, gaps.arrays[name])
    one = fitted(mean, variance, np.r_[1, np.full(29, 500)])
    assert one.table.windows == 30
    assert one.table.n_min == 1


@pytest.mark.parametrize(("windows", "overlap", "known"), [(2, 1.0, False), (3, 1.0, True), (3, 2.0, False)])
def test_two_windows_are_too_few(windows, overlap, known):
    null = fitted(*moments(np.random.default_rng(7), windows), overlap=overlap)
    p = p_of(null, 9.0, 1.0)[0]
    assert (p < 0.5) == known
    assert known or p == 1


def test_without_means_there_is_no_p_value_or_it_is_one():
    mean, variance = moments(np.random.default_rng(8), 30)
    for left_out in (mean, None), (None, variance), (None, None):
        null = LOCATION_SCALE.fit(
            FeatureWindows(
                np.full((30, 1), 500.0),
                np.zeros(30),
                np.zeros(30),
                np.zeros(0),
                np.full(1, 15_000.0),
                1.0,
                200,
                mean=left_out[0],
                variance=left_out[1],
            )
        )
        assert p_of(null, 99.0, 1.0)[0] == 1
    present = np.array([500.0, 0.0])
    pair = SimpleNamespace(
        current=SimpleNamespace(mean=None, variance=None, present=present), comparable=present > 0
    )
    assert np.isnan(LOCATION_SCALE.squared(pair, {})).tolist() == [True, True]
    assert LOCATION_SCALE.rows(pair)[1].tolist() == [False, False]
    pair.current.mean = np.zeros(2)
    n, defined = LOCATION_SCALE.rows(pair)
    assert (n.tolist(), defined.tolist()) == ([500, 0], [True, False])


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_odd_features_give_a_p_value_and_no_warning(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    windows = data.draw(st.integers(1, 30))
    overlap = data.draw(st.sampled_from([1.0, 1.5, 4.0, 24.0]))
    mean, variance = moments(rng, windows)
    kind = data.draw(st.sampled_from(["constant", "jumps", "one empty", "huge", "beyond float64"]))
    n = np.full(windows, 500)
    if kind == "constant":
        mean, variance = np.full(windows, 7.0), np.zeros(windows)
    elif kind == "jumps":
        variance[:] = 0
    elif kind == "one empty":
        n[0], mean[0], variance[0] = 0, 0.0, 0.0
    else:
        mean *= 1e150 if kind == "huge" else 1e300
        variance = variance * 1e300 if kind == "huge" else np.full(windows, np.inf)
    null = fitted(mean, variance, n, overlap)
    live = np.array([mean[-1], 0.0, 1e200, -1e308]), np.array([variance[-1], 1.0, np.inf, 0.0])
    p = p_of(null, *live)
    assert ((p > 0) & (p <= 1)).all()
    if kind == "constant":
        assert p[0] == 1


def test_windows_of_two_kinds_do_not_depend_on_each_other():
    rng = np.random.default_rng(9)
    mean, variance = moments(rng, 200)
    null = fitted(mean, variance * np.where(rng.random(200) < 0.4, 1e4, 1.0))
    assert null.table.df == pytest.approx(199, rel=0.1)


def squares(null, mean):
    arrays = {name: array[None].repeat(len(mean), 0) for name, array in null.arrays.items()}
    present = np.full(len(mean), 500.0)
    current = SimpleNamespace(mean=np.array(mean), variance=0 * present, present=present)
    return LOCATION_SCALE.squared(SimpleNamespace(when=None, current=current, comparable=present > 0), arrays)


@pytest.mark.parametrize("constant", [7.0, -1e20, 1e-20])
def test_the_unit_of_a_constant_is_its_size(constant):
    sizes = np.linspace(100, 1_000, 30).astype(int)
    rounded = constant * (1 + np.random.default_rng(0).integers(-4, 5, 30) * 1e-15)
    null = fitted(rounded, np.zeros(30), sizes)
    assert null.arrays["unit"][2] == pytest.approx(abs(constant))
    near, far = squares(null, [1.25 * constant, 2.0 * constant])
    assert far / near == pytest.approx((np.arcsinh(1) / np.arcsinh(0.25)) ** 2, rel=1e-4)
    assert p_of(null, constant * (1 + 2e-14), 0.0)[0] == 1


def test_the_unit_of_nothing_is_one():
    near, far = squares(fitted(np.zeros(30), np.zeros(30)), [0.25, 1.0])
    assert far / near == pytest.approx((np.arcsinh(1) / np.arcsinh(0.25)) ** 2, rel=1e-4)
    times = fitted(1.7e15 + 1e6 * np.random.default_rng(1).standard_normal(30), np.full(30, 1e12))
    assert times.arrays["unit"][2] == 1e6
