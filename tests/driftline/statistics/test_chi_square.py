from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    fit_categorical,
)
from driftline.statistics.chi_square import CHI_SQUARE, OF_TYPICAL_WINDOWS, two_sample
from driftline.statistics.statistic import FeatureWindows

plenty = st.lists(st.tuples(st.integers(100, 400), st.integers(100, 400)), min_size=2, max_size=5)


@given(plenty)
def test_frequent_categories_give_scipys_test(table):
    current, reference = np.array(table).T
    statistic, p = two_sample(current, reference)
    expected = stats.chi2_contingency(np.array(table).T, correction=False)
    assert statistic == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue)


def test_rare_categories_are_one():
    statistic, p = two_sample([600, 380, 4, 3, 5], [600, 380, 4, 3, 3])
    expected = stats.chi2_contingency([[600, 380, 12], [600, 380, 10]], correction=False)
    assert statistic == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue)


def test_a_pool_that_is_still_rare_joins_the_rarest():
    statistic, p = two_sample([60, 38, 2], [600, 390, 10])
    expected = stats.chi2_contingency([[60, 40], [600, 400]], correction=False)
    assert statistic == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue)


def test_a_renamed_rare_category_is_seen():
    assert two_sample([100, 80, 0, 20], [50_000, 40_000, 10_000, 0])[1] < 1e-6


def test_a_rare_category_beside_one_other_is_still_tested():
    assert two_sample([20, 20], [20, 261])[1] < 1e-6


def test_many_features_at_once_and_padding():
    rng = np.random.default_rng(0)
    current, reference = rng.integers(20, 90, (5, 4)), rng.integers(20, 90, (5, 4))
    padded = two_sample(np.pad(current, ((0, 0), (0, 3))), np.pad(reference, ((0, 0), (0, 3))))
    for row in range(5):
        single = two_sample(current[row], reference[row])
        assert padded[0][row] == pytest.approx(single[0])
        assert padded[1][row] == pytest.approx(single[1])


def test_one_category_cannot_drift_and_no_rows_cannot_tell():
    assert two_sample([10, 0], [20, 0])[1] == 1
    assert np.isnan(two_sample([0, 0], [20, 1])[1])


def test_decides_as_scipy_does():
    rng = np.random.default_rng(5)
    p = np.r_[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]
    reference = rng.multinomial(100_000, p)
    for shifted, least in ((p, 0.99), (p * np.r_[1.2, np.ones(7)] / (1 + 0.2 * 0.3), 0.97)):
        live = rng.multinomial(2_000, shifted, 1_000)
        ours = two_sample(live, np.broadcast_to(reference, live.shape))[1] <= 0.01
        scipy = np.array([stats.chi2_contingency([x, reference]).pvalue <= 0.01 for x in live])
        assert np.mean(ours == scipy) >= least
    assert 0.3 < scipy.mean() < 0.7


def pearson(*table):
    expected = stats.chi2_contingency(table, correction=False)
    return pytest.approx((expected.statistic, expected.pvalue))


def test_a_category_that_expects_five_rows_is_frequent():
    assert two_sample([3, 7, 40], [52, 48, 400]) == pearson([3, 7, 40], [52, 48, 400])


def test_a_pool_that_expects_five_rows_needs_no_company():
    found = two_sample([2, 1, 50, 47], [23, 24, 450, 403])
    assert found == pearson([3, 50, 47], [47, 450, 403])


def test_a_pool_that_has_five_rows_needs_no_company():
    assert two_sample([5, 50, 45], [20, 500, 380]) == pearson([5, 50, 45], [20, 500, 380])
    assert two_sample([4, 50, 46], [21, 500, 379]) == pearson([50, 50], [500, 400])


def test_the_smaller_sample_says_what_is_rare():
    for table in ([5, 50, 45], [20, 500, 380]), ([4, 50, 46], [21, 500, 379]), ([2, 38, 60], [10, 390, 600]):
        np.testing.assert_allclose(two_sample(*table), two_sample(*table[::-1]))


def test_of_samples_of_one_size_the_current_one_says_what_is_rare():
    assert two_sample([6, 50, 44], [0, 50, 50]) == pearson([6, 50, 44], [0, 50, 50])


def test_one_row_is_a_category():
    assert two_sample([1, 20], [0, 30]) == pearson([1, 20], [0, 30])


def windows_of(counts, missing=None, smallest=200.0, overlap=1.0):
    nothing = np.zeros(len(counts))
    counts = np.asarray(counts, float)
    missing = nothing if missing is None else np.asarray(missing, float)
    return FeatureWindows(counts, missing, nothing, np.zeros(0), counts.sum(0), overlap, smallest)


TYPICAL = windows_of(np.tile([1_700, 240, 30, 20, 10], (40, 1)))
"""Of 2 000 rows: three are pooled for windows of 200, none for those of 1 000 or more."""


def test_of_typical_windows_fewer_categories_are_pooled():
    assert CHI_SQUARE.fit(TYPICAL).arrays["group"].tolist() == [2, 0, 1, 2, 2, 2]
    typical = OF_TYPICAL_WINDOWS.fit(TYPICAL).arrays
    assert typical["smallest"].tolist() == [1_000]
    assert typical["group"].tolist() == [5, 0, 1, 2, 3, 4]
    assert "smallest" not in CHI_SQUARE.fit(TYPICAL).arrays
    sizes = np.tile([500, 2_000], 20)[:, None]
    mixed = OF_TYPICAL_WINDOWS.fit(windows_of(sizes * np.array([0.8, 0.1, 0.1])))
    assert mixed.arrays["smallest"].tolist() == [400]  # half of the harmonic mean


def compare(values, windows=TYPICAL):
    counts = windows.counts.astype(int)
    null = BlockNull.stack([fit_categorical(counts, np.zeros(len(counts), int), smallest=windows.smallest)])
    base = CategoricalCounts(counts.sum(0)[None], np.zeros(1, int))
    live = CategoricalCounts(np.array([values]), np.zeros(1, int))
    return compare_categorical(live, CategoricalReference(base), null)


def test_in_a_typical_window_a_swap_of_rare_categories_is_seen_by_the_finer_one():
    found = compare([1_700, 240, 10, 10, 40])
    assert found.chi2_p[0] == found.chi2_typical_p[0] < 1e-3
    other = compare([170, 24, 1, 1, 4])
    assert np.isnan(other.chi2_typical_p[0])
    assert other.chi2_p[0] > 0.05
    at = compare([850, 120, 15, 10, 5])
    assert at.chi2_p[0] == at.chi2_typical_p[0] > 0.5
    assert np.isnan(compare([849, 120, 15, 10, 5]).chi2_typical_p[0])


def test_only_one_of_the_two_is_reported():
    assert OF_TYPICAL_WINDOWS.values(None) == {}
    assert compare([1_700, 240, 30, 20, 10]).chi2[0] == 0


@pytest.mark.parametrize(("live", "base", "expected"), [([0, 1], [1, 0], 4.0), ([1, 3], [6, 2], 1.0)])
def test_the_quadratic_form_is_of_shares(live, base, expected):
    live, base = (CategoricalCounts(np.array([each]), np.zeros(1, int)) for each in (live, base))
    pair = SimpleNamespace(when=None, current=live, reference=CategoricalReference(base))
    arrays = {"group": np.array([[2, 0, 1]], np.int16), "scale": np.full((1, 3), 0.5, np.float32)}
    assert CHI_SQUARE.squared(pair, arrays).tolist() == [expected]


def test_a_window_of_one_row_is_a_window():
    alike = np.tile([300, 100, 60, 40, 0], (40, 1))
    assert CHI_SQUARE.fit(windows_of(alike)).arrays["group"].tolist() == [4, 0, 1, 2, 3, 4]
    # one row of a new category is as far from the others as a cluster of hundreds of rows
    odd = np.vstack([alike, [0, 0, 0, 0, 1]])
    assert CHI_SQUARE.fit(windows_of(odd)).arrays["group"].tolist() == [2, 0, 1, 2, 2, 2]
    small = CHI_SQUARE.fit(windows_of(np.vstack([100 * alike, [1, 0, 0, 0, 0]]), smallest=0.01))
    assert small.arrays["group"].tolist() == [2, 0, 1, 2, 2, 2]  # nothing expects five rows in one of one


@pytest.mark.parametrize(("cluster", "group"), [(12, [3, 0, 1, 2]), (18, [2, 0, 1, 2])])
def test_a_group_expects_a_cluster_of_rows(cluster, group):
    """Ten rows of the third category; missing, of which there are none, counts as a group."""
    rng = np.random.default_rng(0)
    counts = cluster * rng.multinomial(720 // cluster, [0.6, 0.35, 0.05], 500)
    assert CHI_SQUARE.fit(windows_of(counts)).arrays["group"].tolist() == group


def test_categories_are_pooled_for_the_smallest_window_with_rows():
    large = np.tile([6_000, 1_740, 140, 120], (40, 1))  # 120 expect 7.5 rows in a sixteenth, 3 in 200
    expected = CHI_SQUARE.fit(windows_of(large)).arrays["group"].tolist()
    assert expected == [4, 0, 1, 2, 3]
    gap = CHI_SQUARE.fit(windows_of(np.insert(large, 5, 0, axis=0)))
    assert gap.arrays["group"].tolist() == expected
