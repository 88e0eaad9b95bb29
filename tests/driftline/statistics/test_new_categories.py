"""Rows of categories that the reference lacks: how many of them chance explains."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from driftline.statistics import BlockNull, CategoricalCounts
from driftline.statistics.new_categories import NEW_CATEGORIES
from driftline.statistics.statistic import FeatureWindows

ALIKE = np.tile([250.0, 150.0, 100.0, 0.0], (40, 1))
"""Windows that do not differ: 20 000 rows."""


def fitted(counts, rare=0, overlap=1.0):
    nothing = np.zeros(len(counts))
    counts = np.asarray(counts, float)
    return NEW_CATEGORIES.fit(
        FeatureWindows(counts, nothing, nothing, nothing, counts.sum(0), overlap, 200, rare_categories=rare)
    )


def p_of(null, new, n=500):
    new = np.asarray(new, float)
    rows = np.broadcast_to(np.asarray(n, float), new.shape)
    block = BlockNull.stack([{"new": null}] * len(new))
    pair = SimpleNamespace(when=None, current=SimpleNamespace(new=new), some=rows > 0)
    return block.p_values(NEW_CATEGORIES.squared(pair, block.arrays["new"])[:, None], rows[:, None])[:, 0]


@pytest.mark.parametrize("rare", [0, 1, 7, 300])
@pytest.mark.parametrize("n", [100, 500, 1_000])
def test_so_many_rows_have_the_chance_of_a_negative_binomial_distribution(rare, n):
    law = stats.nbinom(rare + 1, 20_000 / (20_000 + n))
    new = np.unique(law.isf([0.5, 0.1, 0.01, 1e-4, 1e-6]) + 1)
    expected = law.sf(new - 1)
    found = p_of(fitted(ALIKE, rare), new, n)
    likely = expected < 0.85
    np.testing.assert_allclose(found[likely], expected[likely], rtol=0.12)
    assert p_of(fitted(ALIKE, rare), [0], n).tolist() == [1.0]


def test_of_a_closed_vocabulary_it_is_that_of_exceedances():
    np.testing.assert_allclose(p_of(fitted(ALIKE), [1, 2, 3]), (500 / 20_500) ** np.arange(1, 4), rtol=0.05)


def test_overlapping_windows_hold_fewer_rows():
    np.testing.assert_allclose(
        p_of(fitted(ALIKE, overlap=4.0), [1, 2]), (500 / 5_500) ** np.arange(1, 3), 0.05
    )
    np.testing.assert_allclose(
        p_of(fitted(ALIKE, overlap=0.5), [1, 2]), (500 / 20_500) ** np.arange(1, 3), 0.05
    )


def test_rows_that_come_in_tens_count_as_one():
    rng = np.random.default_rng(0)
    share = [0.5, 0.3, 0.15, 0.05]
    clustered = fitted(10 * rng.multinomial(50, share, 400), 40)
    effect = float(clustered.arrays["effect"][0])
    assert effect == pytest.approx(10, rel=0.15)
    law = stats.nbinom(40 + 1, 400 * 500 / (400 * 500 + 500))
    np.testing.assert_allclose(p_of(clustered, [effect, 2 * effect]), law.sf([0, 1]), rtol=0.1)
    assert fitted(rng.multinomial(500, share, 400)).arrays["effect"][0] == pytest.approx(1, abs=0.1)
    assert fitted(ALIKE).arrays["effect"].tolist() == [1.0]


def test_rare_categories_are_pooled_before_their_clusters_are_looked_for():
    """Every window has four rows of a category of its own: the pool of them does not vary."""
    counts = np.column_stack([np.full((40, 3), 200), 4 * np.eye(40, dtype=int)])
    assert fitted(counts).arrays["effect"].tolist() == [1.0]


def test_sizes_are_those_of_a_typical_window():
    counts = ALIKE[:, :3] * np.tile([0.2, 1.8], 20)[:, None]
    null = fitted(counts)
    assert null.table.typical_n == pytest.approx(1 / np.mean(1 / counts.sum(1)))
    assert (null.table.n_min, null.table.n_max) == (100, 900)
    np.testing.assert_allclose(p_of(null, [1, 1], [100, 900]), [100 / 20_100, 900 / 20_900], rtol=0.1)


def test_windows_without_values_are_ignored():
    counts = np.vstack([ALIKE[:20], [1, 0, 0, 0]])
    plain, gaps = fitted(counts), fitted(np.insert(counts, 3, 0, axis=0))
    np.testing.assert_array_equal(plain.table.quantiles, gaps.table.quantiles)
    assert plain.table.n_min == 1


@pytest.mark.parametrize(("windows", "overlap", "known"), [(2, 1.0, False), (3, 1.0, True), (3, 2.0, False)])
def test_two_windows_are_too_few(windows, overlap, known):
    null = fitted(ALIKE[:windows], overlap=overlap)
    assert null.arrays["effect"].tolist() == [1.0]
    p = p_of(null, [400])[0]
    assert (p < 1e-6) == known
    assert known or p == 1


def test_it_is_of_rows_with_a_category_where_the_known_ones_are_known():
    categories, missing = np.array([[3, 2], [0, 0], [1, 1], [0, 1]]), np.array([4, 5, 0, 0])
    some = np.array([True, True, False, True])
    for new, defined in ((None, [False] * 4), (np.array([0.0, 0, 0, 1]), [True, False, False, True])):
        pair = SimpleNamespace(when=None, current=CategoricalCounts(categories, missing, new), some=some)
        n, found = NEW_CATEGORIES.rows(pair)
        assert (n.tolist(), found.tolist()) == ([5, 0, 2, 1], defined)
    unknown = CategoricalCounts(categories, missing, np.array([0.0, 0, 0, np.nan]))
    pair = SimpleNamespace(when=None, current=unknown, some=some)
    assert NEW_CATEGORIES.rows(pair)[1].tolist() == [True, False, False, False]
    nothing = SimpleNamespace(when=None, current=CategoricalCounts(categories, missing), some=some)
    assert np.isnan(NEW_CATEGORIES.squared(nothing, {})).tolist() == [True] * 4
