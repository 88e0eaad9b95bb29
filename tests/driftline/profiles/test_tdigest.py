import numpy as np
import pytest
import tdigest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profiles.tdigest import CENTROIDS, TDigest

RANKS = np.linspace(0.0005, 0.9995, 1999)

STREAMS = {
    "normal": (lambda r, n: r.normal(size=n), 0.0009),
    "lognormal": (lambda r, n: r.lognormal(size=n), 0.0009),
    "zero-inflated": (lambda r, n: np.where(r.random(n) < 0.5, 0, r.lognormal(size=n)), 0.0009),
    "nearly all zero": (lambda r, n: np.where(r.random(n) < 0.95, 0, r.normal(size=n)), 0.0009),
    "heavy-tailed": (lambda r, n: r.standard_cauchy(n), 0.001),
    "few integers": (lambda r, n: r.poisson(20, n).astype(float), 0),
    "offset": (lambda r, n: r.normal(1e9, 1, n), 0.0009),
}


def rank_error(values, q, estimates):
    """How far the requested rank is outside of the ranks that the estimate has in the data."""
    ordered = np.sort(values)
    low = np.searchsorted(ordered, estimates, "left") / len(ordered)
    high = np.searchsorted(ordered, estimates, "right") / len(ordered)
    return np.maximum(0, np.maximum(low - q, q - high)).max()


def quantiles(digest, q, values):
    return digest.quantiles(q, np.array([values.min()]), np.array([values.max()]))[0]


@pytest.mark.parametrize("shape", ["one after the other", "at once", "tree"])
@pytest.mark.parametrize("name", STREAMS)
def test_rank_error_after_30_merges(name, shape):
    draw, tolerance = STREAMS[name]
    r = np.random.default_rng(7)
    parts = [draw(r, 3000) for _ in range(31)]
    digests = [TDigest.of(part[None]) for part in parts]
    if shape == "at once":
        digest = TDigest.merge_all(digests)
    elif shape == "tree":
        digest = TDigest.merge_all([TDigest.merge_all(digests[i : i + 6]) for i in range(0, 31, 6)])
    else:
        digest = digests[0]
        for other in digests[1:]:
            digest = TDigest.merge_all([digest, other])
    values = np.concatenate(parts)
    # the grain of the data itself: one value of a part is 1 / 93,000 of the ranks
    assert rank_error(values, RANKS, quantiles(digest, RANKS, values)) <= tolerance + 2e-5
    assert digest.weights.sum() == len(values)
    assert digest.centroids.shape[1] <= CENTROIDS


def test_agrees_with_the_tdigest_package():
    values = np.random.default_rng(3).lognormal(size=5000)
    theirs = tdigest.TDigest()
    theirs.batch_update(values)
    q = np.linspace(0.01, 0.99, 99)
    ours = quantiles(TDigest.of(values[None]), q, values)
    expected = np.array([theirs.percentile(100 * p) for p in q])
    assert rank_error(values, q, ours) <= 0.002
    ranks = [np.searchsorted(np.sort(values), x) / len(values) for x in (ours, expected)]
    np.testing.assert_allclose(*ranks, atol=0.004)


@settings(max_examples=150)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=99),
    st.lists(st.integers(0, 99), max_size=4),
)
def test_under_100_values_are_the_values(values, cuts):
    values = np.array(values) + 0.0
    parts = [p for p in np.split(values, sorted(min(c, len(values)) for c in cuts)) if len(p)]
    digest = TDigest.merge_all([TDigest.of(part[None]) for part in parts])
    real = digest.weights[0] > 0
    assert digest.centroids[0][real].tolist() == sorted(values.tolist())
    assert (digest.weights[0][real] == 1).all()
    assert digest.pure[0][real].all()


def test_few_values_have_the_quantiles_of_numpy():
    values = np.random.default_rng(1).normal(size=60)
    q = np.linspace(0, 1, 41)
    np.testing.assert_allclose(
        quantiles(TDigest.of(values[None]), q, values), np.quantile(values, q), rtol=1e-12
    )


def test_up_to_100_distinct_values_lose_nothing():
    r = np.random.default_rng(5)
    parts = [r.integers(0, 100, 4000) / 7 for _ in range(9)]
    digest = TDigest.merge_all([TDigest.of(part[None]) for part in parts])
    values, counts = np.unique(np.concatenate(parts), return_counts=True)
    assert digest.centroids[0].tolist() == values.tolist()
    assert digest.weights[0].tolist() == counts.tolist()
    assert digest.pure.all()


def test_an_atom_keeps_its_value_and_rank():
    r = np.random.default_rng(6)
    parts = [np.where(r.random(2000) < 0.3, 0.1, r.normal(size=2000)) for _ in range(8)]
    digest = TDigest.merge_all([TDigest.of(part[None]) for part in parts])
    values = np.concatenate(parts)
    at = digest.centroids[0] == 0.1
    assert at.sum() == 1
    assert digest.pure[0][at].all()
    assert digest.weights[0][at] == (values == 0.1).sum()


def test_a_pure_cluster_is_its_value_to_the_last_bit():
    sizes = np.diff(np.floor((1 - np.cos(np.pi * np.arange(101) / 100)) / 2 * 6000).astype(int))
    values = np.repeat(np.arange(1, 101) * 0.1, sizes)  # every run fills one cluster
    digest = TDigest.of(values[None])
    assert digest.pure.all()
    assert digest.centroids[0].tolist() == np.unique(values).tolist()


def test_features_do_not_touch():
    r = np.random.default_rng(8)
    rows = np.vstack([r.normal(size=500), np.full(500, np.nan), r.integers(0, 3, 500), np.full(500, np.inf)])
    rows[0, ::3], rows[0, 1], rows[2, 0] = np.nan, -np.inf, np.inf
    rows.sort(axis=1)
    start, count = (rows == -np.inf).sum(1), np.isfinite(rows).sum(1)
    both = TDigest.of_sorted(rows, start, count)
    twice = TDigest.merge_all([both, both])
    for f, row in enumerate(rows):
        alone = TDigest.of(row[np.isfinite(row)][None])
        for digest, expected in ((both, alone), (twice, TDigest.merge_all([alone, alone]))):
            real = digest.weights[f] > 0
            np.testing.assert_allclose(digest.centroids[f][real], expected.centroids[0], rtol=1e-12)
            np.testing.assert_array_equal(digest.signed_weights[f][real], expected.signed_weights[0])
    assert np.isnan(both.quantiles([0.5], np.full(4, np.nan), np.full(4, np.nan))[1]).all()


@pytest.mark.parametrize("n", [50, 3000])
@pytest.mark.parametrize("scale", [1e308, 1e-310])
def test_extremes_stay_finite_and_sorted(n, scale):
    values = np.random.default_rng(n).uniform(-1.7, 1.7, (2, n)) * scale
    values[1] = np.abs(values[1])
    digest = TDigest.merge_all([TDigest.of(values)] * 3)
    real = digest.weights > 0
    assert np.isfinite(digest.centroids[real]).all()
    assert all((np.diff(row[used]) >= 0).all() for row, used in zip(digest.centroids, real, strict=True))
    q = np.linspace(0, 1, 101)
    estimates = digest.quantiles(q, values.min(1), values.max(1))
    for f in range(2):
        assert rank_error(values[f], q, estimates[f]) < 0.01 + 1 / n


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 40), st.integers(0, 9)), min_size=1, max_size=8)
)
def test_any_sizes_and_ties_merge_within_the_error(parts):
    drawn = []
    for n, distinct, seed in parts:
        r = np.random.default_rng(seed)
        drawn.append(np.where(r.random(n) < 0.5, r.integers(0, distinct, n), r.normal(size=n)))
    digest = TDigest.merge_all([TDigest.of(part[None]) for part in drawn])
    values = np.concatenate(drawn)
    estimates = quantiles(digest, RANKS, values)
    assert digest.weights.sum() == len(values)
    assert (np.diff(estimates) >= 0).all()
    assert rank_error(values, RANKS, estimates) <= 0.02 + 1 / len(values)
