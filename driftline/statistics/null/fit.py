"""Fit the null of one numeric or categorical feature from the reference's windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics import ks, wasserstein
from driftline.statistics.chi_square import RARE
from driftline.statistics.null.calibrate import NullTable, calibrate, calibrate_difference, without_null
from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.null.pooling import design_effect, pool_rare, sum_groups
from driftline.statistics.psi import decile_ends, quadratic_form, sum_deciles
from driftline.statistics.rates import arcsine_difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST = 200


@dataclass(frozen=True, eq=False)
class NumericNull:
    """Null distributions of a numeric feature.

    Attributes
    ----------
    ks, wasserstein : NullTable
        On rows with a finite value.
    psi : NullTable
        Of the quadratic form, on all rows.
    missing : NullTable
        Of the arcsine difference of the share of rows without a finite value, on all rows.
    decile_ends : ndarray of int16, shape (10,)
        How fine bins form the coarse bins of the quadratic form.
    psi_scale : ndarray of float32, shape (12,)
        Denominators of the quadratic form: deciles, missing, non-finite.
    """

    ks: NullTable
    psi: NullTable
    wasserstein: NullTable
    missing: NullTable
    decile_ends: NDArray[np.int16]
    psi_scale: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CategoricalNull:
    """Null distributions of a categorical feature.

    Attributes
    ----------
    chi2 : NullTable
        Of the quadratic form on pooled categories, on all rows.
    missing : NullTable
        Of the arcsine difference of the missing rate, on all rows.
    group : ndarray of int16, shape (K + 2,)
        Group of missing, of each category, and of other.
    group_scale : ndarray of float32, shape (G,)
        Denominators of the quadratic form.
    """

    chi2: NullTable
    missing: NullTable
    group: NDArray[np.int16]
    group_scale: NDArray[np.float32]


def fit_numeric(
    values: ArrayLike,
    missing: ArrayLike,
    nonfinite: ArrayLike,
    gap: ArrayLike,
    overlap: float = 1.0,
    *,
    smallest: float = SMALLEST,
) -> NumericNull:
    """Calibrate KS, PSI, Wasserstein and the missing rate of one numeric feature.

    Parameters
    ----------
    values : array_like of int, shape (W, B)
        Rows of each reference window in each value bin, windows in time order.
    missing, nonfinite : array_like of int, shape (W,)
        Rows of each window that are null, and NaN or infinite.
    gap : array_like of float, shape (B - 1,)
        Distances of neighbouring bins' centres.
    overlap : float
        Window length over window period: 1 for disjoint windows, 2 for 30 minutes every 15.
    smallest : float
        Rows of the smallest window that is ever judged.

    Returns
    -------
    NumericNull
        Ready to be stacked into a `BlockNull`.
    """
    values, gap = np.asarray(values, dtype=np.float64), np.asarray(gap, dtype=np.float64)
    missing, nonfinite = np.asarray(missing, dtype=np.float64), np.asarray(nonfinite, dtype=np.float64)
    ends = decile_ends(values.sum(0))
    deciles = sum_deciles(values, ends)
    ks_null, wasserstein_null = _fit_values(values, ends, gap, overlap)
    coarse = np.concatenate([deciles, missing[:, None], nonfinite[:, None]], axis=1)
    psi_null, scale = _fit_quadratic(coarse, overlap, RARE / smallest)
    return NumericNull(
        ks_null,
        psi_null,
        wasserstein_null,
        _fit_rate(missing + nonfinite, coarse.sum(1), overlap),
        ends,
        scale,
    )


def fit_categorical(
    counts: ArrayLike,
    missing: ArrayLike,
    overlap: float = 1.0,
    *,
    smallest: float = SMALLEST,
) -> CategoricalNull:
    """Calibrate chi-square and the missing rate of one categorical feature.

    Parameters
    ----------
    counts : array_like of int, shape (W, K + 1)
        Rows of each reference window in each category, the last one *other*; windows in time order.
    missing : array_like of int, shape (W,)
        Rows of each window that are null.
    overlap : float
        Window length over window period.
    smallest : float
        Rows of the smallest window that is ever judged: rare categories are pooled until a group expects five
        rows there (or one independent cluster of rows, where rows come in clusters).

    Returns
    -------
    CategoricalNull
        Ready to be stacked into a `BlockNull`.
    """
    missing = np.asarray(missing, dtype=np.float64)
    table = np.concatenate([missing[:, None], np.asarray(counts, dtype=np.float64)], axis=1)
    n = table.sum(1)
    seen = table[n > 0]
    if len(seen):
        # a window below the grid of sizes is an extrapolation anyway: no reason to pool more for its sake
        low = max(smallest, float(n[n > 0].min()) * float(SIZE_GRID[0]))
        fractions = seen.sum(0) / seen.sum()
        first = pool_rare(fractions, low, RARE)
        effect = design_effect(sum_groups(seen, first, int(first.max()) + 1))
        group = pool_rare(fractions, low, max(RARE, effect))
    else:
        low, group = smallest, np.zeros(table.shape[1], dtype=np.int16)
    pooled = sum_groups(table, group, int(group.max()) + 1)
    chi2_null, scale = _fit_quadratic(pooled, overlap, RARE / low)
    return CategoricalNull(chi2_null, _fit_rate(missing, n, overlap), group, scale)


def _fit_values(
    values: NDArray[np.float64], ends: NDArray[np.int16], gap: NDArray[np.float64], overlap: float
) -> tuple[NullTable, NullTable]:
    """Nulls of KS and Wasserstein on the rows with a finite value."""
    n = values.sum(1)
    seen = n > 0
    if not seen.any():
        return without_null(n[seen], overlap), without_null(n[seen], overlap)
    values, n = values[seen], n[seen]
    total = values.sum(0)
    hit = np.flatnonzero(total)
    hit_gap = np.diff(np.concatenate([np.zeros(1), gap.cumsum()])[hit])
    decile = np.searchsorted(ends, hit)
    start = np.r_[0, np.flatnonzero(np.diff(decile)) + 1]
    share = np.add.reduceat(total[hit], start) / total.sum()
    cumulative = total.cumsum()[:-1] / total.sum()
    unseen = cumulative * (1 - cumulative)

    def squared(difference: NDArray[np.float64]) -> NDArray[np.float64]:
        quadratic = quadratic_form(np.add.reduceat(difference, start, axis=-1), share)
        return np.stack(
            [
                ks.distance(difference) ** 2,
                wasserstein.distance(difference, hit_gap) ** 2,
                quadratic,
            ],
            axis=-1,
        )

    def one_row(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond = ((unseen * rows[:, None] < 1) * gap).sum(1) if len(gap) else np.zeros(len(rows))
        return np.stack([1 / rows**2, (beyond / rows) ** 2, np.zeros(len(rows))], axis=-1)

    tables = calibrate(values[:, hit] / n[:, None], n, squared, one_row, overlap=overlap, ordered=True)
    return tables[0], tables[1]


def _fit_quadratic(
    counts: NDArray[np.float64], overlap: float, floor: float
) -> tuple[NullTable, NDArray[np.float32]]:
    """Null of ``sum (p - q)^2 / max(q, floor)`` and its denominators."""
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


def _fit_rate(events: NDArray[np.float64], n: NDArray[np.float64], overlap: float) -> NullTable:
    """Null of the arcsine difference of a rate."""
    seen = n > 0
    if not seen.any():
        return without_null(n[seen], overlap)
    events, n = events[seen], n[seen]
    differences = arcsine_difference(events, n, events.sum() / n.sum())
    return calibrate_difference(differences, n, overlap=overlap)
