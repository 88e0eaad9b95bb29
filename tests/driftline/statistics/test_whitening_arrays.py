"""A whitening is read back from a null's arrays as it was fitted."""

import numpy as np
import pytest

from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.null.scale import Scale
from driftline.statistics.null.whitening import Whitening
from driftline.statistics.null.whitening_arrays import (
    directions_and_precision,
    squared_length,
    stored_whitening,
)


def scale(wobble):
    """Variance 1 / n, of which a part of that at 100 rows stays."""
    return Scale(wobble, np.array([wobble]), np.array([0.01]), np.ones(1), 100.0, (1.0, 1e9))


TURN = np.array([[0.6, -0.8], [0.8, 0.6]])
FITTED = Whitening(TURN, (scale(0.0), scale(0.5)))
COMBINATIONS = np.array([[1.0, 0.0, 2.0], [0.5, 1.0, -1.0]])


def stacked(*stored):
    return {name: np.stack([each[name] for each in stored]) for name in stored[0]}


@pytest.mark.parametrize("n", [7, 25, 100, 300, 1_600, 1e6])
def test_it_is_the_squared_length_of_the_whitened_combinations(n):
    found = stacked(stored_whitening(np.arange(3.0), COMBINATIONS, FITTED, 100.0))
    deviations = np.array([[0.1, -0.2, 0.05]])
    inside = np.clip(n, *(100 * SIZE_GRID[[0, -1]]))
    known = np.log(FITTED.variances(100 * SIZE_GRID))
    variances = np.exp([np.interp(np.log(inside), np.log(100 * SIZE_GRID), each) for each in known.T])
    along = (deviations @ COMBINATIONS.T @ TURN)[0]
    length = squared_length(deviations, np.array([n]), found)
    assert length == pytest.approx((along**2 / variances).sum(), rel=1e-5)
    if n in (25, 100, 1_600):
        assert length == pytest.approx(FITTED.squares(deviations @ COMBINATIONS.T, np.array([n])), rel=1e-5)


def test_features_with_fewer_combinations_stand_beside_others():
    few = stored_whitening(np.ones(3), COMBINATIONS[:1], Whitening(np.eye(1), (scale(0.0),)), 50.0)
    found = stacked(few, stored_whitening(np.zeros(3), COMBINATIONS, FITTED, 100.0), few)
    directions, precision = directions_and_precision(np.array([50.0, 100.0, 200.0]), found)
    np.testing.assert_allclose(directions[0], np.column_stack([COMBINATIONS[0], np.zeros((3, 2))]))
    np.testing.assert_allclose(directions[1, :, :2], COMBINATIONS.T @ TURN, rtol=1e-6)
    np.testing.assert_allclose(precision, [[50, 1, 1], [100, 100, 1], [200, 1, 1]], rtol=1e-5)


def test_without_a_whitening_every_length_is_nothing():
    stored = stored_whitening(np.array([1.0, 2.0]))
    assert stored["centre"].tolist() == [1, 2]
    assert stored["typical_n"].tolist() == [1]
    assert {each.dtype for each in stored.values()} == {np.dtype(np.float32)}
    assert squared_length(np.full((2, 2), 9.0), np.array([0.0, 500.0]), stacked(stored, stored)).tolist() == [
        0,
        0,
    ]
