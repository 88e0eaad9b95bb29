"""Intervals against scipy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance.intervals import mean_interval, wilson_interval
from driftline.performance.loss_moments import LossMoments


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(drawn):
    events, n = drawn
    exact = scipy.stats.binomtest(events, n).proportion_ci(method="wilson")
    assert wilson_interval(events, n) == pytest.approx((exact.low, exact.high), abs=1e-12)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=40))
def test_student_is_that_of_scipy(losses):
    low, high = mean_interval(LossMoments.of(np.array(losses)))
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    half = scipy.stats.t.ppf(0.975, len(losses) - 1) * error
    assert high == pytest.approx(np.mean(losses) + half, rel=1e-9, abs=1e-9)
    assert low == pytest.approx(max(0, np.mean(losses) - half), rel=1e-6, abs=1e-6)


def test_nothing_is_known_of_nothing():
    assert np.isnan(wilson_interval(0, 0)).all()
    assert np.isnan(mean_interval(LossMoments.of(np.array([3.0])))).all()
    assert wilson_interval(0, 10).low == 0
    assert wilson_interval(10, 10).high == 1


def test_equal_losses_have_no_spread():
    """A rounding error here would be a significant difference later."""
    parts = [LossMoments.of(np.full(n, 0.1)) for n in (3, 7, 1, 10)]
    assert LossMoments.merge(parts) == (21, 0.1, 0.0)
    assert mean_interval(LossMoments.merge(parts)) == (0.1, 0.1)
