"""What two histograms are compared by: shares, spread, and whether there is anything to compare."""

from __future__ import annotations

import numpy as np
import pytest

from driftline.statistics import NumericCounts, NumericReference, compare_numeric
from driftline.statistics.missing_rate import OF_NUMBERS
from driftline.statistics.numeric_comparison import NumericPair
from driftline.statistics.rates import arcsine_difference


def counts(values, missing=None, nonfinite=None):
    values = np.array(values)
    nothing = np.zeros(len(values), np.int64)
    return NumericCounts(
        values,
        nothing if missing is None else np.array(missing),
        nothing if nonfinite is None else np.array(nonfinite),
    )


def reference(base, atoms=None):
    features, bins = base.values.shape
    ones = np.ones(features)
    return NumericReference(base, np.ones((features, bins - 1)), ones, ones, atoms)


def test_one_row_in_each_is_enough_to_be_compared():
    found = compare_numeric(counts([[0, 0, 1]]), reference(counts([[1, 0, 0]])))
    assert found.ks.tolist() == [1.0]
    assert found.wasserstein.tolist() == [2.0]
    assert found.p_value.tolist() == found.missing_p.tolist() == [1.0]
    one_missing = compare_numeric(counts([[0, 0, 0]], [1]), reference(counts([[0, 0, 0]], [1])))
    assert one_missing.missing_p.tolist() == [1.0]
    assert np.isnan(one_missing.ks).all()


@pytest.mark.parametrize(("live", "base"), [([[0, 0, 0]], [[1, 1, 0]]), ([[1, 1, 0]], [[0, 0, 0]])])
def test_without_rows_nothing_is_compared(live, base):
    found = compare_numeric(counts(live), reference(counts(base)))
    for name in ("ks", "wasserstein", "wasserstein_iqr", "psi", "ks_p", "missing_p", "p_value", "p_iid"):
        assert np.isnan(getattr(found, name)).all(), name
    assert NumericPair(counts(live), reference(counts(base))).difference.tolist() == [[0.0, 0.0, 0.0]]


def test_rows_without_a_number_are_missing_ones():
    both = counts([[3, 2], [0, 0]], [1, 2], [4, 0])
    assert (both.present.tolist(), both.absent.tolist(), both.rows.tolist()) == ([5, 0], [5, 2], [10, 2])
    assert both.fractions.tolist() == [[0.6, 0.4], [0, 0]]


def test_a_rate_in_a_reference_of_one_row_is_what_it_is():
    pair = NumericPair(counts([[5, 0]], [5]), reference(counts([[0, 0]], [1])))
    assert OF_NUMBERS.squared(pair, {}).tolist() == [arcsine_difference(5, 10, 1.0) ** 2]


def test_values_spread_over_bins_that_are_no_atoms():
    base = counts([[10, 10, 80, 0], [30, 30, 40, 0], [70, 30, 0, 0], [0, 0, 0, 0]])
    # heavier than two thirds of the three bins with rows, than two halves of two
    assert reference(base).spread_mass.tolist() == [
        [0.1, 0.1, 0, 0],
        [0.3, 0.3, 0.4, 0],
        [0.7, 0.3, 0, 0],
        [0, 0, 0, 0],
    ]
    said = np.array([[True, False, False, False]] * 4)
    assert reference(base, said).spread_mass.tolist() == [
        [0, 0.1, 0.8, 0],
        [0, 0.3, 0.4, 0],
        [0, 0.3, 0, 0],
        [0, 0, 0, 0],
    ]


def test_a_bin_of_just_twice_the_mean_is_no_atom():
    base = counts([[4, 2, 1, 1], [8, 0, 0, 0]])
    assert reference(base).spread_mass.tolist() == [[0.5, 0.25, 0.125, 0.125], [1, 0, 0, 0]]
