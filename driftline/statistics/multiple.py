"""Many tests at once: false discovery rate, and one p-value out of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that rejecting those below alpha keeps the false discovery rate below alpha.

    Parameters
    ----------
    p : array_like of float, any shape
        p-values of one family. nan means not tested: left out of the family, and nan in the result.

    Returns
    -------
    ndarray of float64, same shape
        Adjusted p-values.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a practical and powerful
    approach to multiple testing. Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, float("nan"), 0.03]).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested], method="bh")
    return adjusted


def bonferroni_pair(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Combine two p-values of one feature: twice the smaller one, or the only one there is.

    Parameters
    ----------
    first, second : array_like of float
        p-values, nan where a test does not apply.

    Returns
    -------
    ndarray of float64
        Combined p-values, at most 1; nan where neither test applies.

    Examples
    --------
    >>> bonferroni_pair([0.01, float("nan"), 0.9], [0.5, 0.2, 0.8]).tolist()
    [0.02, 0.2, 1.0]
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    tests = 2.0 - np.isnan(first) - np.isnan(second)
    combined: NDArray[np.float64] = np.minimum(np.fmin(first, second) * tests, 1.0)
    return combined
