"""Deviations of windows in standard deviations of normal ones, from the null of a squared distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID, at_size, p_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import NullTable

    Floats = NDArray[np.float64]

_FARTHEST: Final = 1e100  # its square stays finite
_COMMON: Final = int(np.argmin(np.abs(P_GRID - 2 * special.ndtr(-1.0))))  # about one standard deviation
_COMMON_DEVIATIONS: Final = -float(special.ndtri(P_GRID[_COMMON] / 2))
_LAST_DEVIATIONS: Final = -float(special.ndtri(P_GRID[-1] / 2))


def null_p(table: NullTable, far: Floats, n: Floats) -> Floats:
    """Look up how often normal windows are at least so far, (W,); nan where that is not known.

    Parameters
    ----------
    far
        (W,) float64, distances as the table was made of.
    n
        (W,) float64, sizes of the windows.
    """
    known = np.isfinite(far)
    squared = np.minimum(np.abs(np.where(known, far, 0.0)), _FARTHEST) ** 2
    tables = np.broadcast_to(table.quantiles, (len(n), *table.quantiles.shape))
    n = np.where(known, n, table.typical_n)
    return np.where(known, p_values(tables, np.full(len(n), table.typical_n), squared, n), np.nan)


def null_deviations(table: NullTable, far: Floats, n: Floats) -> Floats:
    """Give distances in standard deviations of normal windows, with their signs, (W,).

    As many as the p-value is of a normal variable; beyond the last quantile that is kept they grow as the
    distance does, where p-values have come to their end.
    """
    p = null_p(table, far, n)
    last = np.exp(_log_quantile(table, n, len(P_GRID) - 1) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = _LAST_DEVIATIONS * np.abs(far) / last
        deviations = np.where(p < P_GRID[-1], beyond, -special.ndtri(p / 2))
    found: Floats = np.copysign(deviations, far)
    return found


def null_spread(table: NullTable, n: Floats) -> Floats:
    """Give the standard deviation of a distance among normal windows of these sizes, (W,)."""
    spread: Floats = np.exp(_log_quantile(table, n, _COMMON) / 2) / _COMMON_DEVIATIONS
    return spread


def _log_quantile(table: NullTable, n: Floats, place: int) -> Floats:
    n = np.where(n > 0, n, table.typical_n)  # nan too: what it is of is not known
    of_sizes = np.broadcast_to(table.quantiles[:, place].astype(np.float64), (len(n), len(SIZE_GRID)))
    found = at_size(of_sizes, np.full(len(n), table.typical_n), n)
    smaller = np.minimum(np.log(n / table.typical_n) - math.log(SIZE_GRID[0]), 0.0)
    return found - smaller
