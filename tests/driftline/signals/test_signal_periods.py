"""A reference's signal by period: any split and order, as many periods as are allowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.signals import SignalPeriods, signal_periods

SECOND = 1 << 20


ONE = st.integers(0, 60)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 40), st.lists(ONE, max_size=4))
def test_any_split_any_order(seed, n, most, cuts):
    random = np.random.default_rng(seed)
    known = random.integers(-90 * SECOND, 400 * SECOND, n)
    values = random.normal(1e6, 1, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal_periods, "MOST_PERIODS", most)
        whole = SignalPeriods.of(known, values)
        pieces = np.split(random.permutation(n), sorted(cuts))
        merged = SignalPeriods.merge_all(
            [SignalPeriods.of(known[rows], values[rows]).to_bytes() for rows in pieces]
        )
    assert len(whole.period) <= most
    assert merged.shift == whole.shift
    assert merged.period.tolist() == whole.period.tolist() == np.unique(known >> whole.shift).tolist()
    assert merged.n.tolist() == whole.n.tolist()
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(merged.m2, whole.m2, rtol=1e-6, atol=1e-6)
    for number, mean, m2, period in zip(whole.n, whole.mean, whole.m2, whole.period, strict=True):
        own = values[known >> whole.shift == period]
        assert number == len(own)
        assert mean == pytest.approx(own.mean(), rel=1e-12)
        assert m2 == pytest.approx(((own - own.mean()) ** 2).sum(), rel=1e-6, abs=1e-6)


def test_the_shortest_periods_that_are_few_enough():
    known = np.arange(5) * SECOND
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal_periods, "MOST_PERIODS", 3)
        assert SignalPeriods.of(known, np.zeros(5)).n.tolist() == [2, 2, 1]
        assert SignalPeriods.of(known[:3], np.zeros(3)).n.tolist() == [1, 1, 1]


def test_what_is_no_number_is_left_out():
    some = SignalPeriods.of(np.array([0, 1, 2]), np.array([np.nan, 0.5, np.inf]))
    assert (some.n.tolist(), some.mean.tolist()) == ([1], [0.5])
    none = SignalPeriods.of(np.array([0]), np.array([np.nan]))
    assert none.n.tolist() == []
    assert SignalPeriods.merge_all([none.to_bytes(), some.to_bytes()]).mean.tolist() == [0.5]


def test_bytes():
    data = SignalPeriods.of(np.array([0, 5 * SECOND]), np.array([1.0, 0.0])).to_bytes()
    assert SignalPeriods.from_bytes(data).to_bytes() == data
    with pytest.raises(ValueError, match="signal of a reference by period"):
        SignalPeriods.from_bytes(b"xyz" + data[3:])
    with pytest.raises(ValueError, match="build the baseline again"):
        SignalPeriods.from_bytes(data[:-1])
