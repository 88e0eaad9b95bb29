"""Which share of the reference's rows had categories that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def vanished_share(
    named: NDArray[np.int64], n: Floats, shares: Floats, cardinality: Floats, expected: Floats
) -> Floats:
    """Estimate the share of rows that categories had which should be in a window and are not.

    Small windows lack many rare categories. So a share counts only as far as the window's cardinality falls
    short of that of normal windows of so many rows.

    Parameters
    ----------
    named : ndarray of int64, shape (F, K)
        Rows of the window in each category that has a bin.
    n : ndarray of float64, shape (F,)
        Rows of the window with a value.
    shares : ndarray of float64, shape (F, K)
        Of the categories among the reference's values.
    cardinality, expected : ndarray of float64, shape (F,)
        Distinct categories of the window, and of normal windows of n rows; nan if not known.

    Returns
    -------
    ndarray of float64, shape (F,)
        From 0 to 1; 0 if the cardinality is not known.

    Examples
    --------
    Two named categories with a quarter each are there; of a hundred others half are gone.

    >>> here = np.array([[250, 260]]), np.array([1e3]), np.array([[0.25, 0.25]])
    >>> vanished_share(*here, np.array([52.0]), np.array([102.0])).round(2)
    array([0.25])
    """
    missed = shares * (named == 0)
    usual = -np.expm1(n[:, None] * np.log1p(-np.minimum(shares, 1 - 1e-9)))
    others = np.maximum(expected - usual.sum(-1), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        short = np.clip(1 - cardinality / expected, 0.0, 1.0)
        short_of_others = np.clip(1 - (cardinality - (named > 0).sum(-1)) / others, 0.0, 1.0)
    gone = missed.sum(-1) + np.clip(1 - shares.sum(-1), 0.0, 1.0) * short_of_others
    found: Floats = np.nan_to_num(np.minimum(short, gone))
    return found
