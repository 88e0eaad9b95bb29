import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import rates


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 1500), st.integers(1, 1500))
def test_p_value_is_scipys(x, n, y, m):
    x, y = min(x, n), min(y, m)
    p = rates.iid_p_value([x], [n], [y], [m])[0]
    table = [[x, n - x], [y, m - y]]
    rate = (x + y) / (n + m)
    if rate in {0, 1}:
        assert p == 1
    elif min(n, m) * min(rate, 1 - rate) < 5:
        assert p == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-4, abs=1e-12)
    else:
        assert p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9, abs=1e-12)


def test_empty_samples_have_no_p_value():
    assert np.isnan(rates.iid_p_value([0, 0], [0, 5], [1, 0], [9, 0])).all()


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 1.0])
def test_arcsine_difference_has_variance_one_over_n(rate):
    events = np.random.default_rng(0).binomial(2_000, rate, 20_000)
    difference = rates.arcsine_difference(events, 2_000, rate)
    assert difference.var() * 2_000 == pytest.approx(1.0 if 0 < rate < 1 else 0.0, abs=0.05)
    assert difference.mean() == pytest.approx(0, abs=0.002)


def test_arcsine_difference_without_rows_is_nan():
    assert np.isnan(rates.arcsine_difference(0, 0, 0.5))


def test_one_row_has_a_difference():
    assert rates.arcsine_difference(1, 1, 0.0) == pytest.approx(
        2 * np.arcsin(np.sqrt([1.375, 0.375]) / 1.75**0.5) @ [1, -1]
    )


def test_five_expected_rows_are_enough_for_the_normal_approximation():
    table = [[2, 8], [8, 2]]
    normal = stats.chi2_contingency(table, correction=False).pvalue
    assert rates.iid_p_value([2], [10], [8], [10]) == pytest.approx(normal)
    table = [[2, 8], [7, 3]]
    assert rates.iid_p_value([2], [10], [7], [10]) == pytest.approx(stats.fisher_exact(table).pvalue)


@pytest.mark.parametrize(
    ("x", "n", "y", "m"),
    [
        (995, 1_000, 999, 1_000),
        (190, 200, 49_900, 50_000),
        (50_000, 50_000, 195, 200),
        (0, 200, 5, 1_000),
        (0, 1, 3, 9),
        (1, 1, 3, 9),
        (3, 9, 1, 1),
        (1, 12, 6, 12),
        (3, 9, 3, 9),
    ],
)
def test_fishers_p_value_is_the_same_whichever_outcome_and_sample_comes_first(x, n, y, m):
    expected = pytest.approx(stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue, rel=1e-6)
    for events, rows, base, of in [(x, n, y, m), (n - x, n, m - y, m), (y, m, x, n), (m - y, m, n - x, n)]:
        assert rates.iid_p_value([events], [rows], [base], [of]) == expected


def test_fishers_p_value_far_in_the_tail_is_the_chance_of_the_table():
    x, n, y, m = 40, 1_000, 400, 100_000
    chance = stats.hypergeom.pmf(x, n + m, x + y, n)
    assert rates.iid_p_value([x, x + 1], n, [y, y], m)[0] == pytest.approx(chance, rel=1e-6, abs=0)


def test_no_p_value_is_above_one():
    n = np.arange(5, 200)
    for rare in range(5):
        assert (rates.iid_p_value(rare, n, rare, n) <= 1).all()


def test_all_features_at_once_are_each_alone():
    tables = np.array(
        [(2, 10, 8, 10), (0, 10, 1, 90), (3, 9, 1, 1), (0, 5, 0, 7), (9, 9, 5, 5), (70, 90, 5, 90)]
    )
    alone = [rates.iid_p_value(*table)[0] for table in tables]
    assert rates.iid_p_value(*tables.T).tolist() == alone
