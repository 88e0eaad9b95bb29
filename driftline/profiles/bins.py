"""Bins of numeric features: cut at quantiles of the reference, atoms in bins of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe
from driftline.profiles.binned_features import NumericFeature
from driftline.profiles.heavy import HeavyHitters
from driftline.profiles.tdigest import TDigest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

BINS = 64
"""Bins of a feature unless configured."""

MOST_BINS = 1024
"""Most bins that can be asked for."""

_STEP = 2.0**-23  # of float32: twice what a value is rounded by
_NOISE = 2.0**-20  # of the distance to the next value: what sums and differences are off by
_ALONE = 1e-9  # what 0 may be off by where there is no other value
_FEWEST = 4  # values of the reference in the last bin of a tail
_UNSEEN = 0.02  # of the interquartile range
_FINEST_ATOM = 256  # atoms of a smaller share than 1 / 256 are too close to the error of the heavy hitters
_GRID = (np.arange(16_384) + 0.5) / 16_384
_TAG, _VERSION = b"dNS", 1


def numeric_edges(
    quantiles: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    atoms: ArrayLike,
    bins: int = BINS,
    extremes: ArrayLike = (),
    smallest: float = 2.0**-16,
) -> NDArray[np.float64]:
    """Cut the line into bins of about equal reference mass.

    An atom gets a bin of its own, from a little below to a little above it, so that it is found whether it
    comes as a float64, as the float32 next to it, or with the last digits of a computation: see
    `around_values`. Other edges lie as little below the value that they begin with. The other bins share the
    other mass, and none holds much more than 1 / `bins` of the whole. With A atoms there are at most ``2 A +
    bins`` bins: a gap between two atoms is a bin too, even if the reference has nothing there, because what
    appears in it is news. The last bin of a long tail is halved again and again, see `_tail`.

    Parameters
    ----------
    quantiles
        Maps ranks in (0, 1), shape (Q,), to reference quantiles, shape (Q,), float64; nan if there are none.
    atoms
        Values that hold more than 1 / `bins` of the mass, shape (A,), float64.
    bins
        Number of bins to aim for, 2 to 1024.
    extremes
        Smallest and largest value, shape (2,), float64, so that what lies beyond them has bins of its own;
        there are none if not given, and no finer bins in the tails.
    smallest
        Share of the mass that a bin in a tail has at least.

    Returns
    -------
    ndarray
        Finite, strictly increasing edges, float64; none if the reference has no finite value.

    Raises
    ------
    ValueError
        If `bins` is out of range.

    Examples
    --------
    >>> numeric_edges(lambda q: 100 * q, [], bins=4).round()
    array([25., 50., 75.])
    >>> numeric_edges(lambda q: np.where(q < 0.5, 0.0, q), [0.0], bins=5).round(2) + 0.0
    array([0.  , 0.  , 0.67, 0.83])
    """
    if not 2 <= bins <= MOST_BINS:
        raise ValueError(f"bins: {bins}; a numeric feature has 2 to {MOST_BINS} bins")
    atoms = np.unique(np.asarray(atoms, dtype=np.float64) + 0.0)
    grid = np.asarray(quantiles(_GRID), dtype=np.float64) + 0.0
    rest = np.sort(grid[np.isfinite(grid) & ~np.isin(grid, atoms)])
    ends = np.asarray(extremes, dtype=np.float64) + 0.0
    tail = _tail(quantiles, bins, ends, smallest)
    tail = tail[~np.isin(tail, atoms)]
    values = np.unique(np.concatenate((atoms, rest, ends, tail)))
    below, above = around_values(values)
    own = np.searchsorted(values, atoms)
    forced = np.concatenate((below[own], above[own]))
    cuts = max(bins - 1 - len(forced), int(np.ceil(len(rest) / len(_GRID) * bins)) - 1)
    if len(rest) and cuts > 0:
        at = np.ceil(np.arange(1, cuts + 1) / (cuts + 1) * len(rest)).astype(np.int64)
        first = rest[np.minimum(at, len(rest) - 1)]
        forced = np.concatenate((forced, below[np.searchsorted(values, first)]))
    if len(ends):
        forced = np.concatenate((forced, (below[0], above[-1]), below[np.searchsorted(values, tail)]))
    edges: NDArray[np.float64] = np.unique(forced)
    return edges[np.isfinite(edges)]


def _tail(
    quantiles: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    bins: int,
    ends: NDArray[np.float64],
    smallest: float,
) -> NDArray[np.float64]:
    """Halve the mass of the bin at either end while it reaches so far that distances depend on it.

    In a bin of share s that reaches over the length w, mass may move by up to s w unseen: by less than a
    fiftieth of the interquartile range, if the mass is not too little to tell.
    """
    if not len(ends) or bins < BINS:  # who asks for few bins gets them
        return np.zeros(0)
    q25, q75 = quantiles(np.array([0.25, 0.75]))
    shares = 2.0 ** -np.arange(np.floor(np.log2(bins)), np.floor(-np.log2(smallest)) + 1)
    cuts = []
    for ranks, end in ((shares, ends[0]), (1 - shares, ends[-1])):
        if not len(shares):
            break
        places = quantiles(ranks)
        far = shares * np.abs(end - places) > _UNSEEN * (q75 - q25)
        # bins beyond place i exist where each one before it reached too far
        cuts.append(places[1:][np.logical_and.accumulate(far)[:-1]])
    found = np.concatenate(cuts) if cuts and q75 > q25 else np.zeros(0)
    unique: NDArray[np.float64] = np.unique(found[np.isfinite(found)] + 0.0)
    return unique


def around_values(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find between which bounds a number is still one of some values.

    A source may write a value as float32 where another has float64 or a decimal, and a computation may be off
    in its last digits. So a value reaches as far as one step of float32, 0 a millionth of the way to the next
    value; none further than half way to its neighbours, and whole numbers no further than half of one.

    Parameters
    ----------
    values
        Strictly increasing, finite, shape (V,), float64.

    Returns
    -------
    below, above
        Shape (V,), float64: from ``below[i]`` on and before ``above[i]`` a number is the value i.

    Examples
    --------
    >>> below, above = around_values(np.array([0.1, 0.2]))
    >>> bool(below[0] < 0.1 < float(np.float32(0.1)) < above[0] < below[1] < 0.2)
    True
    """
    if not len(values):
        return values, values
    with np.errstate(over="ignore"):
        gaps = np.concatenate(([np.inf], np.diff(values), [np.inf]))
        nearest = np.minimum(gaps[:-1], gaps[1:])
        noise = np.where(np.isfinite(nearest), nearest * _NOISE, _ALONE)
        reach = np.where(values == 0, noise, np.abs(values) * _STEP)
        reach = np.where(np.trunc(values) == values, np.minimum(reach, 0.5), reach)
        middle = values[:-1] / 2 + values[1:] / 2
        below = np.minimum(values, np.maximum(values - reach, np.concatenate(([-np.inf], middle))))
        above = np.maximum(_following(values), np.minimum(values + reach, np.concatenate((middle, [np.inf]))))
    return below, above


def bin_centers(edges: NDArray[np.float64], minimum: float, maximum: float) -> NDArray[np.float64]:
    """Place a point in the middle of every bin.

    Parameters
    ----------
    edges
        Strictly increasing, shape (B - 1,), float64.
    minimum, maximum
        Extremes of the reference, which close the two open bins; nan if it has no finite value.

    Returns
    -------
    ndarray
        Non-decreasing, shape (B,), float64. That of an open bin without reference values is its edge; nan if
        there are neither edges nor values.

    Examples
    --------
    >>> bin_centers(np.array([0.0, np.nextafter(0.0, 1.0), 4.0]), 0.0, 6.0)
    array([0., 0., 2., 5.])
    """
    if len(edges) == 0:
        return np.array([minimum / 2 + maximum / 2])
    low = np.concatenate(([np.fmin(minimum, edges[0])], edges))
    high = np.concatenate((edges, [np.fmax(maximum, edges[-1])]))
    centers: NDArray[np.float64] = np.clip(low / 2 + high / 2, low, high)  # halves first: no overflow
    return np.where(_following(low) == high, low, centers)


def _following(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # inf follows the largest float64
        return np.nextafter(values, np.inf)


@dataclass(frozen=True, eq=False)
class NumericSurvey:
    """What must be known of F numeric features to cut them into bins, in one pass and mergeable.

    Parameters
    ----------
    rows
        Number of rows, missing values included.
    n
        Finite values, shape (F,), int64.
    minimum, maximum
        Extremes of the finite values, shape (F,), float64; nan without any.
    digest
        t-digest of the finite values.
    heavy
        Their heavy hitters.

    Examples
    --------
    >>> survey = NumericSurvey.of(np.array([[0.0, 0.0, 1.0, 1.0, np.nan]]))
    >>> [(feature.edges.round(3) + 0.0).tolist() for feature in survey.features(["flag"], [64])]
    [[0.0, 0.0, 1.0, 1.0]]
    """

    rows: int
    n: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    digest: TDigest
    heavy: HeavyHitters

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> NumericSurvey:
        """Survey rows.

        Parameters
        ----------
        values
            Shape (F, n), float64, NaN where missing; NaN and infinities are left out.
        """
        rows = np.add(values, 0.0, order="C")
        rows.sort(axis=1)
        finite = np.isfinite(rows)
        n, start = finite.sum(axis=1), (rows == -np.inf).sum(axis=1)
        some = np.flatnonzero(n)
        minimum, maximum = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        minimum[some], maximum[some] = rows[some, start[some]], rows[some, (start + n)[some] - 1]
        digest = TDigest.of_sorted(rows, start, n)
        return cls(rows.shape[1], n, minimum, maximum, digest, HeavyHitters.of_sorted(rows, start, n))

    @classmethod
    def merge_all(cls, items: Sequence[bytes | NumericSurvey]) -> NumericSurvey:
        """Merge surveys of disjoint rows of the same features.

        Raises
        ------
        ValueError
            If there is none, or they differ in their number of features.
        """
        parts = [cls.from_bytes(item) if isinstance(item, bytes) else item for item in items]
        if len({len(part.n) for part in parts}) != 1:
            raise ValueError(
                f"surveys of {sorted({len(part.n) for part in parts})} features cannot merge; "
                "survey one list of features"
            )
        return cls(
            sum(part.rows for part in parts),
            np.sum([part.n for part in parts], axis=0),
            np.fmin.reduce([part.minimum for part in parts]),
            np.fmax.reduce([part.maximum for part in parts]),
            TDigest.merge_all([part.digest for part in parts]),
            HeavyHitters.merge_all([part.heavy for part in parts]),
        )

    def merge(self, other: NumericSurvey) -> NumericSurvey:
        """Merge with a survey of other rows; neither input changes."""
        return self.merge_all([self, other])

    def features(self, names: Sequence[str], bins: Sequence[int]) -> list[NumericFeature]:
        """Cut every feature into bins, and two for what lies beyond its smallest and largest value.

        An atom is a value that holds more than 1 / 64 of the feature's finite values (1 / `bins` for other
        numbers of bins up to 256) and comes at least twice.

        Parameters
        ----------
        bins
            Bins to aim for, 2 to 1024, F of them.
        """
        share = 1 / np.minimum(np.asarray(bins), _FINEST_ATOM)
        atoms = self.heavy.above(np.maximum(self.n * share, 1))
        return [
            NumericFeature(name, self._edges(f, atoms[f], number))
            for f, (name, number) in enumerate(zip(names, bins, strict=True))
        ]

    def _edges(self, feature: int, atoms: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
        n = float(self.n[feature])
        smallest = max(_FEWEST / max(n, 1.0), 2.0**-16)
        return numeric_edges(self._quantiles(feature), atoms, bins, self._extremes(feature), smallest)

    def _extremes(self, feature: int) -> list[float]:
        return [self.minimum[feature], self.maximum[feature]] if self.n[feature] else []

    def _quantiles(self, feature: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Quantiles of one feature: the values themselves where the heavy hitters are all of them."""
        if self.n[feature] and self.heavy.error[feature] == 0:
            values, counts = self.heavy.distribution(feature)
            cumulated = np.cumsum(counts)
            return lambda q: values[np.searchsorted(cumulated, q * cumulated[-1], side="right")]
        at = slice(feature, feature + 1)
        one = TDigest(self.digest.centroids[at], self.digest.signed_weights[at])
        return lambda q: one.quantiles(q, self.minimum[at], self.maximum[at])[0]

    def to_bytes(self) -> bytes:
        """Write the survey, format version 1: a JSON head, then raw little-endian arrays."""
        digest, heavy = self.digest, self.heavy
        head = {"rows": self.rows, "features": len(self.n), "centroids": digest.centroids.shape[1]}
        whole = np.stack((self.n, heavy.distinct, heavy.error)).astype("<i8")
        real = np.stack((self.minimum, self.maximum)).astype("<f8")
        arrays = (
            whole,
            real,
            digest.centroids.astype("<f8"),
            heavy.values.astype("<f8"),
            heavy.counts.astype("<i8"),
            digest.signed_weights.astype("<f4"),
        )
        return frame(_TAG, _VERSION, head, b"".join(array.tobytes() for array in arrays))

    @classmethod
    @refuses_damage("numeric survey", "survey the rows again")
    def from_bytes(cls, data: bytes) -> NumericSurvey:
        """Read what `to_bytes` wrote, as read-only views; other bytes raise UnreadableBytesError."""
        head, payload = unframe(_TAG, _VERSION, "numeric survey", data)
        try:
            F, C = head["features"], head["centroids"]
            n, distinct, error = np.frombuffer(payload, "<i8", 3 * F).reshape(3, F)
            minimum, maximum = np.frombuffer(payload, "<f8", 2 * F, 24 * F).reshape(2, F)
            centroids = np.frombuffer(payload, "<f8", F * C, 40 * F).reshape(F, C)
            at, kept = 40 * F + 8 * F * C, int(distinct.sum())
            values = np.frombuffer(payload, "<f8", kept, at)
            counts = np.frombuffer(payload, "<i8", kept, at + 8 * kept)
            signed = np.frombuffer(payload, "<f4", F * C, at + 16 * kept).reshape(F, C)
            rows = int(head["rows"])
        except (KeyError, TypeError, ValueError) as damage:
            raise UnreadableBytesError(
                f"numeric survey damaged or cut short ({damage}); survey the rows again"
            ) from None
        if len(payload) != at + 16 * kept + 4 * F * C:
            raise UnreadableBytesError(
                f"numeric survey of {len(payload)} payload bytes, its head describes "
                f"{at + 16 * kept + 4 * F * C}; survey the rows again"
            )
        heavy = HeavyHitters(values, counts, distinct, error)
        return cls(rows, n, minimum, maximum, TDigest(centroids, signed), heavy)
