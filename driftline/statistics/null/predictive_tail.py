"""Tail of a statistic whose null was estimated from few windows: averaged over what these leave possible."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.statistics.null.lookup_grid import P_GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEP: Final = 0.09  # of every logarithmic grid here, so that scaling is a shift along it
_SCALES: Final = _STEP * np.arange(-16, 17)  # log c: a quarter to four times what was expected
_TAILS: Final = (
    np.linspace(2.5**-0.5, 1000.0**-0.5, 40) ** -2.0
)  # d, all 1 / sqrt(d) equally likely beforehand
_BULK: Final = 0.6  # windows among the nearer six tenths say how many they are, not how near: the tail counts
_PLACES: Final = _STEP * np.arange(-90, 260)  # log of the statistic over its mean
_NORMAL_TAIL: Final = 4.0  # d without which one window's statistic has no variance
_SHAPE_PLACES: Final = _STEP * np.arange(-90, 50)
_TAIL: Final = (
    0.05  # beyond it draws of a shape, a sum of squares of normal variables, thin out exponentially
)
_LEAST: Final = 1e-12


@lru_cache(maxsize=8)
def f_survival(components: float) -> Floats:
    """Chance that F(K, d) is beyond each place of the grid, shape (D, G)."""
    survival = np.stack([special.fdtrc(components, d, np.exp(_PLACES)) for d in _TAILS])
    survival.flags.writeable = False
    return survival


def mixed_survival(shape: Floats | None) -> Floats:
    """Chance that ``shape / (chi2_d / d)`` is beyond each place of the grid, shape (D, G).

    Parameters
    ----------
    shape : ndarray of float64, shape (draws,)
        ``T^2 / E T^2`` without uncertainty; without it that of one squared normal variable.
    """
    if shape is None:
        return f_survival(1.0)
    mass = _mass(shape)
    held = np.flatnonzero(mass)
    first, last = int(held[0]), int(held[-1]) + 1
    # P(X Y > x) at log x: the survival of log Y, moved by every log X that a draw has
    start = len(mass) - last
    near = _scale_survival()[:, start : start + len(_PLACES) + last - first - 1]
    return np.stack([np.convolve(each, mass[first:last], "valid") for each in near])


@lru_cache(maxsize=1)
def _scale_survival() -> Floats:
    """Chance that ``d / chi2_d`` is beyond, from the first place less the last of a shape on."""
    first = round(float((_PLACES[0] - _SHAPE_PLACES[-1]) / _STEP))
    places = _STEP * np.arange(first, first + len(_PLACES) + len(_SHAPE_PLACES) - 1)
    return np.stack([special.chdtr(d, d * np.exp(-places)) for d in _TAILS])


def _mass(shape: Floats) -> Floats:
    """Put draws on the grid of logarithms; those far out as an exponential tail with their mean."""
    start = float(np.quantile(shape, 1 - _TAIL))
    edges = np.exp(np.append(_SHAPE_PLACES[1:] - _STEP / 2, np.inf))
    beyond = float((shape[shape > start] - start).mean()) if (shape > start).any() else 0.0
    inside = np.searchsorted(np.sort(shape), np.minimum(edges, start), side="right") / len(shape)
    if beyond:
        tail = np.where(edges > start, 1 - np.exp(-(np.maximum(edges, start) - start) / beyond), 0.0)
        inside = inside + (1 - inside) * tail
    inside[-1] = 1.0
    return np.diff(inside, prepend=0.0)


def plausible(
    squares: Floats, survival: Floats, dependence: float, least_scale: float = 0.0
) -> NDArray[np.float64]:
    """Weigh scales c and tails d by how likely they make the windows.

    All log c and 1 / sqrt(d) of the grid are equally likely beforehand: halfway between equal chances for
    log d, with which 30 windows of a heavy tail look lighter than they are, and for 1 / d, as Jeffreys' rule
    has it of Student's t, with which 200 windows without one look heavier.

    Parameters
    ----------
    squares : ndarray of float64, shape (W,)
        Statistics of windows over their expected mean; without any, all stays as likely as it was beforehand.
    survival : ndarray of float64, shape (D, G)
        Of one such statistic at c = 1, for every d.
    dependence : float
        By how much dependent windows thin out the likelihood.
    least_scale : float
        c below it is impossible.

    Returns
    -------
    ndarray of float64, shape (D, C)
        Weights, adding up to 1.

    References
    ----------
    Fonseca, T. C. O., Ferreira, M. A. R. and Migon, H. S. (2008). Objective Bayesian analysis for the
    Student-t regression model. Biometrika 95, 325-333 (Jeffreys' rule: the density of d falls like d^-2).
    """
    possible = np.exp(_SCALES) >= min(least_scale, 1.0) - 1e-9
    score = np.zeros((len(_TAILS), len(_SCALES)))
    if len(squares):
        place = np.log(np.maximum(squares, _LEAST))
        # windows that are calmer than can be, or all the same, say only how many are near
        calmest = float(np.interp(_BULK, 1 - survival[-1], _PLACES)) + np.log(max(least_scale, _LEAST))
        start = max(float(np.quantile(place, _BULK)), calmest)
        beyond = (place[place > start][:, None] - _SCALES).ravel()
        inside = len(place) - len(beyond) // len(_SCALES)
        between = _PLACES[1:] - _STEP / 2
        for row, each in enumerate(survival):
            density = np.log(np.maximum(each[:-1] - each[1:], 1e-300))
            far = np.interp(beyond, between, density).reshape(-1, len(_SCALES)).sum(0)
            near = 1 - np.interp(start - _SCALES, _PLACES, each)
            score[row] = far + inside * np.log(np.maximum(near, 1e-300))
    score = np.where(possible, score / dependence, -np.inf)
    likelihood = np.exp(score - score.max())
    weight: Floats = likelihood / likelihood.sum()
    return weight


def for_smaller(weight: Floats, size: float) -> Floats:
    """Move weights (D, C) to the tails of windows of ``size`` times the typical rows.

    What windows vary more than normal ones, ``2 / (d - 4)``, grows as rows become fewer.
    """
    if size >= 1:
        return weight
    tails = np.minimum(_TAILS, _NORMAL_TAIL) + np.maximum(_TAILS - _NORMAL_TAIL, 0.0) * size
    place = np.interp(np.log(tails), np.log(_TAILS), np.arange(len(_TAILS)))
    low = np.minimum(place.astype(np.int64), len(_TAILS) - 2)
    moved = np.zeros_like(weight)
    np.add.at(moved, low, (1 - (place - low))[:, None] * weight)
    np.add.at(moved, low + 1, (place - low)[:, None] * weight)
    return moved


def averaged_quantiles(weight: Floats, survival: Floats) -> Floats:
    """Average the next window's statistic over scales and tails.

    Parameters
    ----------
    weight : ndarray of float64, shape (D, C)
        Of `plausible`.
    survival : ndarray of float64, shape (D, G)
        Of the statistic over its mean at c = 1.

    Returns
    -------
    ndarray of float64, shape (len(P_GRID),)
        Log quantiles, upper tail.

    References
    ----------
    Aitchison, J. and Dunsmore, I. R. (1975). Statistical Prediction Analysis, chapter 2 (averaging over the
    parameters).
    """
    half = len(_SCALES) // 2
    # P(c Y > x) at log x is P(Y > x / c), a shift of the grid by log c
    padded = np.concatenate(
        [np.repeat(survival[:, :1], half, axis=1), survival, np.repeat(survival[:, -1:], half, axis=1)],
        axis=1,
    )
    over_tails = weight.T[::-1] @ padded
    row, column = over_tails.strides
    shifted = np.lib.stride_tricks.as_strided(
        over_tails, (len(_SCALES), len(_PLACES)), (row + column, column), writeable=False
    )
    log_p = np.log(np.maximum(shifted.sum(0), 1e-300))
    found: Floats = np.interp(-np.log(P_GRID), -log_p, _PLACES)
    return found


def predictive_quantiles(squares: Floats, components: int, dependence: float) -> Floats:
    """Quantiles of the next window's ``T^2``, given those of windows that were left out of its covariance.

    ``T^2 / K = c F(K, d)``, averaged over scale c and tail d.

    Parameters
    ----------
    squares : ndarray of float64, shape (W,)
        ``T^2`` of windows, each with mean and covariance of other windows.
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
    """
    survival = f_survival(components)
    weight = plausible(squares / components, survival, dependence)
    found: Floats = averaged_quantiles(weight, survival) + np.log(components)
    return found
