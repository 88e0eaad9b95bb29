"""Profile of a block of numeric features: counts and offsets by bin, extremes, moments and a digest."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.profiles.bin_offsets import offsets_of_sorted
from driftline.profiles.moments import Moments
from driftline.profiles.tdigest import TDigest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from driftline.profiles.layout import Block

TAG = b"dNP"
"""How the bytes of a numeric profile begin."""

_HEAD = Head(TAG, 3, "numeric profile", "8sHHHHIq", "profile the rows again")
# fingerprint, F, width, C, bytes a count, what there is, rows; 32 bytes, so that the arrays are aligned
_WITH_INVALID, _WITH_OFFSETS = 1, 2
_EARLIER = {1: 0, 2: _WITH_INVALID}  # what there is in versions whose head does not say it
_COUNTS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}
_MERGED_AT_ONCE = 512  # bounds the memory of a merge


@dataclass(frozen=True, eq=False)
class NumericProfile:
    """What is kept of some rows of a block of F numeric features.

    Parameters
    ----------
    fingerprint
        `Block.fingerprint` of the block, 8 bytes.
    rows
        Number of rows, missing values included.
    missing
        Nulls, shape (F,), int64.
    nonfinite
        NaN and infinite values, shape (F,), int64.
    minimum, maximum
        Extremes of the finite values, shape (F,), float64; nan without any.
    moments
        Mean and central moment sums of the finite values.
    counts
        Finite values in each bin, shape (F, width), int64; 0 in the padding.
    digest
        t-digest of the finite values.
    invalid
        Values that are no numbers, shape (F,), int64.
    offsets
        Sum of the distances of the values of each bin from its anchor (`driftline.profiles.bin_offsets`),
        shape (F, width), float64; nan where that was not kept.

    Examples
    --------
    >>> from driftline.profiles.binned_features import NumericFeature
    >>> from driftline.profiles.layout import Block
    >>> block = Block("numeric/0", "numeric", (NumericFeature("age", np.array([20.0, 40.0])),))
    >>> profile = NumericProfile.of(block, np.array([[30.0, 50.0, np.nan, np.inf]]), np.array([1]))
    >>> profile.counts, profile.missing, profile.nonfinite, profile.mean
    (array([[0, 1, 1]]), array([1]), array([1]), array([40.]))
    """

    TAG: ClassVar[bytes] = TAG

    fingerprint: bytes
    rows: int
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    moments: Moments
    counts: NDArray[np.int64]
    digest: TDigest
    invalid: NDArray[np.int64]
    offsets: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Freeze the arrays: a profile enters more than one merge."""
        for part in (self, self.moments, self.digest):
            for array in vars(part).values():
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False

    @classmethod
    def empty(cls, block: Block) -> NumericProfile:
        """Profile no rows: the neutral element of merges."""
        return cls.of(block, np.empty((len(block), 0)), np.zeros(len(block), np.int64))

    @classmethod
    def of(
        cls,
        block: Block,
        values: NDArray[np.float64],
        missing: NDArray[np.int64],
        invalid: NDArray[np.int64] | None = None,
    ) -> NumericProfile:
        """Profile rows.

        Parameters
        ----------
        block
            A numeric block of F features.
        values
            Shape (F, n), float64, C-contiguous; NaN where null, invalid or NaN.
        missing, invalid
            How many of the NaN of each feature are nulls, and how many values that are no numbers, shape
            (F,), int64; none of those if not given.

        Raises
        ------
        ValueError
            If shapes do not fit the block, or a feature has more nulls and invalid values than NaN.
        """
        F, n = values.shape
        invalid = np.zeros(F, np.int64) if invalid is None else invalid
        if len(block) != F or missing.shape != (F,):
            raise ValueError(
                f"block {block.name!r} has {len(block)} features, got values of shape {values.shape} and "
                f"missing of shape {missing.shape}; pass one row of values a feature"
            )
        rows = np.full((F, n + 1), np.nan)  # a copy to sort, and a last place for bins that begin at the end
        np.add(values, 0.0, out=rows[:, :n])  # -0.0 becomes 0.0
        rows.sort(axis=1)
        below = np.empty((F, block.width + 2), np.int64)
        for row, edges, out in zip(rows, block.needles, below, strict=True):
            out[:] = row.searchsorted(edges)
        start, end, number = below[:, 0], below[:, -2], below[:, -1]
        absent = missing + invalid
        nonfinite = (n - absent) - (end - start)
        if (absent > n - number).any():
            f = int(np.argmax(absent > n - number))
            raise ValueError(
                f"feature {block.names[f]!r}: {absent[f]} missing but only {n - number[f]} NaN among its "
                "values; write NaN where a value is null"
            )
        count = end - start
        minimum, maximum = np.full(F, np.nan), np.full(F, np.nan)
        present = np.flatnonzero(count)
        minimum[present], maximum[present] = rows[present, start[present]], rows[present, end[present] - 1]
        return cls(
            block.fingerprint,
            n,
            missing.astype(np.int64),
            nonfinite,
            minimum,
            maximum,
            Moments.of_sorted(rows, start, count),
            np.diff(below[:, :-1]),
            TDigest.of_sorted(rows, start, count),
            invalid.astype(np.int64),
            offsets_of_sorted(rows, below[:, :-1], block.anchors),
        )

    @classmethod
    def merge_all(cls, items: Sequence[bytes | NumericProfile]) -> NumericProfile:
        """Merge profiles of disjoint rows, encoded or not.

        Returns
        -------
        NumericProfile
            Of all rows together; the inputs stay as they are.

        Raises
        ------
        ValueError
            If there are none, or one is of another block or other bins, or is damaged.
        """
        profiles = [cls.from_bytes(item) if isinstance(item, bytes) else item for item in items]
        if not profiles:
            raise ValueError("no profiles to merge: give at least one, if only an empty one")
        fingerprint = profiles[0].fingerprint
        for profile in profiles:
            if profile.fingerprint != fingerprint:
                raise ValueError(
                    f"a profile of layout {profile.fingerprint.hex()} in a merge of layout "
                    f"{fingerprint.hex()}: features or bins differ; profile the rows again with one baseline"
                )
        while len(profiles) > _MERGED_AT_ONCE:
            profiles = [
                _merge(profiles[i : i + _MERGED_AT_ONCE]) for i in range(0, len(profiles), _MERGED_AT_ONCE)
            ]
        return _merge(profiles)

    def merge(self, other: NumericProfile) -> NumericProfile:
        """Merge with a profile of other rows, with the errors of `merge_all`; neither input changes."""
        if self.fingerprint != other.fingerprint:
            raise ValueError(
                f"cannot merge profiles of layouts {self.fingerprint.hex()} and {other.fingerprint.hex()}: "
                "features or bins differ; profile the rows again with one baseline"
            )
        return _merge([self, other])

    def add(
        self,
        block: Block,
        values: NDArray[np.float64],
        missing: NDArray[np.int64],
        invalid: NDArray[np.int64] | None = None,
    ) -> NumericProfile:
        """Profile more rows; parameters as in `of`."""
        return self.merge(NumericProfile.of(block, values, missing, invalid))

    def only_counts(self) -> NumericProfile:
        """Drop digest and offsets, which take most of the room; quantiles are nan then."""
        nothing = np.empty((len(self.missing), 0))
        digest = TDigest(nothing, nothing.astype(np.float32))
        return replace(self, digest=digest, offsets=np.full(self.counts.shape, np.nan))

    def to_bytes(self) -> bytes:
        """Write the profile, format version 3.

        Returns
        -------
        bytes
            A fixed head, then raw little-endian arrays; counts in the fewest bytes that hold the largest.
        """
        F, width = self.counts.shape
        largest = self.counts.max(initial=0)
        size = 1 if largest < 2**8 else 2 if largest < 2**16 else 4 if largest < 2**32 else 8
        C = self.digest.centroids.shape[1]
        moments = self.moments
        absent, offsets, there = [self.missing, self.nonfinite], b"", 0
        if self.invalid.any():
            absent.append(self.invalid)
            there |= _WITH_INVALID
        if not np.isnan(self.offsets).all():
            offsets = self.offsets.astype("<f8", copy=False).tobytes()
            there |= _WITH_OFFSETS
        return b"".join(
            (
                _HEAD.pack(self.fingerprint, F, width, C, size, there, self.rows),
                np.stack(absent).astype("<i8", copy=False).tobytes(),
                np.stack(
                    (
                        self.minimum,
                        self.maximum,
                        moments.mean,
                        moments.mean_low,
                        moments.m2,
                        moments.m3,
                        moments.m4,
                    )
                )
                .astype("<f8", copy=False)
                .tobytes(),
                offsets,
                self.digest.centroids.astype("<f8", copy=False).tobytes(),
                self.digest.signed_weights.astype("<f4", copy=False).tobytes(),
                self.counts.astype(_COUNTS[size]).tobytes(),
            )
        )

    @classmethod
    @refuses_damage("numeric profile")
    def from_bytes(cls, data: bytes) -> NumericProfile:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError.

        Returns
        -------
        NumericProfile
            Read-only views of the bytes, except counts narrower than int64.
        """
        (fingerprint, F, width, C, size, there, rows), arrays = _HEAD.unpack(data)
        there = _EARLIER.get(data[3], there)
        kinds = 3 if there & _WITH_INVALID else 2
        if size not in _COUNTS or rows < 0:
            raise arrays.damaged()
        missing, nonfinite, *others = arrays.take("<i8", kinds * F).reshape(kinds, F)
        minimum, maximum, *moments = arrays.take("<f8", 7 * F).reshape(7, F)
        offsets = np.full((F, width), np.nan)
        if there & _WITH_OFFSETS:
            offsets = arrays.take("<f8", F * width).reshape(F, width)
        centroids = arrays.take("<f8", F * C).reshape(F, C)
        signed = arrays.take("<f4", F * C).reshape(F, C)
        counts = arrays.take(_COUNTS[size], F * width).reshape(F, width)
        arrays.done()
        return cls(
            fingerprint,
            rows,
            missing,
            nonfinite,
            minimum,
            maximum,
            Moments(*moments),
            counts.astype(np.int64, copy=False),
            TDigest(centroids, signed),
            others[0] if others else np.zeros(F, np.int64),
            offsets,
        )

    @cached_property
    def n(self) -> NDArray[np.int64]:
        """Finite values, shape (F,), int64."""
        total: NDArray[np.int64] = self.counts.sum(axis=1)
        return total

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of the finite values, shape (F,); nan without any."""
        return np.where(self.n > 0, self.moments.mean, np.nan)

    @property
    def m2(self) -> NDArray[np.float64]:
        """Sum of squared deviations from the mean, shape (F,)."""
        return self.moments.m2

    @property
    def m3(self) -> NDArray[np.float64]:
        """Sum of cubed deviations from the mean, shape (F,)."""
        return self.moments.m3

    @property
    def m4(self) -> NDArray[np.float64]:
        """Sum of the fourth powers of the deviations from the mean, shape (F,)."""
        return self.moments.m4

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids of the t-digest, shape (F, C), rows padded with +inf."""
        return self.digest.centroids

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights of the centroids, shape (F, C), float32, 0 for padding."""
        return self.digest.weights

    @property
    def variance(self) -> NDArray[np.float64]:
        """Population variance (ddof 0), shape (F,); nan without values, inf beyond float64."""
        with np.errstate(invalid="ignore"):
            return np.where(self.n > 0, self.moments.m2 / np.maximum(self.n, 1), np.nan)

    @property
    def skewness(self) -> NDArray[np.float64]:
        """Population skewness g1, shape (F,); nan where the variance is 0, undefined or beyond float64.

        References
        ----------
        Joanes and Gill, Comparing Measures of Sample Skewness and Kurtosis (1998), g1.
        """
        with np.errstate(all="ignore"):
            number = np.maximum(self.n, 1)
            skewness = self.moments.m3 / number / (self.moments.m2 / number) ** 1.5
        return np.where(np.isfinite(skewness), skewness, np.nan)

    @property
    def missing_rate(self) -> NDArray[np.float64]:
        """Share of rows that are null, shape (F,); nan without rows."""
        return self.missing / self.rows if self.rows else np.full(len(self.missing), np.nan)

    @property
    def nonfinite_rate(self) -> NDArray[np.float64]:
        """Share of rows that are NaN or infinite, shape (F,); nan without rows."""
        return self.nonfinite / self.rows if self.rows else np.full(len(self.missing), np.nan)

    @property
    def invalid_rate(self) -> NDArray[np.float64]:
        """Share of rows that hold something else than a number, shape (F,); nan without rows."""
        return self.invalid / self.rows if self.rows else np.full(len(self.invalid), np.nan)

    def quantiles(self, q: ArrayLike) -> NDArray[np.float64]:
        """Estimate quantiles of the finite values.

        Parameters
        ----------
        q
            Ranks between 0 and 1, shape (Q,).

        Returns
        -------
        ndarray
            Shape (F, Q), float64; nan for a feature without values.
        """
        return self.digest.quantiles(q, self.minimum, self.maximum)


def _merge(profiles: Sequence[NumericProfile]) -> NumericProfile:
    if len(profiles) == 1:
        return profiles[0]
    first = profiles[0]
    counts, offsets = first.counts.copy(), first.offsets.copy()
    for profile in profiles[1:]:
        counts += profile.counts
    with np.errstate(over="ignore", invalid="ignore"):  # nobody can tell a mean of what is beyond float64
        for profile in profiles[1:]:
            offsets += profile.offsets
    minimum = np.fmin.reduce([profile.minimum for profile in profiles])
    maximum = np.fmax.reduce([profile.maximum for profile in profiles])
    parts = [profile.moments for profile in profiles]
    stacked = Moments(*(np.stack([getattr(part, f.name) for part in parts]) for f in fields(Moments)))
    return NumericProfile(
        first.fingerprint,
        sum(profile.rows for profile in profiles),
        np.sum([profile.missing for profile in profiles], axis=0),
        np.sum([profile.nonfinite for profile in profiles], axis=0),
        minimum,
        maximum,
        Moments.merge(np.stack([profile.n for profile in profiles]), stacked, minimum, maximum),
        counts,
        TDigest.merge_all([profile.digest for profile in profiles]),
        np.sum([profile.invalid for profile in profiles], axis=0),
        offsets,
    )
