"""Turn the windows of a reference into the null distributions of its drift statistics.

For every squared statistic T^2 the windows, each left out in turn, give the *scale*; Monte Carlo gives the
*shape* only:

1. scale: ``E T^2(n) = M ((1 - rho) n_h / n + rho)`` from the windows (`scale`), never below multinomial;
2. shape: ``T^2 / E T^2`` from normal draws with the windows' covariance, shrunk to multinomial (`shape`);
3. tails: times c and divided by ``chi2_d / d``, averaged over all c and d that the windows leave possible
   (`predictive_tail`). Few windows leave more of them, and so have the longer tail.

What is kept is a table of log quantiles on a grid of window sizes and p-values (`lookup_grid`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, NullTable, disjoint_windows, without_null
from driftline.statistics.null.predictive_tail import (
    averaged_quantiles,
    for_smaller,
    mixed_survival,
    plausible,
)
from driftline.statistics.null.shape import (
    SIMULATED_SIZES,
    Statistics,
    multinomial_mean,
    simulate,
    window_covariance,
)
from driftline.statistics.null.window_series import WindowSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null.season_of_bins import SeasonOfBins

_SHAPE_SIZES = np.r_[1 / 8, 1 / 3, SIMULATED_SIZES]
_QUADRATIC_DF = 4.0  # of a quadratic form of correlated bins, before its shape is known


def calibrate(
    fractions: NDArray[np.float64],
    n: NDArray[np.float64],
    statistics: Statistics,
    floor: Statistics,
    *,
    overlap: float,
    ordered: bool,
    season: SeasonOfBins | None = None,
    reference: NDArray[np.float64] | None = None,
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
        Smallest ``E T^2`` to believe for windows of n rows, (N,) to (N, T): of the first T statistics, which
        are those that are calibrated.
    overlap : float
        Window length over window period.
    ordered : bool
        True if bins are in order of value, so that neighbours move together.
    season : SeasonOfBins, optional
        What is expected of the windows' times, and is no deviation.
    reference : ndarray of float64, shape (B,), optional
        What windows will be compared with, if that is more than these windows together.

    Returns
    -------
    list of NullTable
        One for each of the first T statistics.
    """
    if disjoint_windows(len(n), overlap) <= FEWEST_WINDOWS:
        return [without_null(n, overlap)] * len(floor(np.ones(1))[0])
    together = (fractions * n[:, None]).sum(0) / n.sum()
    reference = together if reference is None else reference
    residual = fractions - together
    if season is not None:
        residual = residual - season.fitted
    series = residual.cumsum(1) if ordered else residual / np.sqrt(reference)
    windows = WindowSeries.of(n, overlap, series, None if season is None else season.leverage)
    deviations = residual * windows.left_out[:, None] + (together - reference)
    squares = statistics(deviations)
    iid = multinomial_mean(reference, statistics)
    least = floor(SIZE_GRID / np.mean(1 / n))
    if len(reference) < 2:
        return [_table(windows, squares[:, j], 0.0, least[:, j]) for j in range(least.shape[1])]
    scale = windows.scale(squares[:, -1], float(iid[-1]), _QUADRATIC_DF)
    covariance = window_covariance(deviations, reference, scale.relative(n), scale.wobble, windows.df)
    # a covariance that only shrinks as rows grow has one shape: statistics are squared distances
    sizes = SIMULATED_SIZES if covariance.wobbles else SIMULATED_SIZES[:1]
    shapes = np.stack([simulate(covariance, size, statistics) for size in sizes])
    return [
        _table(windows, squares[:, j], float(iid[j]), least[:, j], shapes[:, :, j])
        for j in range(least.shape[1])
    ]


def calibrate_difference(
    differences: NDArray[np.float64],
    n: NDArray[np.float64],
    *,
    overlap: float,
    leverage: NDArray[np.float64] | None = None,
    offset: float = 0.0,
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
    offset : float
        Mean of the differences, where the reference holds more than these windows.

    Returns
    -------
    NullTable
        Of the squared difference.
    """
    if disjoint_windows(len(n), overlap) <= FEWEST_WINDOWS:
        return without_null(n, overlap)
    around = differences - offset
    windows = WindowSeries.of(n, overlap, around[:, None], leverage)
    squares = (around * windows.left_out + offset) ** 2
    return _table(windows, squares, 1.0, np.zeros(len(SIZE_GRID)))


def _table(
    windows: WindowSeries,
    squares: NDArray[np.float64],
    iid: float,
    least: NDArray[np.float64],
    shapes: NDArray[np.float64] | None = None,
) -> NullTable:
    """Multiply out scale, shape and tail of one statistic on the grid.

    ``shapes`` (sizes, draws) are simulated ``T^2 / E T^2``, the last one good for larger sizes too; without
    them T is one normal variable.
    """
    shape_df = 1.0 if shapes is None else 2 / max(float(shapes[0].var()), 1e-9)
    scale = windows.scale(squares, iid, shape_df)
    standard = squares / scale.relative(windows.n)
    spread = float(standard.var(ddof=1)) / max(float(standard.mean()), 1e-150) ** 2
    scale = windows.scale(squares, iid, min(shape_df, 2 / max(spread, 1e-9)))
    typical = float(scale.weight @ scale.mean)
    standard = squares / scale.relative(windows.n) / max(typical, 1e-150)
    survivals = [mixed_survival(each) for each in ([None] if shapes is None else shapes)]
    independent = iid / scale.typical_n / max(typical, 1e-150)
    weight = plausible(standard, survivals[0], windows.depends.square, independent)
    log_shape = []
    for size in _SHAPE_SIZES:
        # windows smaller than typical have the shape at the typical size, which is the more concentrated one
        known = min(int(np.searchsorted(SIMULATED_SIZES, size)), len(survivals) - 1)
        log_shape.append(averaged_quantiles(for_smaller(weight, float(size)), survivals[known]))
    place, sizes = np.log(SIZE_GRID), np.log(_SHAPE_SIZES)
    by_size = np.stack([np.interp(place, sizes, column) for column in np.array(log_shape).T], axis=1)
    mean = np.maximum(np.maximum(scale.at((scale.typical_n * SIZE_GRID).astype(np.float64)), least), 1e-100)
    log_quantiles = np.maximum.accumulate(np.log(mean)[:, None] + by_size, axis=1)
    return windows.table(log_quantiles, scale.typical_n)
