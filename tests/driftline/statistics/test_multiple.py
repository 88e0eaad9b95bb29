import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics.multiple import benjamini_hochberg, bonferroni_pair

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
