"""How many rows are alike: what Simpson's index of concentration is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def coincidences(categories: NDArray[Any], buckets: NDArray[Any]) -> Floats:
    """Count ordered pairs of rows that are in one hash bucket, or in one category where there are no buckets.

    Which categories have a bin the reference decided: its own rows are more often in them than the next ones.
    Buckets are the same whatever the data.

    Parameters
    ----------
    categories : ndarray, shape (F, K + 1)
        Rows by category, *other* among them.
    buckets : ndarray, shape (F, buckets)
        Rows by hash bucket; 0 of a feature that has none.

    Returns
    -------
    ndarray of float64, shape (F,)
        Pairs.
    """
    return np.where(buckets.any(-1), _pairs(buckets), _pairs(categories))


def _pairs(counts: NDArray[Any]) -> Floats:
    rows = counts.astype(np.float64)
    found: Floats = (rows * (rows - 1)).sum(-1)
    return found


def log_coincidence(pairs: Floats, n: Floats) -> Floats:
    """Logarithm of the chance that two of n rows are alike.

    Parameters
    ----------
    pairs, n : ndarray of float64
        Ordered pairs that are, and rows. One more pair is, so that there is a logarithm.

    References
    ----------
    Simpson, E. H. (1949). Measurement of diversity. Nature 163, 688.
    """
    found: Floats = np.log((pairs + 1) / (n * (n - 1) + 1))
    return found


def independent_variance(shares: Floats, log_coincidences: Floats) -> Floats:
    """Least variance ``a / n + b / n^2`` of the log coincidence of n independent rows.

    The variance of Simpson's estimate is ``4 (sum p^3 - S^2) / n + 2 S / n^2``. Of buckets S is known, and
    ``sum p^3`` is at least that of the largest share alone, and at least ``S^2``.

    Parameters
    ----------
    shares : ndarray of float64, shape (K,)
        Of the categories that have a bin.
    log_coincidences : ndarray of float64, shape (W,)
        Of windows.

    Returns
    -------
    ndarray of float64, shape (2,)
        The numbers a and b.
    """
    alike = float(np.exp(log_coincidences.mean()))
    cubes = max(float(shares.max(initial=0.0)) ** 3, alike**2)
    return np.array([4 * (cubes / alike**2 - 1), 2 / alike])
