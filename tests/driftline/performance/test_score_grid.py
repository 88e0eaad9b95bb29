"""The bins of scores: fixed for ever, and every score in its own."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance.score_grid import (
    CALIBRATION_BINS,
    bins_of,
    calibration_bins,
    first_positive_bin,
    score_edges,
)

scores_and_threshold = st.tuples(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1))


def test_edges_are_those_of_version_1():
    edges = score_edges(0.5)
    assert (len(edges), edges[0], edges[-1]) == (297, 1e-9, 1 - 1e-9)
    assert hashlib.sha256(edges.astype("<f8").tobytes()).hexdigest()[:16] == "f84a287f3749b87c"
    with pytest.raises(ValueError, match="read-only"):
        edges[0] = 0


@given(scores_and_threshold)
def test_every_score_is_within_the_edges_of_its_bin(drawn):
    scores, threshold = np.array(drawn[0]), drawn[1]
    edges = np.concatenate([[0.0], score_edges(threshold), [np.inf]])
    bins = bins_of(scores, threshold)
    assert ((edges[bins] <= scores) & (scores < edges[bins + 1])).all()
    assert ((bins >= first_positive_bin(threshold)) == (scores >= threshold)).all()


@given(scores_and_threshold)
def test_bins_of_the_calibration_error_have_equal_widths(drawn):
    scores, threshold = np.array(drawn[0]), drawn[1]
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    found = calibration_bins(threshold)[bins_of(scores, threshold)]
    assert found.tolist() == [sum(edge <= score for edge in edges) for score in scores]
