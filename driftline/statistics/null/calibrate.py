"""Turn the windows of a reference into the null distributions of its drift statistics.

For every squared statistic T^2 the windows, each left out in turn, give the *scale*; Monte Carlo gives the
*shape* only:

1. scale: ``E T^2(n) = M ((1 - rho) n_h / n + rho)`` from the windows (`scale`), never below multinomial;
2. shape: ``T^2 / E T^2`` from normal draws with the windows' covariance, shrunk to multinomial (`shape`);
3. tails: divided by ``chi2_d / d``, d from the error of M (the windows' degrees of freedom) and from windows
   that vary more than normal ones; a generalised Pareto beyond p = .05.

What is kept is a table of log quantiles on a grid of window sizes and p-values (`lookup_grid`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, NullTable, disjoint_windows, without_null
from driftline.statistics.null.shape import (
    SIMULATED_SIZES,
    Statistics,
    arcsine_quantiles,
    mixture_quantiles,
    multinomial_mean,
    simulate,
    window_covariance,
)
from driftline.statistics.null.window_series import WindowSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null.season_of_bins import SeasonOfBins

_SHAPE_SIZES = np.r_[1 / 8, 1 / 3, SIMULATED_SIZES]
_TYPICAL = 2  # where the size is 1
_QUADRATIC_DF = 4.0  # of a quadratic form of correlated bins, before its shape is known
_HEAVIEST_TAIL = 2.5  # d never below: the mixture keeps a mean
_NORMAL_TAIL = 4.0  # d of one window whose T^2 varies no more than the shape says comes on top of this


@dataclass(frozen=True, eq=False)
class _Tail:
    """What decides how heavy the tail of one statistic is."""

    df: float
    excess: float

    def at(self, shape_df: float, size: float) -> float:
        """Degrees of freedom d of the scale mixture for windows of ``size`` times the typical rows."""
        heavier = self.excess * max(1.0, 1 / size)
        return max(1 / (1 / (shape_df * self.df) + 1 / (_NORMAL_TAIL + 2 / heavier)), _HEAVIEST_TAIL)


def calibrate(
    fractions: NDArray[np.float64],
    n: NDArray[np.float64],
    statistics: Statistics,
    floor: Statistics,
    *,
    overlap: float,
    ordered: bool,
    season: SeasonOfBins | None = None,
) -> list[NullTable]:
    """Calibrate squared statistics of fractions.

    Parameters
    ----------
    fractions : ndarray of float64, shape (W, B)
        Bin fractions of the windows in time order; every bin is hit by some window.
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0.
    statistics : callable
        Squared statistics of deviations (..., B) as (..., S). The last one must be a quadratic form: it
        decides what of the covariance is wobble.
    floor : callable
        Smallest ``E T^2`` to believe for windows of n rows, (N,) to (N, S).
    overlap : float
        Window length over window period.
    ordered : bool
        True if bins are in order of value, so that neighbours move together.
    season : SeasonOfBins, optional
        What is expected of the windows' times, and is no deviation.

    Returns
    -------
    list of NullTable
        One for each of the S statistics.
    """
    if disjoint_windows(len(n), overlap) <= FEWEST_WINDOWS:
        return [without_null(n, overlap)] * len(floor(np.ones(1))[0])
    reference = (fractions * n[:, None]).sum(0) / n.sum()
    residual = fractions - reference
    if season is not None:
        residual = residual - season.fitted
    series = residual.cumsum(1) if ordered else residual / np.sqrt(reference)
    windows = WindowSeries.of(n, overlap, series, None if season is None else season.leverage)
    deviations = residual * windows.left_out[:, None]
    squares = statistics(deviations)
    iid = multinomial_mean(reference, statistics)
    least = floor(SIZE_GRID / np.mean(1 / n))
    if len(reference) < 2:
        return [_table(windows, squares[:, j], 0.0, least[:, j]) for j in range(squares.shape[1])]
    scale = windows.scale(squares[:, -1], float(iid[-1]), _QUADRATIC_DF)
    factor = (1 - scale.wobble) * scale.typical_n / n + scale.wobble
    covariance = window_covariance(deviations, reference, factor, scale.wobble, windows.df)
    shapes = np.stack([simulate(covariance, size, statistics) for size in SIMULATED_SIZES])
    return [
        _table(windows, squares[:, j], float(iid[j]), least[:, j], shapes[:, :, j])
        for j in range(squares.shape[1])
    ]


def calibrate_difference(
    differences: NDArray[np.float64],
    n: NDArray[np.float64],
    *,
    overlap: float,
    leverage: NDArray[np.float64] | None = None,
) -> NullTable:
    """Calibrate a squared difference of rates or of means.

    Parameters
    ----------
    differences : ndarray of float64, shape (W,)
        Differences of the windows from the reference, in time order, on a scale on which independent rows
        have variance ``1/n``: the arcsine scale for rates, standard deviations of one row for means.
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0.
    overlap : float
        Window length over window period.
    leverage : ndarray of float64, shape (W,), optional
        As of `WindowSeries`.

    Returns
    -------
    NullTable
        Of the squared difference.
    """
    if disjoint_windows(len(n), overlap) <= FEWEST_WINDOWS:
        return without_null(n, overlap)
    windows = WindowSeries.of(n, overlap, differences[:, None], leverage)
    squares = (differences * windows.left_out) ** 2
    return _table(windows, squares, 1.0, np.zeros(len(SIZE_GRID)))


def _table(
    windows: WindowSeries,
    squares: NDArray[np.float64],
    iid: float,
    least: NDArray[np.float64],
    shapes: NDArray[np.float64] | None = None,
) -> NullTable:
    """Multiply out scale, shape and tail of one statistic on the grid.

    ``shapes`` (sizes, draws) are simulated ``T^2 / E T^2``; without them T is one normal variable.
    """
    # windows smaller than typical have the shape at the typical size, which is the more concentrated one
    draws = None if shapes is None else [shapes[0], shapes[0], *shapes]
    shape_df = [1.0] * len(_SHAPE_SIZES) if draws is None else [2 / max(float(x.var()), 1e-9) for x in draws]
    typical_df = shape_df[_TYPICAL]
    scale = windows.scale(squares, iid, typical_df)
    standard = squares / ((1 - scale.wobble) * scale.typical_n / windows.n + scale.wobble)
    spread = float(standard.var(ddof=1)) / max(float(standard.mean()), 1e-150) ** 2
    scale = windows.scale(squares, iid, min(typical_df, 2 / max(spread, 1e-9)))
    tail = _Tail(windows.df, max((1 + spread) / (1 + 2 / typical_df) - 1, 1e-6))
    quantiles = []
    for i, size in enumerate(_SHAPE_SIZES):
        d = tail.at(shape_df[i], float(size))
        quantiles.append(arcsine_quantiles(d) if draws is None else mixture_quantiles(draws[i], d))
    log_shape = np.log(np.maximum(np.array(quantiles), 1e-300))
    place, known = np.log(SIZE_GRID), np.log(_SHAPE_SIZES)
    by_size = np.stack([np.interp(place, known, column) for column in log_shape.T], axis=1)
    mean = np.maximum(np.maximum(scale.at((scale.typical_n * SIZE_GRID).astype(np.float64)), least), 1e-100)
    log_quantiles = np.maximum.accumulate(np.log(mean)[:, None] + by_size, axis=1)
    return windows.table(log_quantiles, scale.typical_n)
