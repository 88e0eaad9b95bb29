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
