"""Two-sample chi-square test of homogeneity on category counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from driftline.statistics.null.fit import fit_quadratic
from driftline.statistics.null.lookup_grid import SIZE_GRID
from driftline.statistics.null.pooling import RARE, by_chance, design_effect, pool_rare, sum_groups
from driftline.statistics.null.season_arrays import expected_bins
from driftline.statistics.psi import psi
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from driftline.statistics.statistic import FeatureWindows


def two_sample(current: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pearson's chi-square of two rows of counts, and its p-value as if all rows were independent.

    Categories of which either sample should have fewer than five rows are counted as one. If even together
    they should have, and do have, fewer than five, they join the rarest of the others unless it is the only
    one. Categories without rows are left out.

    Parameters
    ----------
    current, reference : array_like of int, shape (..., K)
        Counts of categories, other and missing.

    Returns
    -------
    statistic : ndarray of float64, shape (...)
        Chi-square; nan where a sample is empty.
    p_value : ndarray of float64, shape (...)
        Upper tail of chi-square with (categories - 1) degrees of freedom; 1 when one category is left.

    References
    ----------
    Pearson, K. (1911). On the probability that two independent distributions of frequency are really samples
    from the same population. Biometrika 8, 250-254. Cochran, W. G. (1954). Some methods for strengthening
    the common chi-square tests. Biometrics 10, 417-451, section 3 (the rule of five).

    Examples
    --------
    >>> statistic, p = two_sample([30, 70], [50, 50])
    >>> round(float(statistic), 3), round(float(p), 4)
    (8.333, 0.0039)
    """
    current, reference = np.asarray(current, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    n, m = current.sum(-1, keepdims=True), reference.sum(-1, keepdims=True)
    both = current + reference
    smaller = np.minimum(n, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = both / (n + m)
    rare = share * smaller < RARE
    pooled = np.where(rare, share, 0.0).sum(-1, keepdims=True)
    hits = np.where(rare, np.where(n <= m, current, reference), 0.0).sum(-1, keepdims=True)
    # the pooled ones are still rare, and not because they are new: the rarest frequent category takes them in
    needs_company = (pooled > 0) & (pooled * smaller < RARE) & (hits < RARE)
    needs_company &= (~rare).sum(-1, keepdims=True) > 1
    rarest = np.where(rare, np.inf, share).argmin(-1)[..., None]
    joins = rare | (needs_company & (np.arange(share.shape[-1]) == rarest))
    live_pool = np.where(joins, current, 0.0).sum(-1, keepdims=True)
    base_pool = np.where(joins, reference, 0.0).sum(-1, keepdims=True)
    live = np.concatenate([np.where(joins, 0.0, current), live_pool], axis=-1)
    base = np.concatenate([np.where(joins, 0.0, reference), base_pool], axis=-1)
    total = live + base
    cells = total > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = live / n - base / m
        terms = np.where(cells, difference * difference * (n + m) / total, 0.0)
        statistic = (terms.sum(-1, keepdims=True) * n * m / (n + m))[..., 0]
    free = cells.sum(-1) - 1
    p_value = np.where(free < 1, 1.0, special.chdtrc(np.maximum(free, 1), statistic))
    empty = (n[..., 0] == 0) | (m[..., 0] == 0)
    return np.where(empty, np.nan, statistic), np.where(empty, np.nan, p_value)


class ChiSquare(Statistic):
    """Chi-square on categories, missing one of them; its null is that of the quadratic form on pooled ones.

    The form takes invalid rows for missing: `invalid` tests those apart. PSI of categories has the same
    quadratic form, and so the same p-value.

    Parameters
    ----------
    name : str
        Of the null.
    least : float
        Smallest window it is for, as a share of a typical one. Fewer categories need pooling in larger ones.
    """

    kind = "categorical"

    def __init__(self, name: str, least: float = 0.0) -> None:
        self.name = name
        self._least = least

    def values(self, pair: Any) -> dict[str, NDArray[np.float64]]:
        """Compute chi-square and PSI."""
        if self._least:
            return {}
        chi2, _ = pair.two_sample
        return {"chi2": chi2, "psi": psi(pair.current.apart, pair.reference.counts.apart)}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Compute the quadratic form on the groups the null was calibrated with."""
        form = quadratic_form(_pooled(pair, arrays), arrays["scale"].astype(np.float64))
        if "smallest" in arrays:
            form = np.where(pair.current.rows < arrays["smallest"][:, 0], np.nan, form)
        return form

    def vectors(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64] | None:
        """Compute the differences of those groups' shares, over the square roots of the reference's."""
        if self._least:
            return None  # trends follow all windows, also the small ones
        return _pooled(pair, arrays) / np.sqrt(arrays["scale"].astype(np.float64))

    def rows(self, pair: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Count all rows."""
        return pair.current.rows, pair.some

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Pool categories until each expects rows enough in the smallest window, then calibrate.

        Rare ones are pooled until a group expects five rows there, or one independent cluster of rows, where
        rows come in clusters.
        """
        table = np.concatenate([windows.absent[:, None], windows.counts], axis=1)
        n = table.sum(1)
        seen = table[n > 0]
        if len(seen):
            # a window below the grid of sizes is an extrapolation anyway: no reason to pool more for its sake
            low = max(windows.smallest, float(n[n > 0].min()) * float(SIZE_GRID[0]))
            low = max(low, self._least / float(np.mean(1 / n[n > 0])))
            fractions = seen.sum(0) / seen.sum()
            rows = windows.counts.sum(0)
            first = pool_rare(fractions, low, RARE, np.append(False, by_chance(rows, 1.0)))
            effect = design_effect(sum_groups(seen, first, int(first.max()) + 1))
            chance = np.append(False, by_chance(rows, effect))
            group = pool_rare(fractions, low, max(RARE, effect), chance)
        else:
            low, group = windows.smallest, np.zeros(table.shape[1], dtype=np.int16)
        pooled = sum_groups(table, group, int(group.max()) + 1)
        null, form = fit_quadratic(pooled, windows.overlap, RARE / low, windows.season, windows.kept)
        arrays: dict[str, NDArray[Any]] = {"group": group, **form}
        if self._least:
            arrays["smallest"] = np.array([low], np.float32)
        return FittedNull(null, arrays)


def _pooled(pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Sum the differences from what is usual of shares over groups, (F, G)."""
    current, base = pair.current, pair.reference.counts
    difference = current.all / np.maximum(current.rows, 1.0)[:, None]
    difference -= base.all / np.maximum(base.rows, 1.0)[:, None]
    group = arrays["group"]
    features, groups = arrays["scale"].shape
    # padding (-1) goes into one more group at the end, which is cut off
    index = np.where(group < 0, groups, group) + np.arange(features)[:, None] * (groups + 1)
    pooled: NDArray[np.float64] = np.bincount(
        index.ravel(), weights=difference.ravel(), minlength=features * (groups + 1)
    ).astype(np.float64)
    return pooled.reshape(features, groups + 1)[:, :groups] - expected_bins(arrays, pair.when, groups)


CHI_SQUARE = ChiSquare("chi2")
OF_TYPICAL_WINDOWS = ChiSquare("chi2_typical", least=0.5)
