import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.statistics.null.expectation import beyond, expected, fit_expectation

SLOPES = (0.0, 1.0)


def distinct(n, kinds=1_000):
    """Distinct values that n rows of so many equally frequent ones have on average."""
    return kinds * -np.expm1(n * np.log1p(-1 / kinds))


def test_within_the_sizes_seen_it_is_what_windows_have():
    rng = np.random.default_rng(0)
    n = np.exp(rng.uniform(np.log(70), np.log(2_500), 200))
    kept, left_out = fit_expectation(np.log(distinct(n)) + 0.02 * rng.standard_normal(200), n, SLOPES)
    at = np.geomspace(n.min(), n.max(), 20)
    low, high = expected(at, kept[None].repeat(20, 0), SLOPES)
    np.testing.assert_array_equal(low, high)
    np.testing.assert_allclose(low, np.log(distinct(at)), atol=0.06)
    assert left_out.std() < 0.04


@given(st.floats(1.0, 1e6))
def test_beyond_the_sizes_seen_it_is_a_range_that_holds_the_truth(n):
    """300 to 500 rows say nearly nothing of the slope, and a straight line would be far off at 1e5."""
    seen = np.linspace(300, 500, 40)
    kept, _ = fit_expectation(np.log(distinct(seen)), seen, SLOPES)
    low, high = expected(np.array([n]), kept[None], SLOPES)
    assert low <= high
    truth = np.log(distinct(np.array([n])))
    assert abs(beyond(truth, low, high)) < 0.02


def test_a_window_does_not_speak_for_itself():
    """The one large window decides the bend at its size, so it is judged by the others."""
    rng = np.random.default_rng(1)
    n = np.r_[rng.uniform(90, 110, 30), 1_000.0]
    values = 0.01 * rng.standard_normal(31)
    values[-1] = 1.0
    kept, left_out = fit_expectation(values, n, SLOPES)
    low, _ = expected(n[-1:], kept[None], SLOPES)
    assert abs(left_out[-1]) > 1.3 * abs(values[-1] - low[0])


def test_windows_of_one_size_have_their_mean():
    kept, left_out = fit_expectation(np.array([1.0, 2.0, 3.0]), np.full(3, 50.0), SLOPES)
    np.testing.assert_allclose(left_out, [-1, 0, 1], atol=1e-9)
    low, high = expected(np.array([50.0, 100.0]), kept[None].repeat(2, 0), SLOPES)
    assert low == pytest.approx([2, 2])
    assert high == pytest.approx([2, 2 + np.log(2)])
