"""Where in its bin the values of a bin lie: their sum, counted from an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def anchors(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the value from which the offsets of each bin count.

    Parameters
    ----------
    edges
        Ascending, rows padded with +inf, shape (F, B - 1), float64.

    Returns
    -------
    numpy.ndarray
        Shape (F, B), float64: the lower edge of a bin, of the first its upper one; 0 in the padding and for
        a feature without edges.

    Examples
    --------
    >>> anchors(np.array([[1.0, 4.0, np.inf]]))
    array([[1., 1., 4., 0.]])
    """
    first = edges[:, :1] if edges.shape[1] else np.zeros((len(edges), 1))
    whole = np.concatenate((first, edges), axis=1)
    return np.where(np.isfinite(whole), whole, 0.0)


def offsets_of_sorted(
    rows: NDArray[np.float64], starts: NDArray[np.int64], anchor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum up how far the values of each bin lie from its anchor.

    Parameters
    ----------
    rows
        Values in ascending order, behind them at least one NaN, shape (F, n + 1), float64.
    starts
        Where each bin begins and the last one ends, shape (F, B + 1), int64.
    anchor
        As `anchors` gives it, shape (F, B).

    Returns
    -------
    numpy.ndarray
        Shape (F, B), float64; 0 for an empty bin.
    """
    counts = np.diff(starts)
    sums = np.empty(counts.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        for row, start, out in zip(rows, starts, sums, strict=True):
            out[:] = np.add.reduceat(row, start)[:-1]
        return np.where(counts > 0, sums - counts * anchor, 0.0)


def bin_widths(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the widths of the bins (F, B); 0 for the two open ones and in the padding.

    Examples
    --------
    >>> bin_widths(np.array([[1.0, 4.0, np.inf]]))
    array([[0., 3., 0., 0.]])
    """
    found = np.zeros((len(edges), edges.shape[1] + 1))
    if edges.shape[1] > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            between = np.diff(edges, axis=1)
        found[:, 1:-1] = np.where(np.isfinite(between), between, 0.0)
    return found
