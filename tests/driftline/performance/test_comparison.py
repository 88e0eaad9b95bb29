"""Differences to the reference, and `p_iid`, which takes outcomes for independent, against scipy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance import Loss, compare

from .drawing import ABSOLUTE, LOG, SQUARED, ZERO_ONE, outcomes, profile_of

samples = st.lists(st.integers(0, 20).map(lambda k: k / 7), min_size=2, max_size=30)


@given(samples, samples)
def test_of_mean_losses_it_is_welchs_test(a, b):
    found = compare(
        profile_of(ABSOLUTE, np.array(a), np.zeros(len(a))),
        profile_of(ABSOLUTE, np.array(b), np.zeros(len(b))),
    )
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b), abs=1e-12)
    if len(set(a)) == len(set(b)) == 1:
        assert found.p_iid == (1.0 if a[0] == b[0] else 0.0)
        return
    moments = [value for x in (a, b) for value in (np.mean(x), np.std(x, ddof=1), len(x))]
    exact = scipy.stats.ttest_ind_from_stats(*moments, equal_var=False).pvalue
    assert found.p_iid == pytest.approx(exact, abs=1e-9)


def test_of_errors_it_is_the_test_of_two_proportions():
    def errors(k, n):
        return profile_of(ZERO_ONE, np.zeros(n), np.repeat([1.0, 0.0], [k, n - k]))

    found = compare(errors(60, 300), errors(100, 1000))
    table = [[60, 240], [100, 900]]
    assert found.difference == pytest.approx(0.1)
    assert found.p_iid == pytest.approx(scipy.stats.chi2_contingency(table, correction=False).pvalue)
    rare = compare(errors(4, 40), errors(1, 400))
    assert rare.p_iid == pytest.approx(scipy.stats.fisher_exact([[4, 36], [1, 399]]).pvalue)
    assert compare(errors(0, 300), errors(0, 300))[:3:2] == (0.0, 1.0)


def test_p_iids_of_independent_outcomes_are_uniform():
    reference = profile_of(LOG, *outcomes(0, 20_000)[:2])
    p = [compare(profile_of(LOG, *outcomes(seed, 400)[:2]), reference).p_iid for seed in range(1, 301)]
    assert scipy.stats.kstest(p, "uniform").pvalue > 1e-3


def test_few_outcomes_have_no_p_iid():
    one, none = (profile_of(SQUARED, np.zeros(n), np.ones(n)) for n in (1, 0))
    assert compare(one, one).difference == 0
    assert np.isnan(compare(one, one).p_iid)
    assert np.isnan(compare(one, none)).all()
    assert np.isnan(compare(none, one)).all()


def test_huge_losses_do_not_overflow():
    a = profile_of(SQUARED, np.array([1e70, 0.0, 1e69]), np.zeros(3))
    b = profile_of(SQUARED, np.array([1.0, 2.0, 4.0]), np.zeros(3))
    assert 0 < compare(a, b).p_iid < 1
    tiny = profile_of(SQUARED, np.array([1e-170, 0.0]), np.zeros(2))
    assert compare(tiny, b).p_iid == pytest.approx(
        scipy.stats.ttest_ind([0.0, 0.0], [1.0, 4.0, 16.0], equal_var=False).pvalue
    )


def test_two_losses_do_not_compare():
    with pytest.raises(ValueError, match="build the baseline again with the loss and threshold"):
        compare(profile_of(ZERO_ONE, *outcomes(0, 9)[:2]), profile_of(Loss("log"), *outcomes(0, 9)[:2]))
