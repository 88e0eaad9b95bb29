"""The smooth test sees what normal windows do not do, and stays calm about what they do."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import BlockNull, NumericCounts, NumericReference, compare_numeric, fit_numeric
from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.smooth import SMOOTH

BINS = 40
EDGES = stats.norm.ppf(np.arange(1, BINS) / BINS)
GAP = np.ones(BINS - 1)


def counted(rng, n, mean=0.0, sd=1.0):
    return np.bincount(np.searchsorted(EDGES, rng.normal(mean, sd, n)), minlength=BINS)


def fitted(windows, missing=None, overlap=1.0):
    windows = np.asarray(windows)
    missing = np.zeros(len(windows), int) if missing is None else np.asarray(missing)
    null = BlockNull.stack(
        [fit_numeric(windows, missing, 0 * missing, np.ones(windows.shape[1] - 1), overlap)]
    )
    whole = NumericCounts(windows.sum(0)[None], missing.sum()[None], np.zeros(1, int))
    return NumericReference(whole, np.ones((1, windows.shape[1] - 1)), np.ones(1), np.ones(1)), null


def compare(values, reference, null, missing=0):
    counts = NumericCounts(np.asarray(values)[None], np.array([missing]), np.zeros(1, int))
    return compare_numeric(counts, reference, null)


@pytest.fixture(scope="module")
def weather():
    """Days whose mean moves by .4 sd; nothing else does."""
    rng = np.random.default_rng(0)
    return fitted([counted(rng, 2_000, 0.4 * rng.standard_normal()) for _ in range(120)])


def test_a_usual_shift_is_quiet_and_an_unusual_spread_is_not(weather):
    rng = np.random.default_rng(1)
    moved = compare(counted(rng, 2_000, 0.4), *weather)
    wider = compare(counted(rng, 2_000, 0.0, 1.25), *weather)
    assert moved.smooth_p[0] > 0.05
    assert wider.smooth_p[0] < 1e-3 < wider.ks_p[0]
    assert wider.p_value[0] < 3e-3
    assert wider.components[0, 1] > 5 > abs(moved.components[0]).max()


def test_what_changed_is_told_in_standard_deviations():
    rng = np.random.default_rng(2)
    reference, null = fitted([counted(rng, 5_000) for _ in range(60)])
    found = compare(counted(rng, 20_000, 0.3, 1.2), reference, null)
    assert found.shift[0] == pytest.approx(0.3, abs=0.03)
    assert found.spread[0] == pytest.approx(1.2, abs=0.05)
    assert (found.components[0, :2] > 3).all()


def test_each_component_points_where_its_word_says():
    rng = np.random.default_rng(3)
    reference, null = fitted([counted(rng, 5_000) for _ in range(60)])

    def of(values):
        counts = np.bincount(np.searchsorted(EDGES, values), minlength=BINS)
        return compare(counts, reference, null).components[0]

    normal = rng.standard_normal(20_000)
    assert of(normal - 0.2)[0] < -3
    assert of(0.8 * normal)[1] < -3
    skewed = stats.skewnorm(6)
    assert of((skewed.rvs(20_000, random_state=1) - skewed.mean()) / skewed.std())[2] > 3
    heavy = stats.t(4)
    assert of(heavy.rvs(20_000, random_state=1) / (heavy.ppf(0.75) / stats.norm.ppf(0.75)))[3] != 0


def test_no_drift_is_alarmed_as_often_as_it_should():
    alarms = []
    for seed in range(15):
        rng = np.random.default_rng([7, seed])
        reference, null = fitted([counted(rng, 1_000, 0.1 * rng.standard_normal()) for _ in range(60)])
        live = [counted(rng, 1_000, 0.1 * rng.standard_normal()) for _ in range(60)]
        alarms += [compare(each, reference, null).smooth_p[0] < 0.05 for each in live]
    assert 0.02 < np.mean(alarms) < 0.07


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_odd_features_give_a_p_value_and_no_warning(data):
    kind = data.draw(st.sampled_from(["constant", "one atom", "two values", "five rows", "empty window"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1_000)))
    windows, overlap = data.draw(st.integers(3, 40)), data.draw(st.sampled_from([1.0, 1.5, 4.0, 24.0]))
    share = {
        "constant": np.eye(1, 9, 4)[0],
        "one atom": np.r_[np.full(8, 0.01), 0.92],
        "two values": np.r_[0.7, np.zeros(7), 0.3],
    }.get(kind, np.full(9, 1 / 9))
    counts = rng.multinomial(5 if kind == "five rows" else 300, share, windows)
    missing = np.zeros(windows, int)
    if kind == "empty window":
        missing[0], counts[0] = 300, 0
    reference, null = fitted(counts, missing, overlap)
    for values in (counts[-1], rng.multinomial(300, np.full(9, 1 / 9)), np.eye(1, 9, 0, dtype=int)[0] * 300):
        found = compare(values, reference, null)
        assert 0 < found.smooth_p[0] <= 1
        assert 0 < found.p_value[0] <= 1
        assert np.isfinite(found.components[~np.isnan(found.components)]).all()


def test_a_constant_feature_that_changes_is_found_by_ks():
    counts = np.zeros((30, 3), int)
    counts[:, 1] = 500
    found = compare([500, 0, 0], *fitted(counts))
    assert found.smooth_p[0] == 1
    assert found.p_value[0] < 1e-6


def test_few_windows_use_few_components():
    rng = np.random.default_rng(5)
    windows = [counted(rng, 500) for _ in range(11)]
    components = compare(windows[0], *fitted(windows)).components[0]
    assert np.isfinite(components).tolist() == [True, True, False, False]


def test_without_windows_enough_there_is_no_test():
    rng = np.random.default_rng(6)
    found = compare(counted(rng, 500, 2.0), *fitted([counted(rng, 500), counted(rng, 500)]))
    assert found.smooth_p[0] == 1
    assert np.isnan(found.components).all()


def test_a_null_of_an_earlier_release_decides_without_it():
    rng = np.random.default_rng(8)
    reference, null = fitted([counted(rng, 500) for _ in range(30)])
    old = null.only(["ks", "psi", "wasserstein", "missing"])
    found = compare(counted(rng, 500, 0.3), reference, old)
    assert np.isnan(found.smooth_p[0])
    assert found.p_value[0] == pytest.approx(found.ks_p[0])  # nothing is missing


@pytest.mark.parametrize(
    ("windows", "overlap", "moments"),
    [
        (3, 1, 1),
        (9, 1, 1),
        (10, 1, 2),
        (14, 1, 2),
        (15, 1, 3),
        (20, 1, 4),
        (20, 2, 2),
        (27, 2, 2),
        (29, 2, 3),
    ],
)
def test_every_moment_needs_five_windows_that_do_not_overlap(windows, overlap, moments):
    rng = np.random.default_rng(5)
    counts = [counted(rng, 500) for _ in range(windows)]
    components = compare(counts[0], *fitted(counts, overlap=overlap)).components[0]
    assert np.isfinite(components).tolist() == [moment < moments for moment in range(4)]


def of_arrays(deviation, directions, variances, varies=True, present=100.0):
    """Smooth statistics of one feature whose windows have a known covariance."""
    arrays = {
        "centre": np.array([[0.5, -0.5, 0.25, 0.0]]),
        "directions": directions.reshape(1, -1),
        "log_variances": np.tile(np.log(variances), (len(SIZE_GRID), 1)).reshape(1, -1),
        "typical_n": np.array([[100.0]]),
    }
    pair = SimpleNamespace(
        when=None,
        moments=arrays["centre"] + deviation,
        current=SimpleNamespace(present=np.array([present])),
        reference=SimpleNamespace(scores=np.array([[-1.0, 1.0]]) * varies, moments=np.zeros((1, 4))),
        comparable=np.array([present > 0]),
    )
    return pair, arrays


def test_a_component_is_the_distance_from_what_the_others_let_expect():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((4, 4))
    covariance = root @ root.T
    variances, directions = np.linalg.eigh(covariance)
    deviation = np.array([1.0, -2.0, 0.5, 3.0])
    pair, arrays = of_arrays(deviation, directions, variances)
    found = SMOOTH.standardised(pair, arrays)
    for moment in range(4):
        others = np.arange(4) != moment
        slope = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, moment])
        residual = covariance[moment, moment] - slope @ covariance[others, moment]
        expected = (deviation[moment] - slope @ deviation[others]) / np.sqrt(residual)
        assert found["components"][0, moment] == pytest.approx(expected)
    assert SMOOTH.squared(pair, arrays)[0] == pytest.approx(
        deviation @ np.linalg.solve(covariance, deviation)
    )
    assert found["shift"].tolist() == [1.0]
    assert found["spread"].tolist() == pytest.approx([np.exp(-2.0)])
    assert SMOOTH.values(pair)["shift"].tolist() == [1.5]
    assert SMOOTH.values(pair)["spread"].tolist() == pytest.approx([np.exp(-2.5)])


def test_a_moment_that_is_not_tested_has_no_component():
    directions = np.diag([1.0, 1.0, 0.0, 0.0])
    pair, arrays = of_arrays(np.array([0.5, 2.0, 9.0, 9.0]), directions, np.array([0.25, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(SMOOTH.standardised(pair, arrays)["components"], [[1, 2, np.nan, np.nan]])


@pytest.mark.parametrize(("varies", "present"), [(False, 100.0), (True, 0.0)])
def test_of_a_constant_or_of_nothing_there_is_no_shift(varies, present):
    pair, arrays = of_arrays(np.ones(4), np.eye(4), np.ones(4), varies, present)
    for found in (SMOOTH.values(pair), SMOOTH.standardised(pair, arrays)):
        assert np.isnan([found["shift"], found["spread"]]).all()
    assert np.isnan(found["components"]).all() == (present == 0)


def test_shift_and_spread_of_few_windows_are_by_the_whole_reference():
    rng = np.random.default_rng(6)
    reference, null = fitted([counted(rng, 500), counted(rng, 900)])
    live = counted(rng, 500, 1.0, 1.5)
    found, plain = compare(live, reference, null), compare(live, reference, None)
    assert found.shift[0] == pytest.approx(plain.shift[0], rel=1e-5)
    assert found.spread[0] == pytest.approx(plain.spread[0], rel=1e-5)
    assert plain.shift[0] > 0.5
