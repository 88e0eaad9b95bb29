"""Label delays: quantiles within a bin's width."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance.label_delays import DELAY_BINS, count_delays, delay_quantile

YEAR = 365 * 86_400_000_000


@given(st.lists(st.integers(1000, 3 * YEAR), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_are_within_13_percent(delays, q):
    exact = np.quantile(delays, q, method="inverted_cdf") / 1e6
    assert exact / 1.13 <= delay_quantile(count_delays(np.array(delays)), q) <= exact * 1.13


def test_the_edges_of_the_histogram():
    delays = np.array([-YEAR, -1, 0, 1, 999, 1000, 60_000_000, 200 * YEAR, 2**63 - 1])
    counts = count_delays(delays)
    assert len(counts) == DELAY_BINS == 223
    assert counts[[0, 1, 2, -1]].tolist() == [3, 2, 1, 2]
    assert delay_quantile(counts, 0.0) == 0.0
    assert delay_quantile(counts, 1 / 3) == 0.0
    assert delay_quantile(counts, 1.0) == 1e8
    assert np.isnan(delay_quantile(np.zeros(DELAY_BINS, int), 0.5))


def test_labels_within_the_event_have_no_delay():
    assert delay_quantile(count_delays(np.zeros(10, int)), 0.95) == 0.0


def test_the_histogram_is_that_of_version_1():
    counts = count_delays(np.array([1_122, 1_123, 10**9, 86_400_000_000]))
    assert np.flatnonzero(counts).tolist() == [3, 122, 160]
