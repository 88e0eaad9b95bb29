import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics.multiple import benjamini_hochberg, bonferroni_pair, cauchy_combination

p_values = st.one_of(st.floats(0, 1), st.just(float("nan")))


@given(st.lists(p_values, max_size=20))
def test_benjamini_hochberg_is_scipys_on_what_was_tested(p):
    p = np.array(p, dtype=float)
    adjusted = benjamini_hochberg(p)
    tested = ~np.isnan(p)
    assert np.isnan(adjusted[~tested]).all()
    if tested.any():
        np.testing.assert_allclose(adjusted[tested], stats.false_discovery_control(p[tested]))


def test_benjamini_hochberg_keeps_shape():
    assert benjamini_hochberg(np.full((3, 4), 0.5)).shape == (3, 4)


@given(p_values, p_values)
def test_bonferroni_pair(a, b):
    p = bonferroni_pair(a, b)
    known = [x for x in (a, b) if not np.isnan(x)]
    if known:
        assert p == pytest.approx(min(1.0, len(known) * min(known)))
    else:
        assert np.isnan(p)


def cauchy(p, weights):
    """The same by scipy, of p-values up to .9."""
    return stats.cauchy.sf(np.average(stats.cauchy.isf(p), weights=weights))


@given(st.lists(st.floats(1e-9, 0.9), min_size=2, max_size=5), st.data())
def test_cauchy_combination_is_scipys_whatever_the_weights(p, data):
    weights = [data.draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in p]
    columns = [[each] for each in p]
    assert cauchy_combination(columns, weights)[0] == pytest.approx(cauchy(p, weights), rel=1e-6)
    assert cauchy_combination(columns)[0] == pytest.approx(cauchy(p, np.ones(len(p))), rel=1e-6)


def test_a_test_that_does_not_apply_has_no_weight():
    nan = float("nan")
    found = cauchy_combination(
        [[0.01, nan, nan, nan], [0.2, 0.2, nan, 0.95], [0.6, 0.6, 0.3, nan]], [3, 1, 2]
    )
    expected = [cauchy([0.01, 0.2, 0.6], [3, 1, 2]), cauchy([0.2, 0.6], [1, 2]), 0.3, 0.95]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.isnan(cauchy_combination([[nan], [nan]], [1, 2]))[0]


def test_a_p_value_near_one_does_not_veto_another():
    assert cauchy_combination([[0.01], [1.0]], [1, 3])[0] == pytest.approx(cauchy([0.01, 0.9], [1, 3]))
    assert cauchy_combination([[0.9], [1.0]])[0] == pytest.approx(0.9)
    assert cauchy_combination([[0.97], [0.95], [1.0]], [1, 2, 3])[0] == 0.95


def test_small_p_values_keep_their_digits():
    assert cauchy_combination([[1e-12], [1e-12]])[0] == pytest.approx(1e-12, rel=1e-9)
    assert cauchy_combination([[1e-300], [0.5]], [1, 3])[0] == pytest.approx(4e-300, rel=1e-9, abs=0)


@given(st.lists(st.lists(p_values, min_size=3, max_size=3), min_size=1, max_size=4))
def test_any_p_values_combine_to_one(p):
    found = cauchy_combination(p, range(1, len(p) + 1))
    untested = np.isnan(np.array(p)).all(0)
    assert np.isnan(found).tolist() == untested.tolist()
    assert ((found[~untested] >= 0) & (found[~untested] <= 1)).all()
