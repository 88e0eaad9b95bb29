"""Words of runs, from the means of what the rows say."""

import numpy as np
import pyarrow as pa
import pytest

from driftline.measures.reference_distribution import ReferenceDistribution
from driftline.trends.run_words import run_words, sizes_of

CARRIER = ReferenceDistribution(
    "categorical", np.array([60, 30, 10]), categories=("AA", "UA"), missing_rate=0.1
)
DELAY = ReferenceDistribution("numeric", np.array([5, 5]), edges=np.array([0.0]), missing_rate=0.02)


def rows(**columns):
    length = len(next(iter(columns.values())))
    known = {"n": [100] * length, "missing_rate": [0.0] * length, "nonfinite_rate": [0.0] * length}
    return pa.RecordBatch.from_pydict(known | columns)


def words(statistic, of, reference, larger=1.0):
    return run_words(statistic, sizes_of(statistic, of, 3), larger, reference)


def test_moments_of_a_run_stick_out_that_stick_out_of_no_window():
    of = rows(components=[[1.6, 0.0, 0.0, 0.1]] * 4, shift=[0.2, 0.3, 0.2, 0.3], spread=[1.0] * 4)
    assert words("smooth", of, DELAY) == "shift +0.25 sd"


def test_the_most_unusual_moment_is_named_though_none_sticks_out():
    of = rows(components=[[0.2, -0.5]] * 4, shift=[0.2] * 4, spread=[0.5, 2.0, 0.5, 0.5])
    assert words("smooth", of, DELAY, larger=3.0) == "spread x0.71"


def test_missing_values_of_numbers_are_those_without_a_finite_one():
    of = rows(missing_rate=[0.1, 0.2], nonfinite_rate=[0.05, None])
    assert words("missing", of, DELAY) == "missing 2 % to 17.5 %"


@pytest.mark.parametrize(
    ("counts", "missing", "expected"),
    [
        ([54, 17, 9], 0.2, "missing values 10 % to 20 %"),
        ([34, 47, 9], 0.1, "`AA` 54 % to 34 %"),
        ([54, 7, 29], 0.1, "`UA` 27 % to 7 %"),
        ([46, 25, 19], 0.1, "other categories 9 % to 19 %"),
    ],
)
def test_the_share_that_changed_most_is_named(counts, missing, expected):
    of = rows(bin_counts=[counts, counts], missing_rate=[missing, missing])
    assert words("chi2", of, CARRIER) == expected


def test_a_statistic_of_a_package_has_no_words():
    assert words("theirs", rows(shift=[1.0]), DELAY) is None
