"""Distinct values of sorted rows, all rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def runs(
    rows: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """List the distinct values of sorted rows and how often each comes.

    Parameters
    ----------
    rows
        Sorted along the last axis, shape (F, n), float64, n >= 1.
    start
        Position of the first value that matters in each row, shape (F,), int64.
    count
        Number of values from there, shape (F,), int64.

    Returns
    -------
    values, counts
        Of one row after the other, increasing within each, shape (sum of distinct,), float64 and int64.
    distinct
        How many of them belong to each row, shape (F,), int64.

    Examples
    --------
    >>> runs(np.array([[1.0, 1.0, 2.0], [5.0, 6.0, np.nan]]), np.array([0, 0]), np.array([3, 2]))
    (array([1., 2., 5., 6.]), array([2, 1, 1, 1]), array([2, 2]))
    """
    n = rows.shape[1]
    each, end = np.arange(n), start + count
    fresh = np.empty(rows.shape, dtype=bool)
    fresh[:, 0] = True
    np.not_equal(rows[:, 1:], rows[:, :-1], out=fresh[:, 1:])
    fresh &= (each >= start[:, None]) & (each < end[:, None])
    fresh[count > 0, start[count > 0]] = True
    begins = np.flatnonzero(fresh)
    distinct = fresh.sum(axis=1)
    counts = np.diff(begins, append=0)
    some = distinct > 0
    lasts = (np.cumsum(distinct) - 1)[some]
    counts[lasts] = (end + np.arange(len(rows)) * n)[some] - begins[lasts]
    return rows.ravel()[begins], counts, distinct
