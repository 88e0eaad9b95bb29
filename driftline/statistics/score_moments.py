"""Shift, spread, skew and tails of a window, by the normal scores of its ranks in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOMENTS: Final = 4
"""Shift, spread, skew and tails."""

_TAIL: Final = 1.5 / 64  # the mass of the last regular bin, and a half
_FARTHEST: Final = 1e-4  # what lies beyond the reference is as far out as one row of ten thousand
_LEAST_VARIANCE: Final = 1e-4  # of a window in which all rows are alike, in units of the reference's
_LEAST_NORM: Final = 1e-6  # less is rounding
_NORMAL_NORMS: Final = (
    1.0,
    0.71,
    0.67,
    0.26,
)  # of what each moment of normal rows tells that those before it do not
_LEAST_SHARE: Final = (
    0.25  # of these: what is left is so small that its square would rule in windows of 200 rows
)


def _middles(end: Floats, mass: Floats) -> Floats:
    """Give the rank of the middle of every bin; one for the bins of a tail, however finely it is cut.

    How finely that is depends on the values (`driftline.profiles.bins`), and ranks must not.
    """
    start, some = end - mass, mass > 0
    high, low = some & (start >= 1 - _TAIL), some & (end <= _TAIL)
    middles = end - mass / 2
    upper = (np.where(high, start, 1.0).min(-1, keepdims=True) + 1) / 2
    lower = np.where(low, end, 0.0).max(-1, keepdims=True) / 2
    ranks: Floats = np.where(high, upper, np.where(low, lower, middles))
    return ranks


def normal_scores(counts: NDArray[Any]) -> Floats:
    """Give every bin the normal quantile of the middle of its mass.

    Parameters
    ----------
    counts : ndarray, shape (..., B)
        Rows of the reference in each value bin, bins in ascending order of value.

    Returns
    -------
    ndarray of float64, shape (..., B)
        Standardised by their mean and standard deviation in the reference; zeros if it has one value only.
        Whatever increasing transform the values undergo, their scores stay.

    References
    ----------
    van der Waerden, B. L. (1952). Order tests for the two-sample problem and their power. Indagationes
    Mathematicae 14, 453-458.

    Examples
    --------
    >>> normal_scores(np.array([30, 0, 30])).round(3).tolist()
    [-1.0, 0.0, 1.0]
    """
    counts = np.asarray(counts, dtype=np.float64)
    total = np.maximum(counts.sum(-1, keepdims=True), 1.0)
    rank = _middles(counts.cumsum(-1) / total, counts / total)
    scores = special.ndtri(np.clip(rank, _FARTHEST, 1 - _FARTHEST))
    mass = counts / total
    centred = scores - (mass * scores).sum(-1, keepdims=True)
    spread = np.sqrt((mass * centred**2).sum(-1, keepdims=True))
    varies = spread > _LEAST_NORM
    return np.where(varies, centred / np.where(varies, spread, 1.0), 0.0)


def score_moments(fractions: NDArray[Any], scores: NDArray[Any]) -> Floats:
    """Describe windows by the moments of their scores.

    Central ones: where normal windows differ in their mean, their spread, skew and tails do not follow it.

    Parameters
    ----------
    fractions : ndarray, shape (..., B)
        Share of a window's rows in each bin.
    scores : ndarray, shape (..., B)
        From `normal_scores`.

    Returns
    -------
    ndarray of float64, shape (..., 4)
        Mean; logarithm of the standard deviation; mean of signed squares over the variance, from -1 to 1,
        which is above 0 if the values skew to the right; logarithm of the standard deviation over the mean
        absolute deviation, which is larger the heavier the tails. Unlike skewness and kurtosis the last two
        are near normal in small windows.

    References
    ----------
    Geary, R. C. (1935). The ratio of the mean deviation to the standard deviation as a test of normality.
    Biometrika 27, 310-332.

    Examples
    --------
    >>> score_moments(np.array([0.5, 0.5]), np.array([-2.0, 2.0])).round(3).tolist()
    [0.0, 0.693, 0.0, 0.0]
    """
    first = (fractions * scores).sum(-1)
    distance = scores - first[..., None]
    far = np.abs(distance)
    weighted = fractions * far
    mean_distance = weighted.sum(-1)
    variance = (weighted * far).sum(-1)
    skew = (weighted * distance).sum(-1)
    alike = variance < _LEAST_VARIANCE
    variance = np.where(alike, _LEAST_VARIANCE, variance)
    tails = np.log(variance) / 2 - np.log(np.where(alike, np.sqrt(_LEAST_VARIANCE), mean_distance))
    moments: Floats = np.stack([first, np.log(variance) / 2, skew / variance, tails], axis=-1)
    return moments.astype(np.float64)


def independent_rows(counts: NDArray[Any], scores: Floats) -> Floats:
    """Find the combinations of the four moments that have covariance ``I / n`` if rows are independent.

    Parameters
    ----------
    counts : ndarray, shape (B,)
        Rows of the reference in each bin.
    scores : ndarray of float64, shape (B,)
        From `normal_scores`.

    Returns
    -------
    ndarray of float64, shape (4, 4)
        Lower triangular: row k makes the k-th combination of the first k moments. Zeros where the reference
        has too few distinct values for that many moments.

    References
    ----------
    Hampel, F. R. (1974). The influence curve and its role in robust estimation. Journal of the American
    Statistical Association 69, 383-393: to first order a moment is the mean of its influence curve. Of normal
    scores the combinations are those of Hermite's polynomials, and their squares' sum is a smooth test:
    Neyman, J. (1937). "Smooth test" for goodness of fit. Skandinavisk Aktuarietidskrift 20, 149-199.
    """
    mass = counts / max(float(np.sum(counts)), 1.0)
    x, far, square = scores, np.abs(scores), scores**2 - 1
    mean_distance, skew = mass @ far, mass @ (x * far)
    influence = np.stack(
        [
            x,
            square / 2,
            x * far - skew - 2 * mean_distance * x - skew * square,
            square / 2
            - (far - mean_distance - mass @ np.sign(x) * x) / max(float(mean_distance), _LEAST_NORM),
        ]
    )
    found, combinations = np.zeros((MOMENTS, len(scores))), np.zeros((MOMENTS, MOMENTS))
    for k in range(MOMENTS):
        new, own = influence[k], np.eye(MOMENTS)[k]
        for _ in range(2):  # once more, against rounding
            along = found[:k] * mass @ new
            new, own = new - along @ found[:k], own - along @ combinations[:k]
        norm = float(np.sqrt((mass * new**2).sum()))
        if norm <= _LEAST_SHARE * _NORMAL_NORMS[k] or (mass > 0).sum() <= k + 1:
            break
        found[k], combinations[k] = new / norm, own / norm
    return combinations
