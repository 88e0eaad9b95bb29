"""The grid on which null distributions are stored, and p-values read back from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

P_GRID: Final = np.r_[0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 10.0 ** -np.arange(2.5, 8.1, 0.5)]
SIZE_GRID: Final = 2.0 ** np.arange(-4, 5)  # window rows over the reference's typical window rows
SMALLEST_P: Final = 1e-9

_LOG_P = np.log(P_GRID)
_SIZE_OFFSET = -float(np.log2(SIZE_GRID[0]))


def at_size(
    tables: NDArray[np.floating[Any]], typical_n: NDArray[np.floating[Any]], n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate what is kept for every size of the grid, at the sizes of windows.

    Beyond the grid it is that of its end: `p_values` scales what smaller windows give.

    Parameters
    ----------
    tables : ndarray, shape (F, len(SIZE_GRID), ...)
        Numbers that change smoothly with the logarithm of the size.
    typical_n : ndarray, shape (F,)
        Rows to which the size grid is relative.
    n : ndarray of float64, shape (F,)
        Rows of the windows.

    Returns
    -------
    ndarray of float64, shape (F, ...)
        Linear in the logarithm of n.
    """
    with np.errstate(divide="ignore"):
        size = np.log2(n / typical_n) + _SIZE_OFFSET
    place = np.clip(size, 0.0, len(SIZE_GRID) - 1.0)
    low = np.minimum(place.astype(np.int64), len(SIZE_GRID) - 2)
    each, weight = np.arange(len(tables)), (place - low).reshape(-1, *(1,) * (tables.ndim - 2))
    found: NDArray[np.float64] = (1 - weight) * tables[each, low] + weight * tables[each, low + 1]
    return found


def p_values(
    tables: NDArray[np.float32],
    typical_n: NDArray[np.float64],
    squared: NDArray[np.float64],
    n: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Look up p-values of squared statistics, many features in one call.

    Linear interpolation of log p in log n and log squared statistic. Beyond the last quantile the tail goes
    on as a line in log-log. Windows smaller than the grid get thresholds that grow like 1/n, larger ones
    those of the grid's end: bounds, as a real null can only be narrower.

    Parameters
    ----------
    tables : ndarray of float32, shape (N, len(SIZE_GRID), len(P_GRID))
        Log quantiles of the squared statistic.
    typical_n : ndarray of float64, shape (N,)
        Rows to which the size grid is relative.
    squared : ndarray of float64, shape (N,)
        Squared statistics of the windows.
    n : ndarray of float64, shape (N,)
        Rows of the windows.

    Returns
    -------
    ndarray of float64, shape (N,)
        p-values in [1e-9, 1]; nan where n is 0.
    """
    each = np.arange(len(squared))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_size = np.log2(np.where(n > 0, n, np.nan) / typical_n) + _SIZE_OFFSET
        log_t = np.log(np.maximum(squared, 1e-300)) + np.minimum(log_size, 0.0) * np.log(2.0)
    place = np.clip(np.nan_to_num(log_size), 0.0, len(SIZE_GRID) - 1.0)
    low = np.minimum(place.astype(np.int64), len(SIZE_GRID) - 2)
    weight = (place - low)[:, None]
    row = (1 - weight) * tables[each, low] + weight * tables[each, low + 1]
    k = np.clip((row < log_t[:, None]).sum(1), 1, len(P_GRID) - 1)
    left, right = row[each, k - 1], row[each, k]
    share = (log_t - left) / np.maximum(right - left, 1e-9)
    log_p = _LOG_P[k - 1] + share * (_LOG_P[k] - _LOG_P[k - 1])
    return np.where(n > 0, np.exp(np.clip(log_p, np.log(SMALLEST_P), 0.0)), np.nan)
