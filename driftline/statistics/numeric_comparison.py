"""Compare one window of a block of numeric features with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics import ks, rates, wasserstein
from driftline.statistics.multiple import bonferroni_pair
from driftline.statistics.psi import decile_ends, psi, quadratic_form, sum_deciles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull


@dataclass(frozen=True, eq=False)
class NumericCounts:
    """Counts of one window, or of the whole reference, for F features.

    Attributes
    ----------
    values : ndarray of int64, shape (F, B)
        Rows in each value bin; padding is 0.
    missing, nonfinite : ndarray of int64, shape (F,)
        Rows that are null, and NaN or infinite.
    """

    values: NDArray[np.int64]
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]

    @cached_property
    def present(self) -> NDArray[np.float64]:
        """Rows with a finite value, shape (F,)."""
        total: NDArray[np.float64] = self.values.sum(-1).astype(np.float64)
        return total

    @cached_property
    def absent(self) -> NDArray[np.float64]:
        """Rows without a finite value, shape (F,)."""
        return (self.missing + self.nonfinite).astype(np.float64)

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """All rows, shape (F,)."""
        return self.present + self.absent

    @cached_property
    def fractions(self) -> NDArray[np.float64]:
        """Share of the present rows in each bin, shape (F, B); 0 where no value is present."""
        return self.values / np.maximum(self.present, 1.0)[:, None]

    def coarse(self, ends: NDArray[np.int16]) -> NDArray[np.float64]:
        """Rows in each decile, then missing, then non-finite, shape (F, 12)."""
        deciles = sum_deciles(self.values.astype(np.float64), ends)
        return np.concatenate([deciles, self.missing[:, None], self.nonfinite[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class NumericReference:
    """What a window is compared with.

    Attributes
    ----------
    counts : NumericCounts
        Of the whole reference.
    gap : ndarray of float64, shape (F, B - 1)
        Distances of neighbouring bins' centres; padding is 0.
    iqr, sd : ndarray of float64, shape (F,)
        Interquartile range and standard deviation of the reference.
    atoms : ndarray of bool, shape (F, B), optional
        Bins that hold one single value (`ks.atom_bins` tells from the edges). Without it, bins heavier than
        twice the mean of the non-empty ones are taken for atoms. Only `p_iid` depends on it.
    """

    counts: NumericCounts
    gap: NDArray[np.float64]
    iqr: NDArray[np.float64]
    sd: NDArray[np.float64]
    atoms: NDArray[np.bool_] | None = None

    @cached_property
    def decile_ends(self) -> NDArray[np.int16]:
        """Last fine bin of each reference decile, shape (F, 10)."""
        return decile_ends(self.counts.values)

    @cached_property
    def coarse(self) -> NDArray[np.float64]:
        """Rows in each decile, missing, non-finite, shape (F, 12)."""
        return self.counts.coarse(self.decile_ends)

    @cached_property
    def spread_mass(self) -> NDArray[np.float64]:
        """Share of the present rows in bins over which values spread, shape (F, B); 0 for atoms."""
        fractions = self.counts.fractions
        atoms = self.atoms
        if atoms is None:
            atoms = fractions > 2 / np.maximum((fractions > 0).sum(-1, keepdims=True), 1)
        return np.where(atoms, 0.0, fractions)


@dataclass(frozen=True, eq=False)
class NumericComparison:
    """Statistics and p-values of F features in one window; nan where undefined.

    Attributes
    ----------
    ks, psi, wasserstein, wasserstein_iqr : ndarray of float64, shape (F,)
        Statistics.
    ks_p, psi_p, wasserstein_p, missing_p : ndarray of float64, shape (F,)
        Calibrated p-values. `missing_p` is about the share of rows without a finite value.
    p_value : ndarray of float64, shape (F,)
        `ks_p` and `missing_p` combined by Bonferroni; `missing_p` alone where no value is present.
    p_iid : ndarray of float64, shape (F,)
        The same as if rows were independent.
    trusted : ndarray of bool, shape (F,)
        Whether `p_value` rests on enough reference windows to be acted on.
    extrapolated : ndarray of bool, shape (F,)
        Whether the window has fewer or more rows than any reference window, so that p is a bound.
    """

    ks: NDArray[np.float64]
    ks_p: NDArray[np.float64]
    psi: NDArray[np.float64]
    psi_p: NDArray[np.float64]
    wasserstein: NDArray[np.float64]
    wasserstein_iqr: NDArray[np.float64]
    wasserstein_p: NDArray[np.float64]
    missing_p: NDArray[np.float64]
    p_value: NDArray[np.float64]
    p_iid: NDArray[np.float64]
    trusted: NDArray[np.bool_]
    extrapolated: NDArray[np.bool_]


def compare_numeric(
    current: NumericCounts, reference: NumericReference, null: BlockNull | None = None
) -> NumericComparison:
    """Compute every statistic and p-value of one window of a block.

    Parameters
    ----------
    current : NumericCounts
        The window.
    reference : NumericReference
        What it is compared with, same features and bins.
    null : BlockNull, optional
        Calibration from the reference's windows. Without it calibrated p-values are 1.

    Returns
    -------
    NumericComparison
        Arrays over the features.

    Raises
    ------
    ValueError
        If the features or bins of the arguments differ.
    """
    _check(current, reference, null)
    base = reference.counts
    present, rows = current.present, current.rows
    comparable = (present > 0) & (base.present > 0)
    some = (rows > 0) & (base.rows > 0)
    difference = np.where(comparable[:, None], current.fractions - base.fractions, 0.0)
    distance = np.where(comparable, ks.distance(difference), np.nan)
    earth = np.where(comparable, wasserstein.distance(difference, reference.gap), np.nan)
    ks_iid = ks.iid_p_value(difference, present, base.present, reference.spread_mass)
    missing_iid = rates.iid_p_value(current.absent, rows, base.absent, base.rows)
    if null is None:
        p = np.ones((len(rows), 4))
        trusted = extrapolated = np.zeros((len(rows), 4), dtype=bool)
    else:
        rate = base.absent / np.maximum(base.rows, 1.0)
        squared = np.stack(
            [
                distance**2,
                _quadratic(current, base, null),
                earth**2,
                rates.arcsine_difference(current.absent, rows, rate) ** 2,
            ],
            axis=1,
        )
        n = np.stack([present, rows, present, rows], axis=1)
        p, trusted, extrapolated = null.p_values(squared, n), null.trusted, null.extrapolated(n)
    ks_p, psi_p, wasserstein_p, missing_p = p.T
    ks_p, wasserstein_p = np.where(comparable, ks_p, np.nan), np.where(comparable, wasserstein_p, np.nan)
    psi_p, missing_p = np.where(some, psi_p, np.nan), np.where(some, missing_p, np.nan)
    decides = np.where(comparable & ~(missing_p < ks_p), 0, 3)
    each = np.arange(len(rows))
    return NumericComparison(
        ks=distance,
        ks_p=ks_p,
        psi=psi(current.coarse(reference.decile_ends), reference.coarse),
        psi_p=psi_p,
        wasserstein=earth,
        wasserstein_iqr=wasserstein.in_reference_units(earth, reference.iqr, reference.sd),
        wasserstein_p=wasserstein_p,
        missing_p=missing_p,
        p_value=bonferroni_pair(ks_p, missing_p),
        p_iid=bonferroni_pair(np.where(comparable, ks_iid, np.nan), missing_iid),
        trusted=trusted[each, decides],
        extrapolated=extrapolated[each, decides],
    )


def _quadratic(current: NumericCounts, base: NumericCounts, null: BlockNull) -> NDArray[np.float64]:
    """Compute the quadratic form of PSI on the bins the null was calibrated with."""
    live, reference = current.coarse(null.groups), base.coarse(null.groups)
    difference = (
        live / np.maximum(current.rows, 1.0)[:, None] - reference / np.maximum(base.rows, 1.0)[:, None]
    )
    return quadratic_form(difference, null.group_scale.astype(np.float64))


def _check(current: NumericCounts, reference: NumericReference, null: BlockNull | None) -> None:
    shape = reference.counts.values.shape
    if current.values.shape != shape:
        raise ValueError(
            f"window has (features, bins) {current.values.shape}, reference {shape}: "
            "profile the window on the reference's bins"
        )
    if null is not None and (len(null) != shape[0] or len(null.statistics) != 4):
        raise ValueError(
            f"null is of {len(null)} features with {'/'.join(null.statistics)}, "
            f"reference of {shape[0]} numeric ones: they belong to different blocks"
        )
