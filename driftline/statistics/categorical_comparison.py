"""Compare one window of a block of categorical features with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics import rates
from driftline.statistics.chi_square import CHI_SQUARE, OF_TYPICAL_WINDOWS, two_sample
from driftline.statistics.comparison import MISSING, Comparison, Tested
from driftline.statistics.multiple import bonferroni_pair
from driftline.statistics.new_categories import NEW_CATEGORIES
from driftline.statistics.rate_sizes import rate_sizes
from driftline.statistics.statistic_registry import statistics_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull
    from driftline.statistics.statistic import FeatureWindows


@dataclass(frozen=True, eq=False)
class CategoricalCounts:
    """Counts of one window, or of the whole reference, for F features.

    Attributes
    ----------
    categories : ndarray of int64, shape (F, K + 1)
        Rows of each category, then *other*; padding is 0.
    missing : ndarray of int64, shape (F,)
        Rows that are null.
    new : ndarray of float64, shape (F,), optional
        Rows of categories that the reference lacks; nan where it had too many to know.
    """

    categories: NDArray[np.int64]
    missing: NDArray[np.int64]
    new: NDArray[np.float64] | None = None

    @cached_property
    def all(self) -> NDArray[np.float64]:
        """Missing first, then categories, other and padding, shape (F, K + 2)."""
        return np.concatenate([self.missing[:, None], self.categories], axis=1).astype(np.float64)

    @property
    def absent(self) -> NDArray[np.int64]:
        """Rows without a value, shape (F,)."""
        return self.missing

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """All rows, shape (F,)."""
        total: NDArray[np.float64] = self.all.sum(-1)
        return total


@dataclass(frozen=True, eq=False)
class CategoricalReference:
    """What a window is compared with."""

    counts: CategoricalCounts

    def of(self, features: NDArray[np.int64]) -> CategoricalReference:
        """Give the references of these features, one below the other."""
        return CategoricalReference(
            CategoricalCounts(self.counts.categories[features], self.counts.missing[features])
        )


@dataclass(frozen=True, eq=False)
class CategoricalPair:
    """One window and its reference, with what several statistics need of both."""

    current: CategoricalCounts
    reference: CategoricalReference

    @classmethod
    def of_windows(cls, windows: FeatureWindows) -> CategoricalPair:
        """Pair each window of a reference with all of them together."""
        counts, missing = windows.counts.astype(np.int64), windows.missing.astype(np.int64)
        whole = CategoricalCounts(
            np.broadcast_to(counts.sum(0), counts.shape), np.broadcast_to(missing.sum(), missing.shape)
        )
        return cls(CategoricalCounts(counts, missing), CategoricalReference(whole))

    @cached_property
    def some(self) -> NDArray[np.bool_]:
        """Whether both have rows, shape (F,)."""
        return np.asarray((self.current.rows > 0) & (self.reference.counts.rows > 0))

    @cached_property
    def rate_sizes(self) -> dict[str, NDArray[np.float64]]:
        """Largest change among the shares of missing, each category, other and new ones."""
        current, base = self.current, self.reference.counts
        new = np.zeros(len(base.rows)) if current.new is None else np.nan_to_num(current.new)
        live = np.concatenate([current.all, new[:, None]], axis=1)
        known = np.concatenate([base.all, np.zeros((len(new), 1))], axis=1)
        points, ratio = rate_sizes(live, current.rows, known, base.rows)
        return {"rate_change": points, "rate_ratio": ratio}

    @cached_property
    def two_sample(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Chi-square and its p-value as if rows were independent, shape (F,) each."""
        return two_sample(self.current.all, self.reference.counts.all)


def compare_categorical(
    current: CategoricalCounts, reference: CategoricalReference, null: BlockNull | None = None
) -> Comparison:
    """Compute every statistic and p-value of one window of a block.

    Parameters
    ----------
    reference : CategoricalReference
        What it is compared with, same features and categories.
    null : BlockNull, optional
        Calibration from the reference's windows. Without it calibrated p-values are 1.

    Returns
    -------
    Comparison
        Arrays over the features; chi-square decides together with the missing rate.

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
    if null is not None and (len(null) != len(base.missing) or CHI_SQUARE.name not in null.statistics):
        raise ValueError(
            f"null is of {len(null)} features with {'/'.join(null.statistics)}, "
            f"reference of {len(base.missing)} categorical ones: they belong to different blocks"
        )
    pair = CategoricalPair(current, reference)
    statistics = statistics_of("categorical")
    values = {name: column for each in statistics for name, column in each.values(pair).items()}
    tested = Tested.of(pair, statistics, null).first(CHI_SQUARE.name, of=OF_TYPICAL_WINDOWS.name)
    chi2_p = tested.p[CHI_SQUARE.name]
    missing_iid = rates.iid_p_value(current.missing, current.rows, base.missing, base.rows)
    return tested.combined(
        {**values, **pair.rate_sizes, "psi_p": chi2_p},
        by={CHI_SQUARE.name: 2.0, MISSING: 2.0, NEW_CATEGORIES.name: 1.0},
        p_iid=bonferroni_pair(pair.two_sample[1], missing_iid),
    )
