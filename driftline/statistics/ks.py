"""Two-sample Kolmogorov-Smirnov distance on histogram bins, with its p-value for independent rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from driftline.statistics.distance import Distance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STEPS = 5.0  # an atom's bin is two of 2^-23 of its value wide, which may be four of float32
_OF_ITS_NEIGHBOURS = 2.0**-18  # that of 0 is two millionths of the way to the next value wide
_NEWTON_STEPS = 5
_UNINTERESTING = 0.5  # scaled distances below this have p = .96 or more whatever happens inside the bins


def distance(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest gap between two cumulative distributions.

    Parameters
    ----------
    difference : ndarray of float64, shape (..., B)
        Bin fractions of one sample minus those of the other, bins in ascending order of value.

    Returns
    -------
    ndarray of float64, shape (...)
        ``max |F(x) - G(x)|`` over the bin edges, in [0, 1].

    Examples
    --------
    >>> float(distance(np.array([0.25, 0.0, -0.25])))
    0.25
    """
    largest: NDArray[np.float64] = np.abs(difference.cumsum(-1)).max(-1)
    return largest


def atom_bins(edges: ArrayLike) -> NDArray[np.bool_]:
    """Tell which bins hold one single value, from how narrow they are.

    Parameters
    ----------
    edges : array_like of float, shape (..., B - 1)
        Ascending bin edges; padding is +inf.

    Returns
    -------
    ndarray of bool, shape (..., B)
        True where a bin is no wider than a float32 or the last digits of a computation are off: where it is
        that of an atom, as `driftline.profiles.bins.around_values` makes it, or of 0.
    """
    edges = np.asarray(edges, dtype=np.float64)
    low, high = edges[..., :-1], edges[..., 1:]
    finite = np.isfinite(low) & np.isfinite(high)
    with np.errstate(over="ignore", invalid="ignore"):
        step = _STEPS * np.abs(np.spacing(low.astype(np.float32))).astype(np.float64)
        width = np.where(finite, high - low, np.inf)
        sides = np.full((*edges.shape[:-1], 1), np.inf)
        left = np.concatenate([sides, width[..., :-1]], axis=-1)
        right = np.concatenate([width[..., 1:], sides], axis=-1)
        zero = (low < 0) & (high > 0) & (width <= np.minimum(left, right) * _OF_ITS_NEIGHBOURS)
        narrow = finite & ((width <= step) | zero)
    outer = np.zeros((*edges.shape[:-1], 1), dtype=bool)
    return np.concatenate([outer, narrow, outer], axis=-1)


def iid_p_value(
    difference: NDArray[np.float64],
    n: ArrayLike,
    m: ArrayLike,
    mass: NDArray[np.float64],
) -> NDArray[np.float64]:
    """p-value of the two-sample KS test as if all rows were independent.

    A histogram sees the two cumulative curves at its edges only; what their difference, a Brownian bridge,
    does inside a bin is unseen. The distance tested is therefore the median of the largest gap given the
    edges, which follows from the reflection principle: between values ``a`` and ``b`` a bridge over the
    probability mass ``t`` exceeds ``c`` with probability ``exp(-2 (c - a)(c - b) / t)``. Its p-value is
    Kolmogorov's, with a small-sample correction.

    Parameters
    ----------
    difference : ndarray of float64, shape (F, B)
        Bin fractions of one sample minus those of the other.
    n, m : array_like of int, shape (F,)
        Rows with a value in either sample.
    mass : ndarray of float64, shape (F, B)
        Probability inside a bin over which values spread: the bin's share, 0 for an atom.

    Returns
    -------
    ndarray of float64, shape (F,)
        p-values; nan where a sample is empty.

    References
    ----------
    Vrbik, J. (2018). Small-sample corrections to Kolmogorov-Smirnov test statistic. Pioneer Journal of
    Theoretical and Applied Statistics 15, 15-23.
    Karatzas, I. and Shreve, S. (1991). Brownian Motion and Stochastic Calculus, section 2.6.A and 4.3.
    """
    n, m = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = n * m / (n + m)
    scaled = np.abs(difference.cumsum(-1)) * np.sqrt(rows)[..., None]
    z = scaled.max(-1)
    look = z > _UNINTERESTING
    z[look] = _median_between_edges(scaled[look], mass[look])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = z + 1 / (6 * np.sqrt(rows)) + (z - 1) / (4 * rows)
    return np.where(rows > 0, special.kolmogorov(z), np.nan)


def _median_between_edges(scaled: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of the supremum of a bridge whose absolute values at the edges are ``scaled`` (F, B)."""
    highest: NDArray[np.float64] = scaled.max(-1)
    if not len(highest):
        return highest
    left = np.concatenate([np.zeros((len(scaled), 1)), scaled[:, :-1]], axis=1)
    level: NDArray[np.float64] = highest + 0.8 * np.sqrt(mass.max(-1))
    spread = np.maximum(mass, 1e-12)
    for _ in range(_NEWTON_STEPS):
        a, b = level[:, None] - left, level[:, None] - scaled
        exceed = np.exp(np.maximum(-2 * a * b / spread, -700.0))
        exceed[mass <= 0] = 0.0
        below = np.maximum(1 - exceed, 1e-12)
        residual = np.log(below).sum(-1) + np.log(2.0)
        slope = (exceed / below * 2 * (a + b) / spread).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(slope > 0, residual / slope, 0.0)
        # the root lies right of the highest edge; halving keeps Newton's method there
        level = np.maximum(level - step, (level + highest) / 2)
    return level


KS = Distance("ks", between=lambda difference, _: distance(difference), one_row=lambda rows, *_: 1 / rows)
