"""Two-sample chi-square test of homogeneity on category counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RARE = 5.0  # expected rows below which the chi-square approximation is not used


def two_sample(current: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pearson's chi-square of two rows of counts, and its p-value as if all rows were independent.

    Categories of which either sample should have fewer than five rows are counted as one. If even together
    they should have, and do have, fewer than five, they join the rarest of the others unless it is the only
    one. Categories without rows are left out.

    Parameters
    ----------
    current, reference : array_like of int, shape (..., K)
        Counts of categories, other and missing.

    Returns
    -------
    statistic : ndarray of float64, shape (...)
        Chi-square; nan where a sample is empty.
    p_value : ndarray of float64, shape (...)
        Upper tail of chi-square with (categories - 1) degrees of freedom; 1 when one category is left.

    References
    ----------
    Pearson, K. (1911). On the probability that two independent distributions of frequency are really samples
    from the same population. Biometrika 8, 250-254. Cochran, W. G. (1954). Some methods for strengthening
    the common chi-square tests. Biometrics 10, 417-451, section 3 (the rule of five).

    Examples
    --------
    >>> statistic, p = two_sample([30, 70], [50, 50])
    >>> round(float(statistic), 3), round(float(p), 4)
    (8.333, 0.0039)
    """
    current, reference = np.asarray(current, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    n, m = current.sum(-1, keepdims=True), reference.sum(-1, keepdims=True)
    both = current + reference
    smaller = np.minimum(n, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = both / (n + m)
    rare = share * smaller < RARE
    pooled = np.where(rare, share, 0.0).sum(-1, keepdims=True)
    hits = np.where(rare, np.where(n <= m, current, reference), 0.0).sum(-1, keepdims=True)
    # the pooled ones are still rare, and not because they are new: the rarest frequent category takes them in
    needs_company = (pooled > 0) & (pooled * smaller < RARE) & (hits < RARE)
    needs_company &= (~rare).sum(-1, keepdims=True) > 1
    rarest = np.where(rare, np.inf, share).argmin(-1)[..., None]
    joins = rare | (needs_company & (np.arange(share.shape[-1]) == rarest))
    live_pool = np.where(joins, current, 0.0).sum(-1, keepdims=True)
    base_pool = np.where(joins, reference, 0.0).sum(-1, keepdims=True)
    live = np.concatenate([np.where(joins, 0.0, current), live_pool], axis=-1)
    base = np.concatenate([np.where(joins, 0.0, reference), base_pool], axis=-1)
    total = live + base
    cells = total > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = live / n - base / m
        terms = np.where(cells, difference * difference * (n + m) / total, 0.0)
        statistic = (terms.sum(-1, keepdims=True) * n * m / (n + m))[..., 0]
    free = cells.sum(-1) - 1
    p_value = np.where(free < 1, 1.0, special.chdtrc(np.maximum(free, 1), statistic))
    empty = (n[..., 0] == 0) | (m[..., 0] == 0)
    return np.where(empty, np.nan, statistic), np.where(empty, np.nan, p_value)
