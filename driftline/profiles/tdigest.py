"""A t-digest of many features at once: sort, cut at sine-spaced ranks, merge by rank.

It differs from the published digest in one respect that matters on real features: a cluster knows whether it
holds one value only (*pure*), and equal values are never split between clusters. So repeated values, zeros
above all, keep their exact ranks, and a digest of at most 100 distinct values loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles.runs import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

CENTROIDS = 100
"""Most centroids of a feature."""

_HEAVY, _HEAVIER = 1 / 64, 1 / 50
_STEP = np.arange(CENTROIDS + 1)


def _rank(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map [0, 1] to ranks: dense at both ends (the inverse of the arcsine scale function)."""
    ranks: NDArray[np.float64] = (1 - np.cos(np.pi * x)) / 2
    return ranks


_RANKS = _rank(_STEP / CENTROIDS)

_HUGE = 2.0**960  # sums of values beyond this one may overflow
_SHRINK = 2.0**-64


@dataclass(frozen=True, eq=False)
class TDigest:
    """Sorted weighted centroids of F features.

    Parameters
    ----------
    centroids
        Means of the clusters, increasing, shape (F, C), float64, C <= 100; rows padded with +inf.
    signed_weights
        Values in each cluster, shape (F, C), float32: positive where they are all the same value (pure),
        negative where the centroid stands for different values, 0 for padding.

    References
    ----------
    Dunning and Ertl, Computing Extremely Accurate Quantiles Using t-Digests (2019), section 2.2, scale
    function k1 (arcsine).

    Examples
    --------
    >>> TDigest.of(np.array([[3.0, 1.0, 2.0]])).quantiles([0, 0.25, 1], np.array([1.0]), np.array([3.0]))
    array([[1. , 1.5, 3. ]])
    """

    centroids: NDArray[np.float64]
    signed_weights: NDArray[np.float32]

    @property
    def weights(self) -> NDArray[np.float32]:
        """Values in each cluster, shape (F, C), float32; 0 for padding."""
        return np.abs(self.signed_weights)

    @property
    def pure(self) -> NDArray[np.bool_]:
        """Clusters that hold one value only, shape (F, C)."""
        return self.signed_weights > 0

    @classmethod
    def of(cls, values: ArrayLike) -> TDigest:
        """Digest finite values.

        Parameters
        ----------
        values
            Shape (F, n), float64, finite.
        """
        rows = np.sort(np.array(values, dtype=np.float64) + 0.0, axis=1)
        return cls.of_sorted(rows, np.zeros(len(rows), np.int64), np.full(len(rows), rows.shape[1], np.int64))

    @classmethod
    def of_sorted(
        cls, rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]
    ) -> TDigest:
        """Digest the finite part of sorted rows.

        Parameters
        ----------
        rows
            Sorted along the last axis, shape (F, n), float64, C-contiguous.
        start
            Position of the first finite value of each row, shape (F,), int64.
        count
            Number of finite values from there, shape (F,), int64.

        Returns
        -------
        TDigest
            Of ``rows[f, start[f] : start[f] + count[f]]`` for each f.
        """
        F, n = rows.shape
        if n == 0 or not count.any():
            return cls(np.empty((F, 0)), np.empty((F, 0), np.float32))
        if count.max() <= CENTROIDS:
            return _copy(rows, start, count)
        flat = rows.ravel()
        cuts = np.floor(_RANKS * count[:, None]).astype(np.int64)
        few = count <= CENTROIDS
        if few.any():
            cuts[few] = np.minimum(_STEP, count[few, None])
        sizes = np.diff(cuts)
        cuts += (np.arange(F) * n + start)[:, None]
        used = sizes > 0
        begin, end = cuts[:, :-1][used], cuts[:, 1:][used]
        first, last = flat[begin], flat[end - 1]
        digest = cls._scatter(used.sum(1), _means(rows, cuts, used, first, last), sizes[used], first == last)
        # a cut between equal values: this row has ties long enough to matter
        inner = cuts[:, 1:-1]
        tied = (flat[inner - 1] == flat[np.minimum(inner, flat.size - 1)]) & used[:, 1:] & used[:, :-1]
        ties = np.flatnonzero(tied.any(1) & ~few)
        if ties.size:
            part = _compress(*_distinct(rows[ties], start[ties], count[ties]))
            digest = _replaced(digest, ties, part)
        return digest

    @classmethod
    def merge_all(cls, digests: Sequence[TDigest]) -> TDigest:
        """Merge digests of the same features."""
        if len(digests) == 1:
            return digests[0]
        means = np.concatenate([digest.centroids for digest in digests], axis=1)
        signed = np.concatenate([digest.signed_weights for digest in digests], axis=1)
        F, M = means.shape
        order = means.argsort(axis=1)
        order += (np.arange(F) * M)[:, None]
        return _compress(means.ravel()[order], signed.ravel()[order])

    def quantiles(
        self, q: ArrayLike, minimum: NDArray[np.float64], maximum: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Estimate quantiles; those of at most 100 values are numpy's (linear interpolation).

        Parameters
        ----------
        q
            Ranks between 0 and 1, shape (Q,).
        minimum, maximum
            Extremes of each feature, shape (F,), float64.

        Returns
        -------
        ndarray
            Shape (F, Q), float64; nan for a feature without values.
        """
        q = np.atleast_1d(np.asarray(q, dtype=np.float64))
        result = np.full((len(self.centroids), len(q)), np.nan)
        weights = self.weights.astype(np.float64)
        for f, (means, weight, pure) in enumerate(zip(self.centroids, weights, self.pure, strict=True)):
            used = weight > 0
            if not used.any():
                continue
            high = np.cumsum(weight[used])
            low, total, width = high - weight[used], high[-1], high - 0.5
            middle = (low + high) / 2
            low, width = np.where(pure[used], low + 0.5, middle), np.where(pure[used], width, middle)
            ranks = np.concatenate(([0.5], np.column_stack((low, width)).ravel(), [total - 0.5]))
            knots = np.concatenate(([minimum[f]], np.repeat(means[used], 2), [maximum[f]]))
            half = 0.5 if max(-knots[0], knots[-1]) > _HUGE else 1.0
            at = q * (total - 1) + 0.5
            result[f] = np.clip(np.interp(at, ranks, knots * half) / half, knots[0], knots[-1])
        return result

    @classmethod
    def _scatter(
        cls,
        used: NDArray[np.int64],
        means: NDArray[np.float64],
        weights: NDArray[np.float64],
        pure: NDArray[np.bool_],
    ) -> TDigest:
        """Lay clusters, given one feature after the other, out in padded rows."""
        shape = (len(used), int(used.max(initial=0)))
        filled = np.arange(shape[1]) < used[:, None]
        centroids, signed = np.full(shape, np.inf), np.zeros(shape, np.float32)
        centroids[filled] = means
        signed[filled] = np.where(pure, weights, np.negative(weights))
        return cls(centroids, signed)


def _copy(rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]) -> TDigest:
    """Take rows of at most 100 finite values as they are."""
    each = np.arange(int(count.max()))
    real = each < count[:, None]
    at = np.minimum(start[:, None] + each, rows.shape[1] - 1)
    return TDigest(np.where(real, np.take_along_axis(rows, at, axis=1), np.inf), real.astype(np.float32))


def _replaced(digest: TDigest, at: NDArray[np.int64], part: TDigest) -> TDigest:
    """Put the rows of `part` in place of some rows of a digest."""
    F, width = digest.centroids.shape
    width = max(width, part.centroids.shape[1])
    centroids, signed = np.full((F, width), np.inf), np.zeros((F, width), np.float32)
    for rows, source in ((np.arange(F), digest), (at, part)):
        centroids[rows], signed[rows] = np.inf, 0
        centroids[rows, : source.centroids.shape[1]] = source.centroids
        signed[rows, : source.signed_weights.shape[1]] = source.signed_weights
    return _trimmed(centroids, signed)


def _trimmed(centroids: NDArray[np.float64], signed: NDArray[np.float32]) -> TDigest:
    width = int((signed != 0).sum(1).max(initial=0))
    return TDigest(np.ascontiguousarray(centroids[:, :width]), np.ascontiguousarray(signed[:, :width]))


def _means(
    rows: NDArray[np.float64],
    cuts: NDArray[np.int64],
    used: NDArray[np.bool_],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean of every non-empty cluster between neighbouring cuts, one feature after the other."""
    flat, scale = rows.ravel(), 1.0
    if max(-first.min(), last.max()) > _HUGE:
        flat, scale = flat * _SHRINK, _SHRINK
    F, n = rows.shape
    ends = np.ones((F, 1), dtype=bool)
    ends[-1] = cuts[-1, -1] < F * n  # reduceat runs to the end by itself
    with np.errstate(all="ignore"):  # what lies between two features may hold nan and inf
        sums = np.add.reduceat(flat, cuts[np.hstack((used, ends))])
    inside = np.ones((F, CENTROIDS + 1), dtype=bool)
    inside[:, -1] = False
    sums = sums[inside[np.hstack((used, ends))]]
    means: NDArray[np.float64] = sums / np.diff(cuts)[used] / scale
    return means.clip(first, last)  # equal values stay what they are


def _distinct(
    rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct values of sorted rows and how often each comes, padded with +inf and 0."""
    values, counts, distinct = runs(rows, start, count)
    filled = np.arange(distinct.max()) < distinct[:, None]
    means, weights = np.full(filled.shape, np.inf), np.zeros(filled.shape)
    means[filled], weights[filled] = values, counts
    return means, weights


def _compress(means: NDArray[np.float64], signed: NDArray[np.floating]) -> TDigest:
    """Reduce sorted clusters (F, M), padded with +inf and 0, to at most 100 a feature."""
    F, M = means.shape
    if M == 0:
        return TDigest(np.empty((F, 0)), np.empty((F, 0), np.float32))
    weights = np.abs(signed, dtype=np.float64)
    total = weights.sum(1)
    items = (weights > 0).sum(1)
    real = np.arange(M) < items[:, None]
    fresh = real.copy()  # begins a run of equal centroids
    fresh[:, 1:] &= means[:, 1:] != means[:, :-1]
    distinct = fresh.sum(1)

    opens = np.where((total <= CENTROIDS)[:, None], real, fresh)
    crowded = np.flatnonzero((distinct > CENTROIDS) & (total > CENTROIDS))
    if crowded.size:
        opens[crowded] = _cut(fresh[crowded], weights[crowded], signed[crowded])
    short = np.flatnonzero(items < M)
    opens[short, items[short]] = True  # the padding, a segment of its own
    at = np.flatnonzero(opens)

    share = weights / np.maximum(total, 1)[:, None]
    with np.errstate(invalid="ignore"):  # inf * 0 in the padding
        share_sums = np.add.reduceat((means * share).ravel(), at)
        shares = np.add.reduceat(share.ravel(), at)
        sums = np.add.reduceat(weights.ravel(), at)
        pure = np.minimum.reduceat(signed.ravel(), at) > 0
        flat = means.ravel()
        first, last = flat[at], flat[np.append(at[1:], flat.size) - 1]
        centroids = np.clip(share_sums / shares, first, last)
    kept = real.ravel()[at]
    used = np.bincount(at[kept] // M, minlength=F)
    return TDigest._scatter(used, centroids[kept], sums[kept], (pure & (first == last))[kept])  # noqa: SLF001


def _cut(
    fresh: NDArray[np.bool_], weights: NDArray[np.float64], signed: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Mark where clusters begin, shape (F, M), given where runs of equal centroids do.

    A pure run of more than 1 / 64 of a feature (1 / 50 if there are too many) is a cluster; the scale
    function cuts the ranks of everything else as if the run were not there. Any other run goes, whole, where
    its middle rank falls.
    """
    F, M = fresh.shape
    runs = np.flatnonzero(fresh)
    feature = runs // M
    if len(runs) == np.count_nonzero(weights):
        mass, pure = weights.ravel()[runs], signed.ravel()[runs] > 0
    else:
        mass = np.add.reduceat(weights.ravel(), runs)
        pure = ~np.logical_or.reduceat(signed.ravel() < 0, runs)
    share = mass / weights.sum(1)[feature]
    heavy = pure & (share > _HEAVY)
    cost = _cost(heavy, feature, F)
    if (cost >= CENTROIDS).any():
        heavy &= (cost < CENTROIDS)[feature] | (share > _HEAVIER)
        cost = _cost(heavy, feature, F)
    rest = np.where(heavy, 0.0, mass)
    total = np.bincount(feature, rest, F)
    middle = np.cumsum(rest) - rest / 2
    middle -= (np.cumsum(total) - total)[feature]
    middle /= total[feature]

    clusters = CENTROIDS - cost
    inner = _rank(np.minimum(_STEP[1:-1], clusters[:, None]) / clusters[:, None])
    # one search for all features: rank + row number increases over the whole block
    row = np.arange(F)[:, None]
    at = np.searchsorted(np.clip(middle, 0, 1) + feature, (inner + row).ravel()).reshape(F, -1)
    ends = np.cumsum(np.bincount(feature, minlength=F))[:, None]
    chosen = np.zeros(len(runs), dtype=bool)
    chosen[at[at < ends]] = True
    chosen[heavy] = True
    chosen[1:] |= heavy[:-1]
    chosen[np.append(0, ends[:-1])] = True
    opens = np.zeros(F * M, dtype=bool)
    opens[runs[chosen]] = True
    return opens.reshape(F, M)


def _cost(heavy: NDArray[np.bool_], feature: NDArray[np.int64], F: int) -> NDArray[np.int64]:
    """Clusters that heavy runs take from each feature: their own, and those that a group of them splits."""
    first = heavy.copy()
    first[1:] &= ~(heavy[:-1] & (feature[1:] == feature[:-1]))
    return np.bincount(feature[heavy], minlength=F) + np.bincount(feature[first], minlength=F)
