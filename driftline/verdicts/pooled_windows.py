"""A change that many windows show together, and the smallest that they would have shown.

Every stretch of windows is looked at, short or long, so that a change of some weeks is neither lost among the
quiet ones nor in the noise of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST: Final = 2
"""One window is for its own p-value."""
_BOUND: Final = 3.891  # p = 1e-4: a stretch is more than its most unusual window
_POWER: Final = 0.8416  # standard deviations: a change is seen in four of five cases
_WINDOWS_UNKNOWN: Final = 10


@dataclass(frozen=True, eq=False)
class RunSpread:
    """How far the mean of a stretch of normal windows strays.

    Parameters
    ----------
    lengths
        (L,) float64, ascending, numbers of windows.
    variances
        (L,) float64, variance of the mean of as many, over that of independent windows.
    df
        Degrees of freedom of that.
    """

    lengths: Floats = field(default_factory=lambda: np.array([1.0, 1e9]))
    variances: Floats = field(default_factory=lambda: np.ones(2))
    df: float = math.inf

    @staticmethod
    def independent(windows: float) -> RunSpread:
        """Take windows for independent, and the centre for the mean of as many."""
        windows = max(windows, _WINDOWS_UNKNOWN)
        lengths = np.array([1.0, 128.0])
        return RunSpread(lengths, 1 + lengths / windows, windows - 1)

    def of(self, lengths: Floats) -> Floats:
        """Give the variances of stretches of these lengths; beyond the longest they grow on."""
        inside: Floats = np.interp(lengths, self.lengths, self.variances)
        found: Floats = inside * np.maximum(lengths / self.lengths[-1], 1.0)
        return found


@dataclass(frozen=True)
class PooledChange:
    """Windows that differ together.

    Parameters
    ----------
    first, last
        Places of the first and of the last window, among those that were given.
    deviations
        The mean of the stretch in its standard deviations among normal stretches.
    """

    first: int
    last: int
    deviations: float


def pooled_rise(deviations: Floats, spread: RunSpread, alpha: float) -> PooledChange | None:
    """Find the stretch of windows that lies highest, if that is no chance.

    Parameters
    ----------
    deviations
        (W,) float64, of windows that do not overlap, in time order, in standard deviations of normal ones.
    alpha
        How often a series without a change may show one: shared by all stretches (Bonferroni).

    Returns
    -------
    PooledChange or None

    Examples
    --------
    >>> pooled_rise(np.r_[np.zeros(10), np.full(10, 2.0)], RunSpread(), 0.01)
    PooledChange(first=10, last=19, deviations=6.32...)
    """
    W = len(deviations)
    if W < FEWEST:
        return None
    sums = np.concatenate([[0.0], np.cumsum(np.clip(deviations, -_BOUND, _BOUND))])
    best, where = -math.inf, (0, 0)
    for length in range(FEWEST, W + 1):
        means = (sums[length:] - sums[:-length]) / math.sqrt(length)
        means = means / math.sqrt(float(spread.of(np.array([float(length)]))[0]))
        first = int(means.argmax())
        if means[first] > best:
            best, where = float(means[first]), (first, first + length - 1)
    if best < critical(W, spread, alpha):
        return None
    return PooledChange(*where, best)


def critical(windows: int, spread: RunSpread, alpha: float) -> float:
    """Give the deviations that the highest stretch of normal windows exceeds in a share `alpha` at most."""
    stretches = max(windows * (windows - 1) // 2, 1)
    return float(-special.stdtrit(min(spread.df, 1e6), alpha / stretches))


def smallest_seen(spreads: Floats, weights: Floats, spread: RunSpread, alpha: float) -> float:
    """Give the change, in all of these windows, that would be seen in four of five cases.

    Parameters
    ----------
    spreads
        (W,) float64, standard deviation of each window's difference among normal windows.
    weights
        (W,) float64, their outcomes.

    Returns
    -------
    float
        In the unit of the spreads; nan without windows.
    """
    if not len(spreads):
        return math.nan
    share = weights / weights.sum()
    error = math.sqrt(float((share**2 * spreads**2).sum() * spread.of(np.array([float(len(spreads))]))[0]))
    return (critical(len(spreads), spread, alpha) + _POWER) * error
