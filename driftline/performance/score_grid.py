"""The fixed bins that probabilities are counted in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss

CALIBRATION_BINS: Final = 15
"""Equal-width bins of the calibration error, as in Guo et al. (2017)."""

_ANGLES: Final = 256
_TAIL: Final = (1e-9, 2e-9, 5e-9, 1e-8, 2e-8, 5e-8, 1e-7, 2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5)


@lru_cache(maxsize=8)
def score_edges(threshold: float) -> NDArray[np.float64]:
    """List the edges between the bins of [0, 1].

    The edges are equal steps of the angle ``asin(sqrt(score))``, on which the standard deviation of a share
    is the same everywhere, so rare classes are resolved; 1-2-5 steps towards 0 and 1; the equal-width edges
    of the calibration error; and the threshold. So calibration bins and both sides of the threshold are sums
    of bins.

    Parameters
    ----------
    threshold
        The score from which on class 1 is predicted.

    Returns
    -------
    ndarray of float64
        Inner edges, ascending, read-only. Bin i holds ``edges[i - 1] <= score < edges[i]``, the last one
        score 1 too. They are part of format version 1 of `PerformanceProfile`: never change them.
    """
    angles = np.pi / 2 * np.arange(1, _ANGLES) / _ANGLES
    tail = np.array(_TAIL)
    edges = np.unique(
        np.concatenate(
            [
                np.round(np.sin(angles) ** 2, 6),  # the same numbers whatever the sine of the processor
                tail,
                1 - tail,
                calibration_edges(),
                [threshold + 0.0],
            ]
        )
    )
    edges.flags.writeable = False
    return edges


def calibration_edges() -> NDArray[np.float64]:
    """List the inner edges of the bins of the calibration error."""
    return np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS


@lru_cache(maxsize=8)
def calibration_bins(threshold: float) -> NDArray[np.int64]:
    """Tell which bin of the calibration error each bin of scores belongs to.

    Returns
    -------
    ndarray of int64
        One of 0 to `CALIBRATION_BINS` - 1 for each bin of scores.
    """
    begins = np.concatenate([[0.0], score_edges(threshold)])
    return np.searchsorted(calibration_edges(), begins, side="right")


def first_positive_bin(threshold: float) -> int:
    """Find the first bin whose scores are predicted to be class 1."""
    return int(np.searchsorted(score_edges(threshold), threshold)) + 1


def number_of_bins(loss: Loss) -> int:
    """Count the bins of scores that a loss needs: none for numbers."""
    return len(score_edges(loss.threshold)) + 1 if loss.binary else 0


def bins_of(scores: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Bin of every score, (n,) float64 in [0, 1].

    Examples
    --------
    >>> (bins_of(np.array([0.49, 0.5, 1.0]), 0.5) >= first_positive_bin(0.5)).tolist()
    [False, True, True]
    """
    return np.searchsorted(score_edges(threshold), scores, side="right")
