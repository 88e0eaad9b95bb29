"""Many tests at once: false discovery rate, and one p-value out of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_INDIFFERENT = 0.9  # p-values above say nothing against the null, and must not veto those that do


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


def cauchy_combination(p: Sequence[ArrayLike], weights: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Combine p-values of tests of one feature, however they depend on each other.

    Each p-value becomes a Cauchy variable, ``tan(pi (1/2 - p))``; their weighted mean is one again, in its
    tail also if they depend. Unlike Bonferroni it loses nothing where the tests say the same.

    Parameters
    ----------
    p : sequence of array_like of float, each shape (F,)
        p-values, one array a test; nan where a test does not apply. Those above .9 count as .9, unless all
        are: the test with the smallest decides then.
    weights : sequence of float, optional
        How much each test counts where it applies; alike if not given.

    Returns
    -------
    ndarray of float64, shape (F,)
        Combined p-values; nan where no test applies.

    References
    ----------
    Liu, Y. and Xie, J. (2020). Cauchy combination test: a powerful test with analytic p-value calculation
    under arbitrary dependency structures. Journal of the American Statistical Association 115, 393-402. Fang,
    Y., Chang, C., Park, Y. and Tseng, G. C. (2023). Heavy-tailed distribution for combining dependent
    p-values with asymptotic robustness. Statistica Sinica 33, 1115-1142 (the truncation).

    Examples
    --------
    >>> cauchy_combination([[0.01, 1.0], [0.01, 1.0]]).round(4).tolist()
    [0.01, 1.0]
    >>> cauchy_combination([[0.01, 0.01], [0.5, float("nan")]]).round(4).tolist()
    [0.02, 0.01]
    """
    each = np.array([np.asarray(one, dtype=np.float64) for one in p])
    tested = ~np.isnan(each)
    count = tested.sum(0)
    weight = tested * (np.ones(len(each)) if weights is None else np.asarray(weights))[:, None]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # 1 / tan keeps the digits of small p-values
        variables = np.where(tested, 1 / np.tan(np.pi * np.minimum(each, _INDIFFERENT)), 0.0)
        mean = (weight * variables).sum(0) / weight.sum(0)
        combined = np.arctan2(1.0, mean) / np.pi
    smallest = np.fmin.reduce(each)
    combined = np.where((smallest > _INDIFFERENT) | (count == 1), smallest, combined)
    return np.where(count > 0, combined, np.nan)
