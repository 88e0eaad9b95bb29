import base64
import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profiles.binned_features import NumericFeature
from driftline.profiles.layout import Block
from driftline.profiles.numeric import NumericProfile

from .harness import merged, splits

VERSION_1 = (Path(__file__).parent / "data" / "numeric.1").read_text()
VALUES = np.array(
    [
        [1.5, -2.0, np.nan, 7.0, 0.1],
        [0.0, -0.0, 0.0, 5e-324, -5e-324],
        [np.inf, -np.inf, np.nan, np.nan, 1e308],
        [np.nan] * 5,
    ]
)
MISSING = np.array([1, 0, 1, 5])


def block_of(*edges):
    features = tuple(NumericFeature(f"f{i}", np.array(e, float)) for i, e in enumerate(edges))
    return Block("numeric/0", "numeric", features)


BLOCK = block_of([0.1, 7.0], [0.0, np.nextafter(0.0, 1.0)], [-1e308, 0.0, 1e308], [])


def naive_counts(values, edges):
    finite = values[np.isfinite(values)]
    bounds = [-np.inf, *edges, np.inf]
    return [int(((finite >= low) & (finite < high)).sum()) for low, high in itertools.pairwise(bounds)]


def assert_same(profile, block, values, missing, tolerance=1e-9):
    """Everything recomputed from the raw values."""
    assert profile.rows == values.shape[1]
    assert profile.missing.tolist() == missing.tolist()
    assert profile.nonfinite.tolist() == ((~np.isfinite(values)).sum(1) - missing).tolist()
    for f, (row, feature) in enumerate(zip(values, block.features, strict=True)):
        x = row[np.isfinite(row)]
        assert profile.counts[f, : feature.bins].tolist() == naive_counts(row, feature.edges)
        assert not profile.counts[f, feature.bins :].any()
        assert profile.n[f] == len(x) == profile.weights[f].sum()
        if not len(x):
            for array in (profile.minimum, profile.maximum, profile.mean, profile.variance, profile.skewness):
                assert np.isnan(array[f])
            continue
        assert (profile.minimum[f], profile.maximum[f]) == (x.min(), x.max())
        if np.abs(x).max() > 1e70:
            continue
        sd = x.std()
        assert abs(profile.mean[f] - x.mean()) <= tolerance * max(sd, abs(x.mean()))
        d = x.astype(np.longdouble) - x.astype(np.longdouble).mean()
        for k, sums in ((2, profile.m2), (3, profile.m3), (4, profile.m4)):
            assert sums[f] == pytest.approx(
                float((d**k).sum()), rel=tolerance, abs=tolerance * len(x) * sd**k
            )
        if len(x) < 100:
            assert profile.centroids[f][profile.weights[f] > 0].tolist() == sorted((x + 0.0).tolist())


def draw(r, n):
    values = np.vstack(
        [
            r.normal(1e9, 1, n),
            np.where(r.random(n) < 0.4, -0.0, r.lognormal(size=n)),
            r.poisson(4, n).astype(float),
            np.full(n, 0.1),
            np.full(n, np.nan),
            r.standard_t(2, n),
        ]
    )
    null = np.zeros(values.shape, dtype=bool)
    null[4] = True
    null[5] = r.random(n) < 0.1
    values[5, r.random(n) < 0.05] = np.inf
    values[5, r.random(n) < 0.05] = -np.inf
    values[2, r.random(n) < 0.03] = np.nan
    values[null] = np.nan
    return values, null


EDGES = (
    1e9 + np.linspace(-2, 2, 70),
    [0.0, np.nextafter(0.0, 1), 0.5, 1],
    np.arange(9),
    [0.1],
    [],
    [-1, 0, 1],
)


@pytest.mark.parametrize("n", [0, 1, 2, 60, 99, 100, 101, 3000])
def test_profile_of_rows(n):
    block = block_of(*EDGES)
    values, null = draw(np.random.default_rng(n), n)
    before = values.copy()
    profile = NumericProfile.of(block, values, null.sum(1))
    np.testing.assert_array_equal(values, before)
    assert_same(profile, block, values, null.sum(1))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_split_any_order_same_result(data):
    size = data.draw(st.sampled_from([0, 1, 40, 99, 150, 900]))
    split = data.draw(splits(size))
    block = block_of(*EDGES)
    values, null = draw(np.random.default_rng(data.draw(st.integers(0, 50))), size)
    if data.draw(st.booleans()):
        order = np.argsort(values[0])  # each part another part of the line
        values, null = values[:, order], null[:, order]

    def profile(rows):
        return NumericProfile.of(block, np.ascontiguousarray(values[:, rows]), null[:, rows].sum(1))

    result = merged(split, size, profile, NumericProfile.merge_all)
    assert_same(result, block, values, null.sum(1))
    q = np.linspace(0.01, 0.99, 49)
    for f, row in enumerate(values):
        x = np.sort(row[np.isfinite(row)])
        if not len(x):
            assert np.isnan(result.quantiles(q)[f]).all()
            continue
        estimates = result.quantiles(q)[f]
        low, high = (np.searchsorted(x, estimates, side) / len(x) for side in ("left", "right"))
        assert np.maximum(low - q, q - high).max() <= (1 / len(x) if len(x) < 100 else 0.015 + 1 / len(x))


def test_merges_many_at_once_and_in_levels():
    block = block_of(*EDGES)
    values, null = draw(np.random.default_rng(4), 1300)
    parts = [NumericProfile.of(block, values[:, [i]], null[:, [i]].sum(1)).to_bytes() for i in range(1300)]
    assert_same(NumericProfile.merge_all(parts), block, values, null.sum(1))


def test_merge_and_add_and_empty():
    block = block_of([0.0])
    empty = NumericProfile.empty(block)
    assert empty.rows == 0
    assert np.isnan(empty.missing_rate).all()
    assert np.isnan(empty.nonfinite_rate).all()
    one = empty.add(block, np.array([[1.0, -1.0]]), np.array([0]))
    two = one.merge(NumericProfile.of(block, np.array([[5.0, np.nan]]), np.array([1])))
    assert_same(two, block, np.array([[1.0, -1.0, 5.0, np.nan]]), np.array([1]))
    assert (two.missing_rate.tolist(), two.nonfinite_rate.tolist()) == ([0.25], [0.0])
    with pytest.raises(ValueError, match="at least one"):
        NumericProfile.merge_all([])


def test_statistics_agree_with_scipy_and_numpy():
    values = np.random.default_rng(0).gamma(2, size=(2, 90))
    profile = NumericProfile.of(block_of([1.0], [2.0]), values, np.zeros(2, int))
    np.testing.assert_allclose(profile.variance, values.var(1), rtol=1e-12)
    np.testing.assert_allclose(profile.skewness, scipy.stats.skew(values, axis=1), rtol=1e-11)
    np.testing.assert_allclose(profile.m4 / 90, scipy.stats.moment(values, 4, axis=1), rtol=1e-11)
    q = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]
    np.testing.assert_allclose(profile.quantiles(q), np.quantile(values, q, axis=1).T, rtol=1e-12)


def test_extremes():
    profile = NumericProfile.of(BLOCK, VALUES, MISSING)
    assert_same(profile, BLOCK, VALUES, MISSING)
    assert profile.counts.tolist() == [[1, 2, 1, 0], [1, 3, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert profile.nonfinite.tolist() == [0, 0, 3, 0]
    huge = NumericProfile.of(block_of([0.0]), np.array([[1.7e308, -1.7e308, 1.0]]), np.array([0]))
    assert (huge.variance.tolist(), huge.quantiles([0, 1]).tolist()) == ([np.inf], [[-1.7e308, 1.7e308]])
    assert np.isnan(huge.skewness).all()
    assert np.isfinite(huge.mean).all()


def test_signed_zeros_are_one_value():
    block = block_of([0.0, np.nextafter(0.0, 1)])
    profile = NumericProfile.of(block, np.array([[-0.0, -0.0, 0.0]]), np.array([0]))
    assert profile.counts.tolist() == [[0, 3, 0]]
    assert not np.signbit([profile.minimum[0], profile.maximum[0], profile.mean[0]]).any()
    assert not np.signbit(profile.centroids).any()


def test_reads_its_own_bytes_and_takes_little_room():
    block = block_of(*(np.linspace(-3, 3, 79) for _ in range(60)))
    values = np.random.default_rng(1).normal(size=(60, 5000))
    profile = NumericProfile.of(block, values, np.zeros(60, int))
    data = profile.to_bytes()
    again = NumericProfile.from_bytes(data)
    assert again.to_bytes() == data
    assert again.counts.dtype == np.int64
    assert len(data) / 60 <= 2300
    million = NumericProfile.merge_all([data] * 1000)
    assert len(million.to_bytes()) / 60 <= 2300
    assert million.n.tolist() == [5_000_000] * 60


@pytest.mark.parametrize("largest", [255, 256, 65_535, 65_536, 2**32 - 1, 2**32])
def test_counts_of_any_size(largest):
    block = block_of([0.0])
    one = NumericProfile.of(block, np.array([[-1.0]]), np.array([0]))
    object.__setattr__(one, "counts", np.array([[largest, 3]]))
    assert NumericProfile.from_bytes(one.to_bytes()).counts.tolist() == [[largest, 3]]


def test_reads_version_1():
    profile = NumericProfile.from_bytes(base64.b64decode(VERSION_1))
    assert profile.fingerprint == BLOCK.fingerprint
    assert np.isnan(profile.offsets).all()
    assert np.isnan(profile.merge(NumericProfile.of(BLOCK, VALUES, MISSING)).offsets).all()
    assert_same(profile, BLOCK, VALUES, MISSING)


def test_refuses_what_does_not_fit():
    block, other = block_of([0.0]), block_of([1.0])
    profile = NumericProfile.of(block, np.array([[1.0]]), np.array([0]))
    with pytest.raises(ValueError, match="'numeric/0' has 1 features, got values of shape"):
        NumericProfile.of(block, np.zeros((2, 3)), np.zeros(2, int))
    with pytest.raises(ValueError, match="'f0': 2 missing but only 1 NaN"):
        NumericProfile.of(block, np.array([[np.nan, 1.0]]), np.array([2]))
    with pytest.raises(ValueError, match="features or bins differ"):
        NumericProfile.merge_all([NumericProfile.empty(other), profile.to_bytes()])
    with pytest.raises(ValueError, match="features or bins differ"):
        profile.merge(NumericProfile.empty(other))


@given(st.data())
def test_damaged_bytes_are_a_clear_error(data):
    good = NumericProfile.of(BLOCK, VALUES, MISSING).to_bytes()
    with pytest.raises(ValueError, match="numeric profile"):
        NumericProfile.from_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(ValueError, match="numeric profile of format version 9"):
        NumericProfile.from_bytes(good[:3] + b"\x09" + good[4:])
    with pytest.raises(ValueError, match="not a numeric profile"):
        NumericProfile.from_bytes(b"PAR1" + good)


def test_cannot_be_changed_from_outside():
    profile = NumericProfile.of(BLOCK, VALUES, MISSING)
    for given_ in (profile, profile.merge(profile), NumericProfile.from_bytes(profile.to_bytes())):
        for array in (
            given_.missing,
            given_.counts,
            given_.minimum,
            given_.moments.m2,
            given_.digest.centroids,
        ):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 1


@given(
    st.lists(st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, 0.0, 1.0]), max_size=60),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_offsets_tell_the_mean_of_every_bin(values, splits):
    block = block_of([-5.0, 0.0, 1.0])
    pieces = np.split(
        np.array([values], float), sorted(split for split in splits if split <= len(values)), axis=1
    )
    profile = NumericProfile.merge_all(
        [
            NumericProfile.of(block, np.ascontiguousarray(piece), np.zeros(1, int)).to_bytes()
            for piece in pieces
        ]
    )
    finite = np.array([value for value in values if np.isfinite(value)])
    place = np.searchsorted([-5.0, 0.0, 1.0], finite, side="right")
    wanted = (
        np.bincount(place, finite - np.array([-5.0, -5.0, 0.0, 1.0])[place], 4)
        if len(finite)
        else np.zeros(4)
    )
    np.testing.assert_allclose(profile.offsets[0], wanted, rtol=1e-9, atol=1e-6)
    assert not np.isnan(profile.only_counts().to_bytes()[3])
    assert np.isnan(NumericProfile.from_bytes(profile.only_counts().to_bytes()).offsets).all()
