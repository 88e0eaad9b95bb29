"""Fit the null of a quadratic form, or of a rate, on the reference's windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.calibrate import calibrate, calibrate_difference
from driftline.statistics.null.null_table import NullTable, without_null
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.rates import arcsine_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit_quadratic(
    counts: NDArray[np.float64], overlap: float, floor: float
) -> tuple[NullTable, NDArray[np.float32]]:
    """Calibrate ``sum (p - q)^2 / max(q, floor)``.

    Parameters
    ----------
    counts : ndarray of float64, shape (W, K)
        Rows of each window in each bin or group.
    overlap : float
        Window length over window period.
    floor : float
        Smallest share to divide by.

    Returns
    -------
    NullTable
        Of the form.
    ndarray of float32, shape (K,)
        Its denominators.
    """
    n = counts.sum(1)
    seen = n > 0
    if not seen.any():
        return without_null(n[seen], overlap), np.ones(counts.shape[1], dtype=np.float32)
    counts, n = counts[seen], n[seen]
    share = counts.sum(0) / n.sum()
    scale = np.maximum(share, floor).astype(np.float32)
    hit = np.flatnonzero(share)
    hit_scale = scale[hit].astype(np.float64)

    def squared(difference: NDArray[np.float64]) -> NDArray[np.float64]:
        return quadratic_form(difference, hit_scale)[..., None]

    def one_row(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        unseen = share * rows[:, None] < 1
        worst: NDArray[np.float64] = np.where(unseen, 1 / (rows**2)[:, None] / scale, 0.0).max(1)
        return worst[:, None]

    tables = calibrate(counts[:, hit] / n[:, None], n, squared, one_row, overlap=overlap, ordered=False)
    return tables[0], scale


def fit_rate(events: NDArray[np.float64], n: NDArray[np.float64], overlap: float) -> NullTable:
    """Calibrate the arcsine difference of a rate.

    Parameters
    ----------
    events, n : ndarray of float64, shape (W,)
        Events and rows of each window.
    overlap : float
        Window length over window period.

    Returns
    -------
    NullTable
        Of the squared difference.
    """
    seen = n > 0
    if not seen.any():
        return without_null(n[seen], overlap)
    events, n = events[seen], n[seen]
    differences = arcsine_difference(events, n, events.sum() / n.sum())
    return calibrate_difference(differences, n, overlap=overlap)
