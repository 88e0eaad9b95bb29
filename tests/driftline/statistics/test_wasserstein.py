from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.measures.numeric.numeric_measure import NUMERIC, _counts
from driftline.profiles.bins import NumericSurvey
from driftline.profiles.layout import Block
from driftline.profiles.numeric import NumericProfile
from driftline.statistics import wasserstein
from driftline.statistics.numeric_comparison import compare_numeric

bins = st.tuples(st.floats(0.01, 100), st.integers(0, 50), st.integers(0, 50))


@given(st.lists(bins, min_size=2, max_size=9).filter(lambda b: all(np.array(b)[:, 1:].sum(0) > 0)))
def test_distance_is_scipys_between_bin_centres(table):
    width, a, b = np.array(table).T
    centres = width.cumsum()
    expected = stats.wasserstein_distance(centres, centres, a, b)
    difference = a / a.sum() - b / b.sum()
    assert wasserstein.distance(difference, np.diff(centres)) == pytest.approx(expected, abs=1e-9)


def test_units_are_iqr_then_sd_then_nothing():
    value = np.array([2.0, 2.0, 0.0, 1.0])
    in_units = wasserstein.in_reference_units(value, np.array([4.0, 0, 0, 0]), np.array([9.0, 8, 0, np.nan]))
    assert in_units[:2].tolist() == [0.5, 0.25]
    assert np.isnan(in_units[2:]).all()


def test_iid_p_value_decides_as_a_permutation_test_does():
    rng = np.random.default_rng(0)
    law = np.full(8, 1 / 8)
    gap = np.full(7, 1.0)
    reference = rng.multinomial(400, law)
    for shift in (0.0, 0.02):
        live = rng.multinomial(300, law + shift * np.linspace(-1, 1, 8))
        value = wasserstein.distance(live / 300 - reference / 400, gap)
        pooled = (live + reference) / 700
        p = wasserstein.iid_p_value(np.array([value]), pooled, gap, 300, 400)[0]
        permuted = rng.multivariate_hypergeometric(live + reference, 300, size=4_000)
        distances = wasserstein.distance(permuted / 300 - (live + reference - permuted) / 400, gap)
        assert p == pytest.approx(np.mean(distances >= value), abs=0.03)


def test_a_unit_is_any_positive_number_and_no_infinite_one():
    in_units = wasserstein.in_reference_units(
        np.ones(3), np.array([0.5, 0, np.inf]), np.array([9.0, 0.25, 1])
    )
    assert in_units[:2].tolist() == [2.0, 4.0]
    assert np.isnan(in_units[2])


def test_iid_p_value_counts_the_draws_that_are_as_far():
    law, gap = np.full(4, 0.25), np.ones(3)
    assert wasserstein.iid_p_value(np.array([0.0, 99.0]), law, gap, 10, 10).tolist() == [1.0, 1 / 20_001]
    some = wasserstein.iid_p_value(np.array([0.5]), law, gap, 10, 10)
    assert some == wasserstein.iid_p_value(np.array([0.5]), law, gap, 10, 10, draws=20_000, seed=0)
    # only n m / (n + m) counts
    assert some == wasserstein.iid_p_value(np.array([0.5]), law, gap, 6, 30)


def test_one_row_lies_beyond_every_edge_that_windows_rarely_pass():
    rows, gap, unseen = np.array([5.0, 10.0]), np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.25])
    beyond = wasserstein.WASSERSTEIN.one_row(rows, gap, unseen)
    assert beyond.tolist() == [1 / 5, 0.0]
    assert wasserstein.WASSERSTEIN.one_row(rows, gap, unseen / 2).tolist() == [7 / 5, 1 / 10]
    assert wasserstein.WASSERSTEIN.one_row(rows, gap[:0], unseen[:0]).tolist() == [0.0, 0.0]


CHANGES = {
    "scaled": lambda x, _: x * 1.3,
    "doubled": lambda x, _: x * 2,
    "shifted": lambda x, _: x + 0.5,
    "clipped": lambda x, _: np.minimum(x, np.quantile(x, 0.9)),
    "a hundredfold": lambda x, rng: np.where(rng.random(len(x)) < 0.05, x * 100, x),
}
LAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal(2)": lambda rng, n: rng.lognormal(0, 2, n),
    "pareto(1.5)": lambda rng, n: rng.pareto(1.5, n) + 1,
    "t(2)": lambda rng, n: rng.standard_t(2, n),
    "outliers": lambda rng, n: np.append(rng.lognormal(size=n - 2), [1e6, -1e6]),
    "atoms": lambda rng, n: np.where(rng.random(n) < 0.4, 0.0, rng.lognormal(size=n)),
    "whole": lambda rng, n: rng.poisson(3, n).astype(float),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("law", LAWS)
def test_distance_is_scipys_on_skewed_values_too(law, change):
    rng = np.random.default_rng(7)
    reference = LAWS[law](rng, 200_000)
    live = CHANGES[change](LAWS[law](rng, 20_000), rng)
    features = NumericSurvey.of(reference[None]).features(["x"], [64])
    block = Block("numeric/0", "numeric", tuple(features))
    known, current = (NumericProfile.of(block, x[None], np.zeros(1, int)) for x in (reference, live))
    entry = SimpleNamespace(profile=known)
    found = compare_numeric(_counts(current), NUMERIC.reference(block, entry)).wasserstein[0]
    assert found == pytest.approx(stats.wasserstein_distance(reference, live), rel=0.03)


def test_distance_of_a_baseline_without_offsets_is_that_of_centres():
    rng = np.random.default_rng(1)
    values = rng.normal(size=50_000)
    block = Block("numeric/0", "numeric", tuple(NumericSurvey.of(values[None]).features(["x"], [64])))
    known = NumericProfile.of(block, values[None], np.zeros(1, int)).only_counts()
    current = NumericProfile.of(block, values[None] + 0.25, np.zeros(1, int))
    known = replace(known, digest=current.digest)
    reference = NUMERIC.reference(block, SimpleNamespace(profile=known))
    found = compare_numeric(_counts(current), reference).wasserstein[0]
    assert found == pytest.approx(0.25, rel=0.05)
