"""What windows of n rows have on average where that depends on n, from windows of different n."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NUMBERS: Final = 6
"""Numbers that an expectation is kept as."""

_SLOPE_SD, _BEND_SD = 0.5, 0.15
_MOST_LEVERAGE: Final = 0.5
_LEAST, _ROUNDS = 1e-12, 4  # variance, and how often it is estimated anew


def fit_expectation(values: Floats, n: Floats, slopes: tuple[float, float]) -> tuple[Floats, Floats]:
    """Fit a bent line to logarithms of what windows have, over the logarithm of their rows.

    Slope and bend are held back (ridge regression): a reference whose windows all have about as many rows
    says nothing of them.

    Parameters
    ----------
    values, n : ndarray of float64, shape (W,)
        Logarithms, and rows, none 0.
    slopes : tuple of float
        Smallest and largest slope there can be.

    Returns
    -------
    expectation : ndarray of float64, shape (NUMBERS,)
        Mean, slope and bend at the mean log n, that, and the smallest and the largest log n seen.
    left_out : ndarray of float64, shape (W,)
        How far each window is from what the others let expect, but for the mean.

    References
    ----------
    Hoerl, A. E. and Kennard, R. W. (1970). Ridge regression. Technometrics 12, 55-67. Allen, D. M. (1974).
    The relationship between variable selection and data augmentation. Technometrics 16, 125-127 (left-out
    residuals from leverages).
    """
    x = np.log(n)
    place = x - x.mean()
    design = np.stack([np.ones_like(x), place, place**2], axis=1)
    middle = np.array([values.mean(), sum(slopes) / 2, 0.0])
    target = values - design @ middle
    variance = max(float(target.var()), _LEAST)
    for _ in range(_ROUNDS):
        held = np.diag([0.0, variance / _SLOPE_SD**2, variance / _BEND_SD**2])
        solved = np.linalg.solve(design.T @ design + held, design.T)
        residual = target - design @ (solved @ target)
        variance = max(float(residual.var()), _LEAST)
    leverage = (design * solved.T).sum(1) - 1 / len(n)
    residual = residual / (1 - np.clip(leverage, 0.0, _MOST_LEVERAGE))
    centre = float(n @ residual / n.sum())
    mean, slope, bend = middle + solved @ target
    expectation = np.array([mean + centre, slope, bend, x.mean(), x.min(), x.max()])
    return expectation, residual - centre


def expected(n: Floats, expectation: Floats, slopes: tuple[float, float]) -> tuple[Floats, Floats]:
    """Tell what windows may have on average: a range where none of the reference had so many rows.

    Parameters
    ----------
    n : ndarray of float64, shape (F,)
        Rows, none 0.
    expectation : ndarray, shape (F, NUMBERS)
        Of each feature.

    Returns
    -------
    low, high : ndarray of float64, shape (F,)
        Logarithms; the same within what the reference saw, and ever further apart beyond it, as whatever
        slope there can be leads.
    """
    mean, slope, bend, centre, first, last = expectation.astype(np.float64).T
    x = np.log(n)
    seen = np.clip(x, first, last)
    at = mean + slope * (seen - centre) + bend * (seen - centre) ** 2
    ends = np.stack([each * (x - seen) for each in slopes])
    return at + ends.min(0), at + ends.max(0)


def beyond(values: Floats, low: Floats, high: Floats) -> Floats:
    """Distance of values from a range, 0 within it; shape (F,)."""
    found: Floats = values - np.clip(values, low, high)
    return found
