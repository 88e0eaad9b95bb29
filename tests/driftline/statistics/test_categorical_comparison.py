"""Categories are compared where both have rows."""

from __future__ import annotations

import numpy as np
import pytest

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    fit_categorical,
    fit_numeric,
)


def counts(categories, missing):
    return CategoricalCounts(np.array(categories), np.array(missing))


def test_one_row_in_each_is_enough_to_be_compared():
    live, base = counts([[0, 1]], [0]), counts([[1, 0]], [0])
    found = compare_categorical(live, CategoricalReference(base))
    assert found.psi[0] > 1
    assert found.p_value.tolist() == found.missing_p.tolist() == [1.0]


@pytest.mark.parametrize(("live", "base"), [([[0, 0]], [[1, 1]]), ([[1, 1]], [[0, 0]])])
def test_without_rows_nothing_is_compared(live, base):
    found = compare_categorical(counts(live, [0]), CategoricalReference(counts(base, [0])))
    for name in ("chi2", "psi", "chi2_p", "psi_p", "missing_p", "p_value", "p_iid"):
        assert np.isnan(getattr(found, name)).all(), name


def test_missing_is_a_category_of_its_own():
    both = counts([[3, 2]], [4])
    assert (both.all.tolist(), both.rows.tolist(), both.absent.tolist()) == ([[4, 3, 2]], [9], [4])
    gone = compare_categorical(counts([[50, 50]], [900]), CategoricalReference(counts([[500, 500]], [0])))
    assert gone.psi[0] > 1
    assert gone.p_iid[0] < 1e-6


def test_psi_and_chi_square_have_one_p_value():
    found = compare_categorical(counts([[3, 2]], [4]), CategoricalReference(counts([[30, 20]], [40])))
    assert found.psi_p is found.chi2_p


def test_a_null_of_other_features_is_refused():
    one = counts([[3, 2]], [4])
    windows, missing = np.full((12, 2), 50), np.full(12, 4)
    two = BlockNull.stack([fit_categorical(windows, missing)] * 2)
    with pytest.raises(ValueError, match="null is of 2 features"):
        compare_categorical(one, CategoricalReference(one), two)
    numeric = BlockNull.stack([fit_numeric(windows, missing, missing, [1.0])])
    with pytest.raises(ValueError, match="different blocks"):
        compare_categorical(one, CategoricalReference(one), numeric)
