"""Tail of a quadratic form whose covariance was estimated: an F distribution, uncertain in scale and tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.statistics.null.lookup_grid import P_GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEP: Final = 0.09  # of every logarithmic grid here, so that scaling is a shift along it
_SCALES: Final = _STEP * np.arange(-16, 17)  # log c: a quarter to four times what was expected
_TAILS: Final = np.geomspace(2.5, 1000.0, 40)  # d, equally likely beforehand
_BULK: Final = 0.6  # windows among the nearer six tenths say how many they are, not how near: the tail counts
_PLACES: Final = _STEP * np.arange(-90, 260)  # log of the mean square


def predictive_quantiles(squares: Floats, components: int, dependence: float) -> Floats:
    """Quantiles of the next window's ``T^2``, given those of windows that were left out of its covariance.

    ``T^2 / K = c F(K, d)``. Scale c and tail d are averaged over what the windows leave possible: by their
    likelihood, with all log c and log d of the grid equally likely beforehand.

    Parameters
    ----------
    squares : ndarray of float64, shape (W,)
        ``T^2`` of windows, each with mean and covariance of other windows; without any, all of the grid
        stays as likely as it was beforehand.
    components : int
        K.
    dependence : float
        By how much dependent windows thin out the likelihood.

    Returns
    -------
    ndarray of float64, shape (len(P_GRID),)
        Log quantiles, upper tail.

    References
    ----------
    Hotelling, H. (1931). The generalization of Student's ratio. Annals of Mathematical Statistics 2, 360-378.
    Aitchison, J. and Dunsmore, I. R. (1975). Statistical Prediction Analysis, chapter 2 (averaging over the
    parameters).
    """
    weight = _likelihood(np.log(np.maximum(squares / components, 1e-12)), components, dependence)
    tail = np.stack([special.fdtrc(components, d, np.exp(_PLACES)) for d in _TAILS])
    half = len(_SCALES) // 2
    # P(c F > x) at log x is P(F > x / c), a shift of the grid by log c
    padded = np.pad(tail, ((0, 0), (half, half)), mode="edge")
    shifted = np.lib.stride_tricks.sliding_window_view(padded, len(_PLACES), axis=1)[:, ::-1]
    survival = np.tensordot(weight, shifted, axes=2)
    log_p = np.log(np.maximum(survival, 1e-300))
    found: Floats = np.interp(-np.log(P_GRID), -log_p, _PLACES) + np.log(components)
    return found


def _likelihood(log_mean_square: Floats, components: int, dependence: float) -> Floats:
    """Posterior of (d, log c) on the grid, shape (D, C), adding up to 1."""
    if not len(log_mean_square):
        return np.full((len(_TAILS), len(_SCALES)), 1 / (len(_TAILS) * len(_SCALES)))
    start = float(np.quantile(log_mean_square, _BULK))
    beyond = log_mean_square[log_mean_square > start]
    x = beyond[:, None] - _SCALES  # (W, C)
    inside = len(log_mean_square) - len(beyond)
    k = components
    score = np.empty((len(_TAILS), len(_SCALES)))
    for row, d in enumerate(_TAILS):
        constant = k / 2 * np.log(k / d) - special.betaln(k / 2, d / 2)
        density = constant + k / 2 * x - (k + d) / 2 * np.log1p(k / d * np.exp(x))
        below = special.fdtr(k, d, np.exp(start - _SCALES))
        score[row] = density.sum(0) + inside * np.log(np.maximum(below, 1e-300))
    score = score / dependence
    likelihood = np.exp(score - score.max())
    weight: Floats = likelihood / likelihood.sum()
    return weight
