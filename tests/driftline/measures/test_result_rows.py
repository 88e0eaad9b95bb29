"""Arrays of a block as columns of rows."""

import numpy as np

from driftline.measures.result_rows import floats, ragged


def test_lists_have_as_many_numbers_as_their_feature_has_bins():
    assert ragged(np.array([[1, 2, 0], [3, 4, 5], [0, 0, 0]]), [2, 3, 0]).to_pylist() == [
        [1, 2],
        [3, 4, 5],
        [],
    ]


def test_what_is_no_finite_number_is_null():
    assert floats(np.array([0.0, np.nan, np.inf, -np.inf, -1.5])).to_pylist() == [0.0, None, None, None, -1.5]
