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


def test_new_ones_of_an_open_vocabulary_are_many_only_if_more_than_usual():
    """A tenth is new. Of 10,000 rows the reference met up to 500 categories once."""
    live = CategoricalCounts(np.array([[900, 100]]), np.array([0]), np.array([100.0]))
    base = counts([[9_000, 1_000]], [0])
    closed = compare_categorical(live, CategoricalReference(base))
    rare = compare_categorical(live, CategoricalReference(base, rare=np.array([500])))
    open_to_all = compare_categorical(live, CategoricalReference(base, rare=np.array([5_000])))
    assert closed.rate_ratio[0] > 1_000
    assert rare.rate_ratio[0] == pytest.approx(2, rel=0.01)
    assert open_to_all.rate_ratio[0] == pytest.approx(1, rel=0.01)
    for found in (closed, rare, open_to_all):
        assert found.rate_change[0] == pytest.approx(0.1)


def test_features_of_one_block_do_not_touch_each_other():
    """The first has two categories and padding, the second three and hash buckets; each as if alone."""
    live, base = [[50, 40, 10, 0], [30, 30, 30, 10]], [[400, 400, 200, 0], [100, 200, 300, 400]]
    buckets = [[0, 0], [80, 20]], [[0, 0], [500, 500]]
    cardinality, missing = np.array([4.0, 9.0]), np.zeros(2, int)

    def compared(rows, width):
        current = CategoricalCounts(
            np.array(live)[rows, :width], missing[rows], None, cardinality[rows], np.array(buckets[0])[rows]
        )
        whole = CategoricalCounts(
            np.array(base)[rows, :width], missing[rows], buckets=np.array(buckets[1])[rows]
        )
        return compare_categorical(current, CategoricalReference(whole, np.array([3, 4])[rows]))

    both = compared(slice(None), 4)
    for row, width in ((0, 3), (1, 4)):
        alone = compared([row], width)
        for name in ("concentration", "rate_change", "rate_ratio"):
            assert getattr(both, name)[row] == getattr(alone, name)[0]
    assert both.concentration.tolist() == pytest.approx([0.5, 0.3])
    assert both.rate_change.tolist() == pytest.approx([0.1, 0.3])


def test_a_bucket_that_grows_by_more_than_chance_has_a_ratio():
    """Ten rows in each of 64 buckets; then eighteen in one, as chance may have it, then a hundred."""
    base, missing = np.full((1, 64), 1_000), np.zeros(1, int)
    whole = CategoricalCounts(np.array([[0, 64_000]]), missing, buckets=base)

    def ratio(rows):
        buckets = np.full((1, 64), 10)
        buckets[0, 0] = rows
        current = CategoricalCounts(np.array([[0, buckets.sum()]]), missing, buckets=buckets)
        return compare_categorical(current, CategoricalReference(whole)).rate_ratio[0]

    assert ratio(18) == 1
    assert ratio(100) == pytest.approx((100.5 - 3 * np.sqrt(11.4)) / 11.9, rel=0.01)
