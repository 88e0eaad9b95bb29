"""How much the windows of a reference depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENOUGH_WINDOWS = 10


class Dependence(NamedTuple):
    """Inflation factors of averages over dependent windows.

    Attributes
    ----------
    mean : float
        ``1 + 2 sum r_k``: variance of a mean over windows, relative to independent ones.
    square : float
        ``1 + 2 sum r_k^2``: the same for a mean of squares, by which degrees of freedom are divided.
    """

    mean: float
    square: float


def dependence(deviations: NDArray[np.float64], overlap: float) -> Dependence:
    """Estimate dependence from the windows' overlap, or from their autocorrelation where that is larger.

    Parameters
    ----------
    deviations : ndarray of float64, shape (W, B)
        Deviations of the windows from their mean, in time order.
    overlap : float
        Window length over window period: 1 for disjoint windows.

    Returns
    -------
    Dependence
        Inflation factors, both at least 1.

    References
    ----------
    Bartlett, M. S. (1946). On the theoretical specification and sampling properties of autocorrelated
    time-series. Supplement to the Journal of the Royal Statistical Society 8, 27-41. Centring on the
    windows' own mean biases each r_k by about ``-(1 + 2 sum r) / W`` (Marriott and Pope 1954, Biometrika 41,
    390-402); one more pass undoes it.
    """
    shared = np.maximum(1 - np.arange(1, int(np.ceil(overlap))) / overlap, 0.0)
    estimated = autocorrelation(deviations) if len(deviations) >= _ENOUGH_WINDOWS else np.zeros(0)
    return Dependence(
        max(1 + 2 * float(shared.sum()), 1 + 2 * float(estimated.sum())),
        max(1 + 2 * float((shared**2).sum()), 1 + 2 * float((estimated**2).sum())),
    )


def autocorrelation(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate autocorrelations up to the first one that is not significant.

    Parameters
    ----------
    deviations : ndarray of float64, shape (W, B)
        Deviations of the windows from their mean, in time order.

    Returns
    -------
    ndarray of float64, shape (L,)
        Of lags 1 to L, all bins together.
    """
    windows = len(deviations)
    variance = max(float((deviations**2).sum()) / windows, 1e-300)
    spectrum = np.abs(fft.rfft(deviations, fft.next_fast_len(2 * windows), axis=0)) ** 2
    lag = np.arange(1, windows // 3)
    raw = fft.irfft(spectrum.sum(1), fft.next_fast_len(2 * windows))[lag] / (windows - lag) / variance
    # bins move together: how many of them count as independent series decides what is significant
    concentration = float(((deviations.T @ deviations / windows) ** 2).sum())
    series = max(variance**2 / max(concentration, 1e-300), 1.0)
    significant = 2 / np.sqrt(windows * min(series, 4.0))
    kept = np.zeros(0)
    for _ in range(2):
        bias = (1 + 2 * float(kept.sum())) / windows
        corrected = raw * (1 - min(bias, 0.5)) + bias
        stop = np.flatnonzero(corrected < significant)
        kept = np.minimum(corrected[: stop[0] if len(stop) else len(corrected)], 1.0)
    return kept
