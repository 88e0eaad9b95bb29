"""The largest change of a rate, in points and as a ratio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.statistics.rate_sizes import LEAST_POINTS, rate_sizes

TABLE = st.integers(1, 6).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 300), min_size=2 * k, max_size=2 * k), min_size=1, max_size=4)
)


@given(TABLE)
def test_they_are_the_largest_of_all(table):
    live, base = np.split(np.array(table, float), 2, axis=1)
    n, m = live.sum(1), base.sum(1)
    points, ratio = rate_sizes(live, n, base, m)
    for f in range(len(table)):
        if not n[f] or not m[f]:
            assert np.isnan([points[f], ratio[f]]).all()
            continue
        changes = [abs(a / n[f] - b / m[f]) for a, b in zip(live[f], base[f], strict=True)]
        times = [1.0]
        for a, b, change in zip(live[f], base[f], changes, strict=True):
            if change >= LEAST_POINTS:
                up = (a + 0.5) / (n[f] + 0.5) / ((b + 0.5) / (m[f] + 0.5))
                times += [up, 1 / up]
        assert points[f] == max(changes)
        assert ratio[f] == pytest.approx(max(times))


def one(live, n, base, m):
    points, ratio = rate_sizes(np.array([live], float), np.array([n]), np.array([base], float), np.array([m]))
    return float(points[0]), float(ratio[0])


def test_a_change_of_one_point_has_a_ratio_and_one_of_less_has_none():
    assert one([1], 100, [0], 100) == (LEAST_POINTS, pytest.approx(3.0))
    assert one([99], 10_000, [0], 10_000) == (0.0099, 1.0)


def test_up_and_down_are_alike():
    assert one([10], 100, [50], 100) == one([50], 100, [10], 100) == (0.4, pytest.approx(50.5 / 10.5))


def test_one_row_is_a_sample():
    assert one([1], 1, [0], 1) == (1.0, pytest.approx(3.0))
    assert np.isnan(one([0], 0, [0], 1)).all()
    assert np.isnan(one([0], 1, [0], 0)).all()


def test_points_and_ratio_need_not_be_of_one_kind():
    found = one([100, 600], 1_000, [10, 800], 1_000)
    assert found == (pytest.approx(0.2), pytest.approx(100.5 / 10.5))
