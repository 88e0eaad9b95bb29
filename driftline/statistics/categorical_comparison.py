"""Compare one window of a block of categorical features with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics import rates
from driftline.statistics.chi_square import two_sample
from driftline.statistics.multiple import bonferroni_pair
from driftline.statistics.psi import psi, quadratic_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull


@dataclass(frozen=True, eq=False)
class CategoricalCounts:
    """Counts of one window, or of the whole reference, for F features.

    Attributes
    ----------
    categories : ndarray of int64, shape (F, K + 1)
        Rows of each category, then *other*; padding is 0.
    missing : ndarray of int64, shape (F,)
        Rows that are null.
    """

    categories: NDArray[np.int64]
    missing: NDArray[np.int64]

    @cached_property
    def all(self) -> NDArray[np.float64]:
        """Missing first, then categories, other and padding, shape (F, K + 2)."""
        return np.concatenate([self.missing[:, None], self.categories], axis=1).astype(np.float64)

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """All rows, shape (F,)."""
        total: NDArray[np.float64] = self.all.sum(-1)
        return total


@dataclass(frozen=True, eq=False)
class CategoricalReference:
    """What a window is compared with.

    Attributes
    ----------
    counts : CategoricalCounts
        Of the whole reference.
    """

    counts: CategoricalCounts


@dataclass(frozen=True, eq=False)
class CategoricalComparison:
    """Statistics and p-values of F features in one window; nan where undefined.

    Attributes
    ----------
    chi2, psi : ndarray of float64, shape (F,)
        Statistics.
    chi2_p, psi_p, missing_p : ndarray of float64, shape (F,)
        Calibrated p-values. PSI and chi-square have the same quadratic form, and so the same p-value.
    p_value : ndarray of float64, shape (F,)
        `chi2_p` and `missing_p` combined by Bonferroni.
    p_iid : ndarray of float64, shape (F,)
        The same as if rows were independent.
    trusted : ndarray of bool, shape (F,)
        Whether `p_value` rests on enough reference windows to be acted on.
    extrapolated : ndarray of bool, shape (F,)
        Whether the window has fewer or more rows than any reference window, so that p is a bound.
    """

    chi2: NDArray[np.float64]
    chi2_p: NDArray[np.float64]
    psi: NDArray[np.float64]
    psi_p: NDArray[np.float64]
    missing_p: NDArray[np.float64]
    p_value: NDArray[np.float64]
    p_iid: NDArray[np.float64]
    trusted: NDArray[np.bool_]
    extrapolated: NDArray[np.bool_]


def compare_categorical(
    current: CategoricalCounts, reference: CategoricalReference, null: BlockNull | None = None
) -> CategoricalComparison:
    """Compute every statistic and p-value of one window of a block.

    Parameters
    ----------
    current : CategoricalCounts
        The window.
    reference : CategoricalReference
        What it is compared with, same features and categories.
    null : BlockNull, optional
        Calibration from the reference's windows. Without it calibrated p-values are 1.

    Returns
    -------
    CategoricalComparison
        Arrays over the features.

    Raises
    ------
    ValueError
        If the features or categories of the arguments differ.
    """
    base = reference.counts
    if current.all.shape != base.all.shape:
        raise ValueError(
            f"window has (features, categories + 2) {current.all.shape}, reference {base.all.shape}: "
            "count the window on the reference's categories"
        )
    if null is not None and (len(null) != len(base.missing) or len(null.statistics) != 2):
        raise ValueError(
            f"null is of {len(null)} features with {'/'.join(null.statistics)}, "
            f"reference of {len(base.missing)} categorical ones: they belong to different blocks"
        )
    rows = current.rows
    some = (rows > 0) & (base.rows > 0)
    chi2, chi2_iid = two_sample(current.all, base.all)
    missing_iid = rates.iid_p_value(current.missing, rows, base.missing, base.rows)
    if null is None:
        p = np.ones((len(rows), 2))
        trusted = extrapolated = np.zeros((len(rows), 2), dtype=bool)
    else:
        rate = base.missing / np.maximum(base.rows, 1.0)
        squared = np.stack(
            [
                _quadratic(current, base, null),
                rates.arcsine_difference(current.missing, rows, rate) ** 2,
            ],
            axis=1,
        )
        n = np.stack([rows, rows], axis=1)
        p, trusted, extrapolated = null.p_values(squared, n), null.trusted, null.extrapolated(n)
    chi2_p, missing_p = np.where(some, p.T, np.nan)
    return CategoricalComparison(
        chi2=chi2,
        chi2_p=chi2_p,
        psi=psi(current.all, base.all),
        psi_p=chi2_p,
        missing_p=missing_p,
        p_value=bonferroni_pair(chi2_p, missing_p),
        p_iid=bonferroni_pair(chi2_iid, missing_iid),
        trusted=trusted[:, 0],
        extrapolated=extrapolated[:, 0],
    )


def _quadratic(current: CategoricalCounts, base: CategoricalCounts, null: BlockNull) -> NDArray[np.float64]:
    """Compute the quadratic form on the groups the null was calibrated with."""
    difference = current.all / np.maximum(current.rows, 1.0)[:, None]
    difference -= base.all / np.maximum(base.rows, 1.0)[:, None]
    features, groups = null.group_scale.shape
    # padding (-1) goes into one more group at the end, which is cut off
    index = np.where(null.groups < 0, groups, null.groups) + np.arange(features)[:, None] * (groups + 1)
    pooled: NDArray[np.float64] = np.bincount(
        index.ravel(), weights=difference.ravel(), minlength=features * (groups + 1)
    ).astype(np.float64)
    return quadratic_form(pooled.reshape(features, -1)[:, :groups], null.group_scale.astype(np.float64))
