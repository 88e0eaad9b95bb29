"""How large a change of rates is, in units people use: points, and how many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_POINTS: Final = 0.01
"""A rate that changes by less has no ratio: tripling one row in ten thousand is no news."""

_HALF_ROW: Final = 0.5


def rate_sizes(
    current: Floats, rows: Floats, reference: Floats, reference_rows: Floats
) -> tuple[Floats, Floats]:
    """Find the largest change among rates of the same rows.

    Parameters
    ----------
    current, reference : ndarray of float64, shape (F, K)
        Rows of each of K kinds: of a category, missing, beyond the reference's range.
    rows, reference_rows : ndarray of float64, shape (F,)
        All rows.

    Returns
    -------
    points : ndarray of float64, shape (F,)
        Largest change of a share, from 0 to 1; nan where a sample is empty.
    ratio : ndarray of float64, shape (F,)
        Largest ratio of a share to what it was, up or down, among those that change by `LEAST_POINTS` or
        more; each with half a row more, so that a share of nothing has one. 1 if there is none, nan where a
        sample is empty.

    Examples
    --------
    >>> points, ratio = rate_sizes(np.array([[80.0]]), np.array([1e3]), np.array([[100.0]]), np.array([1e4]))
    >>> float(points[0]), round(float(ratio[0]), 1)
    (0.07, 8.0)
    """
    some = (rows > 0) & (reference_rows > 0)
    n, m = np.where(some, rows, 1.0)[:, None], np.where(some, reference_rows, 1.0)[:, None]
    change = np.abs(current / n - reference / m)
    times = np.log((current + _HALF_ROW) / (n + _HALF_ROW)) - np.log(
        (reference + _HALF_ROW) / (m + _HALF_ROW)
    )
    ratio = np.exp(np.where(change >= LEAST_POINTS, np.abs(times), 0.0).max(-1))
    return np.where(some, change.max(-1), np.nan), np.where(some, ratio, np.nan)
