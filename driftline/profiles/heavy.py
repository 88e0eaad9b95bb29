"""Heavy hitters among floats, mergeable: finds every value that holds more than a share of the mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles.runs import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CAPACITY = 1024
"""Values kept for a feature."""


@dataclass(frozen=True, eq=False)
class HeavyHitters:
    """The most frequent finite values of F features, with lower bounds of their counts.

    A value's true count is between its count here (0 if absent) and that plus the feature's `error`, which is
    at most n / 1025 and 0 up to 1024 distinct values.

    Parameters
    ----------
    values, counts
        Of one feature after the other, values increasing, float64 and int64.
    distinct
        How many of them belong to each feature, shape (F,), int64.
    error
        By how much a count may be too low, shape (F,), int64.

    References
    ----------
    Misra and Gries, Finding repeated elements (1982); merged as in Agarwal et al., Mergeable Summaries
    (2012), section 3.

    Examples
    --------
    >>> heavy = HeavyHitters.of_sorted(np.array([[0.0, 0.0, 7.0]]), np.array([0]), np.array([3]))
    >>> heavy.above(np.array([1.5]))
    [array([0.])]
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    distinct: NDArray[np.int64]
    error: NDArray[np.int64]

    @classmethod
    def of_sorted(
        cls, rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]
    ) -> HeavyHitters:
        """Summarise the finite part of sorted rows.

        Parameters
        ----------
        rows
            Sorted along the last axis, shape (F, n), float64, without -0.0.
        start
            Position of the first finite value of each row, shape (F,), int64.
        count
            Number of finite values from there, shape (F,), int64.
        """
        none = np.zeros(len(rows), np.int64)
        if rows.shape[1] == 0:
            return cls(np.empty(0), np.empty(0, np.int64), none, none)
        return _reduced(*runs(rows, start, count), none)

    @classmethod
    def merge_all(cls, parts: Sequence[HeavyHitters]) -> HeavyHitters:
        """Merge summaries of disjoint rows.

        Parameters
        ----------
        parts
            At least one; equal F.
        """
        if len(parts) == 1:
            return parts[0]
        F = len(parts[0].distinct)
        values = np.concatenate([part.values for part in parts])
        counts = np.concatenate([part.counts for part in parts])
        feature = np.concatenate([np.repeat(np.arange(F), part.distinct) for part in parts])
        order = np.lexsort((values, feature))
        values, counts, feature = values[order], counts[order], feature[order]
        fresh = np.ones(len(values), dtype=bool)
        fresh[1:] = (values[1:] != values[:-1]) | (feature[1:] != feature[:-1])
        at = np.flatnonzero(fresh)
        counts = np.add.reduceat(counts, at) if at.size else counts
        distinct = np.bincount(feature[at], minlength=F)
        return _reduced(values[at], counts, distinct, np.sum([part.error for part in parts], axis=0))

    def above(self, threshold: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """List the values whose count may be above a threshold.

        Parameters
        ----------
        threshold
            For each feature, shape (F,).

        Returns
        -------
        list of ndarray
            Increasing values of each feature: all that are above it, and none whose count is below it by
            more than `error`.
        """
        found = []
        for feature, limit in enumerate(threshold - self.error):
            values, counts = self.distribution(feature)
            found.append(values[counts > limit])
        return found

    def distribution(self, feature: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the values of one feature and their counts.

        Returns
        -------
        values, counts
            Increasing values, shape (distinct,), float64 and int64; all there is if `error` is 0.
        """
        end = int(self.distinct[: feature + 1].sum())
        part = slice(end - int(self.distinct[feature]), end)
        return self.values[part], self.counts[part]


def _reduced(
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    distinct: NDArray[np.int64],
    error: NDArray[np.int64],
) -> HeavyHitters:
    """Subtract the 1025th largest count of a feature from all its counts, and keep what is left."""
    crowded = np.flatnonzero(distinct > CAPACITY)
    if not crowded.size:
        return HeavyHitters(values, counts, distinct, error)
    ends = np.cumsum(distinct)
    taken = np.zeros_like(error)
    for f in crowded:
        part = counts[ends[f] - distinct[f] : ends[f]]
        # the usual case, all different, needs no selection
        taken[f] = 1 if part.max() == 1 else np.partition(part, -CAPACITY - 1)[-CAPACITY - 1]
    feature = np.repeat(np.arange(len(distinct)), distinct)
    counts = counts - taken[feature]
    keep = counts > 0
    return HeavyHitters(
        values[keep], counts[keep], np.bincount(feature[keep], minlength=len(distinct)), error + taken
    )
