"""Population stability index: on reference deciles for numbers, on categories for text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from driftline.statistics.null.fit import fit_quadratic
from driftline.statistics.null.pooling import RARE
from driftline.statistics.null.season_arrays import expected_bins
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from driftline.statistics.statistic import FeatureWindows

DECILES = 10
COARSE = DECILES + 3
"""Bins of a numeric feature: deciles, missing, non-finite, invalid."""

_HALF_ROW = 0.5


def decile_ends(reference: ArrayLike) -> NDArray[np.int16]:
    """Group fine bins into (at most) ten groups of equal reference mass.

    A bin belongs to the decile its middle falls into, so an atom heavier than a tenth leaves
    some deciles empty.

    Parameters
    ----------
    reference : array_like of int, shape (..., B)
        Reference counts of the fine bins, in ascending order of value.

    Returns
    -------
    ndarray of int16, shape (..., 10)
        Index of the last fine bin of each decile; that of the decile before it when it is empty, -1 at the
        start.

    Examples
    --------
    >>> decile_ends([5, 5, 0, 10, 80]).tolist()
    [1, 3, 3, 3, 3, 3, 4, 4, 4, 4]
    """
    counts = np.asarray(reference, dtype=np.float64)
    total = np.maximum(counts.sum(-1, keepdims=True), 1.0)
    middle = (counts.cumsum(-1) - counts / 2) / total
    decile = np.minimum((middle * DECILES).astype(np.int64), DECILES - 1)
    ends = (decile[..., None, :] <= np.arange(DECILES)[:, None]).sum(-1) - 1
    last: NDArray[np.int16] = ends.astype(np.int16)
    return last


def sum_deciles(counts: NDArray[np.float64], ends: NDArray[np.int16]) -> NDArray[np.float64]:
    """Sum fine bins into the deciles that end at ``ends``.

    Parameters
    ----------
    counts : ndarray of float64, shape (..., F, B)
        Fine bins.
    ends : ndarray of int16, shape (F, 10)
        From `decile_ends`.

    Returns
    -------
    ndarray of float64, shape (..., F, 10)
        Coarse bins; 0 for an empty decile.
    """
    cumulative = np.concatenate([np.zeros((*counts.shape[:-1], 1)), counts.cumsum(-1)], axis=-1)
    index = np.broadcast_to(ends.astype(np.int64) + 1, (*counts.shape[:-1], ends.shape[-1]))
    return np.diff(np.take_along_axis(cumulative, index, axis=-1), axis=-1, prepend=0.0)


def psi(current: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Population stability index of two histograms.

    ``sum (p - q) ln(p / q)`` where each bin that holds a row of either sample gets half a row more, so that
    an empty bin has a logarithm. Bins empty in both samples (padding, no missing values) say nothing and are
    left out.

    Parameters
    ----------
    current, reference : array_like of int, shape (..., K)
        Counts: coarse bins or categories; missing, non-finite and invalid are bins of their own.

    Returns
    -------
    ndarray of float64, shape (...)
        PSI >= 0; nan where a sample is empty.

    References
    ----------
    Siddiqi, N. (2006). Credit Risk Scorecards. Wiley, section 9. The half row is Jeffreys' prior for a
    multinomial.

    Examples
    --------
    >>> float(psi([10, 10], [10, 10]))
    0.0
    >>> round(float(psi([100, 300, 0], [200, 200, 0])), 3)
    0.273
    """
    current, reference = np.asarray(current, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    used = (current + reference) > 0
    live, base = (current + _HALF_ROW) * used, (reference + _HALF_ROW) * used
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = live / live.sum(-1, keepdims=True), base / base.sum(-1, keepdims=True)
        terms = np.where(used, (p - q) * np.log(p / q), 0.0)
    empty = (current.sum(-1) == 0) | (reference.sum(-1) == 0)
    return np.where(empty, np.nan, terms.sum(-1))


def iid_p_value(value: ArrayLike, n: ArrayLike, m: ArrayLike, bins: ArrayLike) -> NDArray[np.float64]:
    """p-value of a PSI as if all rows were independent: ``PSI / (1/n + 1/m)`` is chi-square with bins - 1.

    Parameters
    ----------
    value : array_like of float
        PSI.
    n, m : array_like of int
        Rows of the two samples.
    bins : array_like of int
        Bins that hold rows in either sample.

    Returns
    -------
    ndarray of float64
        Upper tail probabilities.

    References
    ----------
    Yurdakul, B. and Naranjo, J. (2020). Statistical properties of the population stability index. Journal of
    Risk Model Validation 14(4), 89-100.
    """
    n, m = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    free = np.asarray(bins, dtype=np.float64) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        p = special.chdtrc(free, np.asarray(value, dtype=np.float64) / (1 / n + 1 / m))
    return np.where(free < 1, 1.0, p)


class PopulationStability(Statistic):
    """PSI on deciles, missing, non-finite and invalid; its null is that of the quadratic form."""

    name = "psi"
    kind = "numeric"

    def values(self, pair: Any) -> dict[str, NDArray[np.float64]]:
        """Compute PSI."""
        ends = pair.reference.decile_ends
        return {"psi": psi(pair.current.coarse(ends), pair.reference.coarse)}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Compute the quadratic form on the bins the null was calibrated with."""
        current, base = pair.current, pair.reference.counts
        bins = arrays["scale"].shape[1]
        live, reference = (each.coarse(arrays["ends"], bins) for each in (current, base))
        difference = (
            live / np.maximum(current.rows, 1.0)[:, None] - reference / np.maximum(base.rows, 1.0)[:, None]
        )
        difference -= expected_bins(arrays, pair.when, difference.shape[1])
        return quadratic_form(difference, arrays["scale"].astype(np.float64))

    def rows(self, pair: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Count all rows."""
        return pair.current.rows, pair.some

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate the quadratic form."""
        ends = decile_ends(windows.counts.sum(0))
        deciles = sum_deciles(windows.counts, ends)
        others = np.stack([windows.missing, windows.nonfinite, windows.invalid_rows], axis=1)
        coarse = np.concatenate([deciles, others], axis=1)
        table, form = fit_quadratic(
            coarse, windows.overlap, RARE / windows.smallest, windows.season, windows.kept
        )
        return FittedNull(table, {"ends": ends, **form})


PSI = PopulationStability()
