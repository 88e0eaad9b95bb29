"""The quadratic form is a sum over the last axis, whatever stands before it."""

import numpy as np

from driftline.statistics.quadratic import quadratic_form


def test_squares_over_their_scale():
    difference = np.array([[[0.1, -0.2, 0.0], [0.3, 0.0, 0.5]]])
    found = quadratic_form(difference, np.array([0.1, 0.4, np.inf]))
    np.testing.assert_allclose(found, [[0.1 + 0.1, 0.9]])
