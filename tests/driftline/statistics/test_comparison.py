"""Which of a feature's two tests decides, and what its p-value is trusted by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
    comparison,
    fit_categorical,
    fit_numeric,
)

RNG = np.random.default_rng(5)
WINDOWS = RNG.multinomial(1_000, [0.1, 0.2, 0.4, 0.2, 0.1], 60)
MISSING = RNG.binomial(1_000, 0.05, 60)
NONE = np.zeros(60, dtype=np.int64)
GAP = np.ones(4)
USUAL = np.array([100, 200, 400, 200, 100])
MOVED = np.array([250, 250, 250, 150, 100])
GONE = np.zeros(5, dtype=np.int64)


def limited(null, *names, **limits):
    """A null of which some statistics have other windows or rows."""
    places = [null.statistics.index(name) for name in names]
    changed = {}
    for key, value in limits.items():
        changed[key] = getattr(null, key).copy()
        changed[key][:, places] = value
    return replace(null, **changed)


def numeric(values, missing, null=None, nonfinite=0):
    base = NumericCounts(WINDOWS.sum(0)[None], MISSING.sum()[None], np.zeros(1, np.int64))
    window = NumericCounts(np.array([values]), np.array([missing]), np.array([nonfinite]))
    return compare_numeric(window, NumericReference(base, GAP[None], np.ones(1), np.ones(1)), null)


def categorical(values, missing, null=None):
    base = CategoricalCounts(WINDOWS.sum(0)[None], MISSING.sum()[None])
    window = CategoricalCounts(np.array([values]), np.array([missing]))
    return compare_categorical(window, CategoricalReference(base), null)


@pytest.fixture(scope="module")
def of_numbers():
    return BlockNull.stack([fit_numeric(WINDOWS, MISSING, NONE, GAP)])


@pytest.fixture(scope="module")
def of_categories():
    return BlockNull.stack([fit_categorical(WINDOWS, MISSING)])


@pytest.mark.parametrize(
    ("values", "missing", "nonfinite", "decides"),
    [
        pytest.param(MOVED, 50, 0, "ks", id="values move"),
        pytest.param(USUAL, 500, 0, "missing", id="values go missing"),
        pytest.param(USUAL, 50, 500, "missing", id="values are no numbers"),
        pytest.param(MOVED, 60, 0, "ks", id="values move more"),
        pytest.param(GONE, 1_000, 0, "missing", id="no values"),
    ],
)
def test_a_number_is_trusted_and_bounded_by_the_test_that_decides(
    of_numbers, values, missing, nonfinite, decides
):
    other = {"ks": "missing", "missing": "ks"}[decides]
    many = limited(of_numbers, other, windows=9)
    assert numeric(values, missing, many, nonfinite).trusted.tolist() == [True]
    few = limited(of_numbers, decides, windows=9)
    assert numeric(values, missing, few, nonfinite).trusted.tolist() == [False]
    bound = limited(limited(of_numbers, decides, n_max=1), other, n_min=0, n_max=1e9)
    assert numeric(values, missing, bound, nonfinite).extrapolated.tolist() == [True]
    free = limited(limited(of_numbers, other, n_max=1), decides, n_min=0, n_max=1e9)
    assert numeric(values, missing, free, nonfinite).extrapolated.tolist() == [False]


def test_of_equal_p_values_the_first_one_of_the_values_decides(of_numbers):
    alike = of_numbers
    for name, most in (("smooth", 1), ("ks", 1e9), ("missing", 1e9)):
        alike = limited(limited(alike, name, windows=2), name, n_max=most)
    found = numeric(USUAL, 50, alike)
    assert found.smooth_p.tolist() == found.ks_p.tolist() == found.missing_p.tolist() == [1.0]
    assert found.extrapolated.tolist() == [True]


@pytest.mark.parametrize(("values", "missing"), [(MOVED, 50), (USUAL, 500)])
def test_a_category_is_trusted_by_chi_square_which_counts_missing_too(of_categories, values, missing):
    chi2 = "chi2", "chi2_typical"
    rare = limited(limited(of_categories, "missing", windows=9, n_max=1), *chi2, n_min=0, n_max=1e9)
    found = categorical(values, missing, rare)
    assert (found.trusted.tolist(), found.extrapolated.tolist()) == ([True], [False])
    rare = limited(limited(of_categories, *chi2, windows=9, n_max=1), "missing", n_min=0, n_max=1e9)
    found = categorical(values, missing, rare)
    assert (found.trusted.tolist(), found.extrapolated.tolist()) == ([False], [True])


@pytest.mark.parametrize(
    ("compare", "weights"),
    [
        # without means the fourth says nothing, and without rows beyond the range nor does the fifth
        pytest.param(
            numeric, {"smooth_p": 3, "ks_p": 3, "missing_p": 3, "moments_p": 0, "range_p": 1}, id="numeric"
        ),
        pytest.param(categorical, {"chi2_p": 2, "missing_p": 2}, id="categorical"),
    ],
)
def test_the_deciding_tests_are_combined(of_numbers, of_categories, compare, weights):
    null = of_numbers if compare is numeric else of_categories
    found = compare(np.add(USUAL, [20, -20, 0, 30, -30]), 40, null)
    each = np.array([getattr(found, name)[0] for name in weights])
    assert len({str(p) for p in each}) == len(each)
    variables = stats.cauchy.isf(np.minimum(np.nan_to_num(each), 0.9))
    variables = np.where(np.isnan(each), 0.0, variables)
    combined = np.average(variables, weights=list(weights.values()))
    assert found.p_value[0] == pytest.approx(stats.cauchy.sf(combined))


@pytest.mark.parametrize("compare", [numeric, categorical])
def test_without_a_null_nothing_is_significant_or_trusted(compare):
    found = compare(MOVED, 500)
    assert found.p_value.tolist() == [1.0]
    assert found.missing_p.tolist() == [1.0]
    assert (found.trusted.tolist(), found.extrapolated.tolist()) == ([False], [False])
    assert found.p_iid[0] < 1e-6
    empty = compare(GONE, 0)
    for p in (empty.p_value, empty.p_iid, empty.missing_p):
        assert np.isnan(p[0])


def test_values_that_are_no_numbers_count_as_missing(of_numbers):
    a, b = numeric(USUAL, 40, of_numbers, nonfinite=30), numeric(USUAL, 70, of_numbers)
    assert a.missing_p[0] == b.missing_p[0] < 0.5
    assert a.psi[0] > b.psi[0]  # PSI tells them apart


def test_p_iid_of_the_values_is_that_of_the_present_ones():
    few, many = numeric(MOVED, 10), numeric(10 * MOVED, 100)
    assert many.p_iid[0] < few.p_iid[0] < 0.01
    assert 0 < numeric(GONE, 50).p_iid[0] < 1e-6  # the missing rate alone


def results(p, trusted, extrapolated):
    p = {name: np.array(values, float) for name, values in p.items()}
    return comparison.Tested(
        p, *({name: np.array(v, bool) for name, v in each.items()} for each in (trusted, extrapolated))
    )


def test_another_test_is_taken_for_one_where_it_has_a_p_value():
    nan = float("nan")
    both = results(
        {"a": [0.1, 0.2, nan, nan], "b": [0.5, nan, 0.6, nan]},
        {"a": [1, 0, 1, 0], "b": [0, 0, 0, 1]},
        {"a": [0, 1, 0, 1], "b": [1, 0, 1, 0]},
    )
    found = both.first("a", of="b")
    np.testing.assert_array_equal(found.p["a"], [0.5, 0.2, 0.6, nan])
    assert found.trusted["a"].tolist() == [False, False, False, False]
    assert found.extrapolated["a"].tolist() == [True, True, True, True]
    np.testing.assert_array_equal(found.p["b"], both.p["b"])
    assert found.trusted["b"] is both.trusted["b"]


def test_a_null_without_the_other_test_leaves_the_first_as_it_is():
    only = results({"a": [0.1], "b": [float("nan")]}, {"a": [1]}, {"a": [0]})
    assert only.first("a", of="b") is only


def test_the_one_that_is_asked_first_must_have_no_say_where_it_is_undefined(of_categories):
    """Below half of a typical window chi-square is the one for all sizes."""
    few = categorical(USUAL // 4, 12, limited(of_categories, "chi2", windows=9))
    assert np.isnan(few.chi2_typical_p[0])
    assert few.trusted.tolist() == [False] or few.missing_p[0] < few.chi2_p[0]


def test_a_column_that_is_not_there_is_named():
    found = numeric(USUAL, 50)
    assert found.ks is found.columns["ks"]
    with pytest.raises(AttributeError, match=r"has no 'mine'; it has .*'ks'"):
        found.mine  # noqa: B018


def test_a_test_without_a_null_is_not_the_one_that_is_trusted():
    nan = float("nan")
    found = results({"a": [0.5, nan], "b": [nan, nan]}, {"a": [1, 1]}, {"a": [1, 1]}).combined(
        {}, by={"b": 1.0, "a": 1.0}, idle={}, p_iid=np.zeros(2)
    )
    np.testing.assert_array_equal(found.p_value, [0.5, nan])
    assert found.trusted.tolist() == found.extrapolated.tolist() == [True, False]


def test_a_test_that_has_nothing_to_say_takes_no_weight():
    found = results({"a": [0.01, 0.01], "b": [1.0, 1.0]}, {"a": [1, 1], "b": [0, 0]}, {}).combined(
        {}, by={"b": 1.0, "a": 1.0}, idle={"b": np.array([True, False])}, p_iid=np.zeros(2)
    )
    assert found.p_value[0] == pytest.approx(0.01)
    assert found.p_value[1] > 0.02
    assert found.columns["b_p"].tolist() == [1.0, 1.0]
    assert found.trusted.tolist() == [True, True]
