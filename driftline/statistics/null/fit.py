"""Fit the null of a quadratic form, or of a rate, on the reference's windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.calibrate import calibrate, calibrate_difference
from driftline.statistics.null.null_table import NullTable, without_null
from driftline.statistics.null.season_arrays import stored_season
from driftline.statistics.null.season_model import choose_season
from driftline.statistics.null.season_of_bins import season_of_bins
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.rates import arcsine_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.season import SeasonOfWindows


def fit_quadratic(
    counts: NDArray[np.float64],
    overlap: float,
    floor: float,
    season: SeasonOfWindows | None = None,
    kept: NDArray[np.bool_] | None = None,
) -> tuple[NullTable, dict[str, NDArray[np.float32]]]:
    """Calibrate ``sum (p - q)^2 / max(q, floor)``.

    Parameters
    ----------
    counts : ndarray of float64, shape (W, K)
        Rows of each window in each bin or group.
    overlap : float
        Window length over window period.
    floor : float
        Smallest share to divide by.
    season : SeasonOfWindows, optional
        When the windows were.
    kept : ndarray of bool, shape (W,), optional
        Windows to learn from, all of which are compared with all windows.

    Returns
    -------
    NullTable
        Of the form.
    dict of str to ndarray of float32
        Its denominators ``scale`` (K,), and what is expected of a time.
    """
    n = counts.sum(1)
    seen = n > 0 if kept is None else (n > 0) & kept
    if not seen.any():
        return without_null(n[seen], overlap), {"scale": np.ones(counts.shape[1], np.float32)}
    share = counts.sum(0) / n.sum()
    counts, n = counts[seen], n[seen]
    season = None if season is None else season.only(seen)
    scale = np.maximum(share, floor).astype(np.float32)
    hit = np.flatnonzero(share)
    hit_scale = scale[hit].astype(np.float64)

    def squared(difference: NDArray[np.float64]) -> NDArray[np.float64]:
        return quadratic_form(difference, hit_scale)[..., None]

    def one_row(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        unseen = share * rows[:, None] < 1
        worst: NDArray[np.float64] = np.where(unseen, 1 / (rows**2)[:, None] / scale, 0.0).max(1)
        return worst[:, None]

    fractions = counts[:, hit] / n[:, None]
    usual = season_of_bins(
        fractions - share[hit],
        n,
        season,
        unit=np.sqrt(hit_scale),
        overlap=overlap,
        places=hit,
        bins=counts.shape[1],
    )
    tables = calibrate(
        fractions, n, squared, one_row, overlap=overlap, ordered=False, season=usual, reference=share[hit]
    )
    return tables[0], {"scale": scale, **({} if usual is None else usual.arrays)}


def fit_rate(
    events: NDArray[np.float64],
    n: NDArray[np.float64],
    overlap: float,
    season: SeasonOfWindows | None = None,
    kept: NDArray[np.bool_] | None = None,
) -> tuple[NullTable, dict[str, NDArray[np.float32]]]:
    """Calibrate the arcsine difference of a rate.

    Parameters
    ----------
    events, n : ndarray of float64, shape (W,)
        Events and rows of each window.
    overlap : float
        Window length over window period.
    season : SeasonOfWindows, optional
        When the windows were.
    kept : ndarray of bool, shape (W,), optional
        As of `fit_quadratic`.

    Returns
    -------
    NullTable
        Of the squared difference.
    dict of str to ndarray of float32
        What is expected of a time.
    """
    seen = n > 0 if kept is None else (n > 0) & kept
    if not seen.any():
        return without_null(n[seen], overlap), {}
    rate = events.sum() / n.sum()
    events, n = events[seen], n[seen]
    differences = arcsine_difference(events, n, rate)
    # what windows that are not learnt from make all others differ by
    offset = 0.0 if kept is None else float(n @ differences / n.sum())
    within = None if season is None else season.only(seen)
    model = choose_season(differences[:, None] - offset, n, within, overlap)
    if model is None:
        return calibrate_difference(differences, n, overlap=overlap, offset=offset), {}
    usual = model.coefficients(differences[:, None] - offset)
    differences = differences - (model.design @ usual)[:, 0]
    leverage = model.leverage()
    table = calibrate_difference(differences, n, overlap=overlap, leverage=leverage, offset=offset)
    return table, stored_season(usual)
