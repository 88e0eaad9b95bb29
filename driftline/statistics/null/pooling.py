"""Pool rare categories so that every group expects enough rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RARE = 5.0
"""Expected rows below which the chi-square approximation is not used."""

_FEWEST_GROUPS = 3
_CERTAIN = 3.0  # standard deviations by which a category must be more frequent to be so next time


def by_chance(rows: NDArray[np.float64], effect: float) -> NDArray[np.bool_]:
    """Tell which categories have a bin only because the reference happened to have more rows of them.

    They, and *other*, have another share in the next rows than in those that chose them.

    Parameters
    ----------
    rows : ndarray of float64, shape (K + 1,)
        Rows of each category of the reference, *other* last.
    effect : float
        How many times windows vary more than independent rows would.

    Returns
    -------
    ndarray of bool, shape (K + 1,)
        Those near the rarest of the named, and *other*; none where the reference has no other.
    """
    if len(rows) == 1 or not rows[-1]:
        return np.zeros(len(rows), bool)
    rarest = rows[:-1].min()
    chance: NDArray[np.bool_] = rows <= rarest + _CERTAIN * np.sqrt(rarest * max(effect, 1.0))
    # *other* stands alone where it is what has no name for good
    chance[-1] = chance[:-1].sum() > 1
    chance[:-1] &= chance[-1]
    return chance


def pool_rare(
    fractions: NDArray[np.float64],
    smallest_n: float,
    least: float,
    pooled: NDArray[np.bool_] | None = None,
) -> NDArray[np.int16]:
    """Put categories that expect fewer than ``least`` rows in the smallest window into one group.

    Parameters
    ----------
    fractions : ndarray of float64, shape (K,)
        Reference fractions.
    smallest_n : float
        Rows of the smallest window that is ever judged.
    least : float
        Expected rows a group must have.
    pooled : ndarray of bool, shape (K,), optional
        Categories that count as rare however many rows they have.

    Returns
    -------
    ndarray of int16, shape (K,)
        Group of each category, groups counted from 0; never fewer than three (the two largest and the rest).
        The rare ones stay a group of their own even where they are too few together: joined to a frequent
        category, that category could turn into a new one unseen.

    Examples
    --------
    >>> pool_rare(np.array([0.6, 0.34, 0.02, 0.01, 0.03]), 200, 5).tolist()
    [0, 1, 3, 3, 2]
    """
    rare = fractions * smallest_n < least
    if pooled is not None:
        rare, fractions = rare | pooled, np.where(pooled, 0.0, fractions)
    group = np.cumsum(~rare) - 1
    group[rare] = (~rare).sum()
    if group.max() + 1 < _FEWEST_GROUPS:
        rank = np.argsort(np.argsort(-fractions, kind="stable"), kind="stable")
        return np.minimum(rank, _FEWEST_GROUPS - 1).astype(np.int16)
    return group.astype(np.int16)


def sum_groups(counts: NDArray[np.float64], group: NDArray[np.int16], groups: int) -> NDArray[np.float64]:
    """Sum categories (..., K) into groups (..., groups)."""
    member = np.zeros((len(group), groups))
    member[np.arange(len(group)), group] = 1.0
    return counts @ member


def design_effect(counts: NDArray[np.float64]) -> float:
    """How many times the windows vary more than independent rows would.

    Parameters
    ----------
    counts : ndarray of float64, shape (W, G)
        Rows of each window and group.

    Returns
    -------
    float
        Mean chi-square of the windows against their pooled fractions, over its degrees of freedom.

    References
    ----------
    Rao, J. N. K. and Scott, A. J. (1981). The analysis of categorical data from complex sample surveys.
    Journal of the American Statistical Association 76, 221-230.
    """
    n = counts.sum(1)
    pooled = counts.sum(0) / n.sum()
    deviation = counts / n[:, None] - pooled
    chi2 = (deviation**2 / np.maximum(pooled, 1e-9)).sum(1) * n
    return float(chi2.mean()) / max(len(pooled) - 1, 1)
