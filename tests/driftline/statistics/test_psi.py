import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import NumericCounts, NumericReference
from driftline.statistics import psi as m
from driftline.statistics.numeric_comparison import NumericPair


def test_psi_is_the_textbook_sum_with_half_a_row_more():
    current, reference = np.array([12, 0, 88]), np.array([500, 300, 200])
    p, q = (current + 0.5) / 101.5, (reference + 0.5) / 1001.5
    assert m.psi(current, reference) == pytest.approx(np.sum((p - q) * np.log(p / q)))


def test_bins_empty_on_both_sides_change_nothing():
    assert m.psi([5, 9, 0, 0], [100, 60, 0, 0]) == m.psi([5, 9], [100, 60])


def test_an_all_missing_window_is_far_away():
    assert m.psi([0, 0, 0, 300], [100, 100, 100, 0]) > 5


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=9))
def test_psi_is_symmetric_and_not_negative(bins):
    a, b = np.array(bins).T
    forth, back = m.psi(a, b), m.psi(b, a)
    if a.sum() and b.sum():
        assert forth >= -1e-12
        assert forth == pytest.approx(back)
    else:
        assert np.isnan(forth)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=80))
def test_deciles_are_sums_of_neighbouring_bins(counts):
    counts = np.array(counts)
    ends = m.decile_ends(counts)
    deciles = m.sum_deciles(counts[None].astype(float), ends[None])[0]
    assert deciles.sum() == counts.sum()
    assert np.all(np.diff(ends) >= 0)
    expected = [counts[a + 1 : b + 1].sum() for a, b in zip(np.r_[-1, ends[:-1]], ends, strict=True)]
    assert deciles.tolist() == expected


def test_deciles_of_equal_bins_are_tenths():
    deciles = m.sum_deciles(np.full((1, 60), 7.0), m.decile_ends(np.full((1, 60), 7)))
    assert deciles.tolist() == [[42.0] * 10]


def test_iid_p_value_is_uniform_for_independent_rows():
    rng = np.random.default_rng(0)
    reference, live = rng.multinomial(20_000, [0.1] * 10, 4_000), rng.multinomial(3_000, [0.1] * 10, 4_000)
    p = m.iid_p_value(m.psi(live, reference), 3_000, 20_000, 10)
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.011)
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.03)


def test_one_bin_cannot_drift():
    assert m.iid_p_value(0.0, 10, 10, 1) == 1


def test_of_one_row_the_middle_is_in_the_sixth_decile():
    assert m.decile_ends([0, 1, 0]).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_bins_behind_the_last_row_are_in_the_last_decile():
    assert m.decile_ends([9, 1, 0, 0])[-2:].tolist() == [0, 3]
    assert m.decile_ends([0, 0]).tolist() == [1] * 10


def test_a_bin_of_one_row_counts():
    p, q = np.array([1.5, 9.5]) / 11, np.array([0.5, 9.5]) / 10
    assert m.psi([1, 9], [0, 9]) == pytest.approx(np.sum((p - q) * np.log(p / q)))


def test_two_bins_have_one_degree_of_freedom():
    assert m.iid_p_value(0.5, 10, 40, 2) == pytest.approx(stats.chi2.sf(0.5 / (1 / 10 + 1 / 40), 1))
    assert m.iid_p_value(0.5, 10, 40, 3) == pytest.approx(stats.chi2.sf(0.5 / (1 / 10 + 1 / 40), 2))


def test_deciles_of_many_features_are_those_of_each():
    counts = np.random.default_rng(0).integers(0, 9, (3, 7))
    assert m.decile_ends(counts).tolist() == [m.decile_ends(each).tolist() for each in counts]


@pytest.mark.parametrize(
    ("live", "base", "expected"),
    [
        ([0, 1], [1, 0], 4.0),  # one row is enough
        ([1, 3], [6, 2], 1.0),
    ],
)
def test_the_quadratic_form_is_of_shares(live, base, expected):
    live, base = (NumericCounts(np.array([each]), *np.zeros((2, 1), np.int64)) for each in (live, base))
    one = np.ones(1)
    pair = NumericPair(live, NumericReference(base, np.ones((1, 1)), one, one))
    arrays = {"ends": np.array([[0] * 9 + [1]], np.int16), "scale": np.full((1, 12), 0.5, np.float32)}
    assert m.PSI.squared(pair, arrays).tolist() == [expected]


def test_deciles_of_many_windows_are_those_of_each():
    counts = np.random.default_rng(0).integers(0, 9, (2, 3, 7)).astype(float)
    ends = m.decile_ends(counts.sum(0))
    each = [[m.sum_deciles(counts[w, f], ends[f]).tolist() for f in range(3)] for w in range(2)]
    assert m.sum_deciles(counts, ends).tolist() == each
    assert m.sum_deciles(counts[:, 1], ends[1]).tolist() == [each[0][1], each[1][1]]
