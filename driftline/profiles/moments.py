"""Central moments up to the fourth of many features at once, in one pass and mergeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BIG = 2.0**250  # the fourth power of a larger deviation leaves float64
_CHUNK = 32_768  # values worked on at once: what stays in a core's cache


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and sums of powers of deviations from it, of F features.

    Everything is finite, or inf where float64 ends. Where `m4` is inf, `m3` is too, because its sign would
    depend on the order of merges.

    Parameters
    ----------
    mean
        Mean, shape (F,), float64; 0 without values.
    mean_low
        What rounding took from `mean`, shape (F,), float64: their exact sum is the mean. Without it merges at
        mean 1e9 and sd 1 would lose seven digits.
    m2, m3, m4
        Sums of the 2nd, 3rd and 4th powers of the deviations, shape (F,), float64.

    References
    ----------
    Pebay, Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical
    Moments (2008), section 3; Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances (1979).
    """

    mean: NDArray[np.float64]
    mean_low: NDArray[np.float64]
    m2: NDArray[np.float64]
    m3: NDArray[np.float64]
    m4: NDArray[np.float64]

    @classmethod
    def of_sorted(
        cls, rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]
    ) -> Moments:
        """Compute the moments of the finite part of sorted rows.

        Parameters
        ----------
        rows
            Sorted along the last axis, shape (F, n), float64.
        start
            Position of the first finite value of each row, shape (F,), int64.
        count
            Number of finite values from there, shape (F,), int64.

        Returns
        -------
        Moments
            Of ``rows[f, start[f] : start[f] + count[f]]`` for each f.
        """
        F, n = rows.shape
        if n == 0 or not count.any():
            return cls(*np.zeros((5, F)))
        each, present = np.arange(F), count > 0
        first = np.where(present, rows[each, np.minimum(start, n - 1)], 0.0)
        last = np.where(present, rows[each, np.maximum(start + count - 1, 0)], 0.0)
        # the median: no more than one standard deviation from the mean, so little cancels below
        pivot = np.where(present, rows[each, np.minimum(start + count // 2, n - 1)], 0.0)
        exponent = _exponent(np.maximum(-first, last))
        if exponent.any():
            rows, pivot = np.ldexp(rows, -exponent[:, None]), np.ldexp(pivot, -exponent)
        ragged = np.flatnonzero(count < n)
        sums = np.empty((4, F))
        step = max(1, _CHUNK // n)
        for low in range(0, F, step):
            part = slice(low, low + step)
            with np.errstate(invalid="ignore"):
                deviations = rows[part] - pivot[part, None]
            for f in ragged[np.searchsorted(ragged, low) : np.searchsorted(ragged, low + step)]:
                deviations[f - low, : start[f]] = 0
                deviations[f - low, start[f] + count[f] :] = 0
            squares = deviations * deviations
            np.add.reduce(deviations, axis=1, out=sums[0, part])
            np.add.reduce(squares, axis=1, out=sums[1, part])
            np.einsum("ij,ij->i", squares, deviations, out=sums[2, part])
            np.einsum("ij,ij->i", squares, squares, out=sums[3, part])
        number = np.maximum(count, 1)
        shift = sums[0] / number
        mean, mean_low = _two_sum(pivot, shift)
        m2, m3, m4 = sums[1:]
        m4 = m4 - 4 * shift * m3 + 6 * shift**2 * m2 - 3 * number * shift**4
        m3 = m3 - 3 * shift * m2 + 2 * number * shift**3
        m2 = m2 - number * shift**2
        return _finished(cls(mean, mean_low, m2, m3, m4), exponent, first, first == last)

    @classmethod
    def merge(
        cls,
        counts: NDArray[np.int64],
        parts: Moments,
        minimum: NDArray[np.float64],
        maximum: NDArray[np.float64],
    ) -> Moments:
        """Merge moments of disjoint sets of values.

        Parameters
        ----------
        counts
            Values behind each part, shape (K, F), int64.
        parts
            The parts, every field of shape (K, F).
        minimum, maximum
            Extremes of all values together, shape (F,), float64.

        Returns
        -------
        Moments
            Of all values, fields of shape (F,).
        """
        number, total = counts.astype(np.float64), np.maximum(counts.sum(0), 1)
        mean, low, m2, m3, m4 = parts.mean, parts.mean_low, parts.m2, parts.m3, parts.m4
        exponent = _exponent(np.abs(mean).max(0, initial=0))
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if exponent.any():
                mean, low = np.ldexp(mean, -exponent), np.ldexp(low, -exponent)
                m2, m3, m4 = (np.ldexp(m, -k * exponent) for k, m in ((2, m2), (3, m3), (4, m4)))
            pivot = (number * mean).sum(0) / total
            deviations = (mean - pivot) + low
            shift = (number * deviations).sum(0) / total
            deviations = deviations - shift
            squares = deviations * deviations
            new4 = (m4 + 4 * deviations * m3 + squares * (6 * m2 + number * squares)).sum(0)
            new3 = (m3 + deviations * (3 * m2 + number * squares)).sum(0)
            new2 = (m2 + number * squares).sum(0)
        high, rest = _two_sum(pivot, shift)
        return _finished(cls(high, rest, new2, new3, new4), exponent, minimum, minimum == maximum)


def _finished(
    moments: Moments, exponent: NDArray[np.int64], value: NDArray[np.float64], constant: NDArray[np.bool_]
) -> Moments:
    """Undo the scaling, make overflow regular, and constants exact."""
    mean, low, m2, m3, m4 = moments.mean, moments.mean_low, moments.m2, moments.m3, moments.m4
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if exponent.any():
            mean, low = np.ldexp(mean, exponent), np.ldexp(low, exponent)
            m2, m3, m4 = (np.ldexp(m, k * exponent) for k, m in ((2, m2), (3, m3), (4, m4)))
        m2 = np.where(np.isnan(m2), np.inf, np.maximum(m2, 0.0))
        m4 = np.where(np.isnan(m4), np.inf, np.maximum(m4, 0.0))
    m3 = np.where(np.isfinite(m4), m3, np.inf)
    if constant.any():
        mean, low = np.where(constant, value, mean), np.where(constant, 0.0, low)
        m2, m3, m4 = (np.where(constant, 0.0, m) for m in (m2, m3, m4))
    return Moments(mean, low, m2, m3, m4)


def _exponent(size: NDArray[np.float64]) -> NDArray[np.int64]:
    """Power of two by which to shrink features whose moments would overflow; 0 for all others."""
    return np.where(size > _BIG, np.frexp(size)[1], 0)


def _two_sum(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and exact rounding error (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B)."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)
