"""Compare one window of a block of categorical features with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics import rates
from driftline.statistics.cardinality import CARDINALITY, EXPECTED
from driftline.statistics.chi_square import CHI_SQUARE, OF_TYPICAL_WINDOWS, two_sample
from driftline.statistics.coincidence import coincidences
from driftline.statistics.comparison import MISSING, Comparison, Tested
from driftline.statistics.invalid_rate import INVALID
from driftline.statistics.multiple import bonferroni_pair
from driftline.statistics.new_categories import NEW_CATEGORIES, new_tail
from driftline.statistics.null.pooling import by_chance
from driftline.statistics.rate_sizes import LEAST_POINTS, rate_sizes
from driftline.statistics.statistic_registry import statistics_of
from driftline.statistics.vanished import vanished_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull
    from driftline.statistics.statistic import FeatureWindows

_CHANCE = 3.0  # standard deviations by which one of 64 buckets grows in normal windows


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
    cardinality : ndarray of float64, shape (F,), optional
        Distinct categories.
    buckets : ndarray of int64, shape (F, buckets), optional
        Rows in each hash bucket; 0 of a feature that has none.
    invalid : ndarray of int64, shape (F,), optional
        Rows that hold something else than a plain value; none if not given.
    """

    categories: NDArray[np.int64]
    missing: NDArray[np.int64]
    new: NDArray[np.float64] | None = None
    cardinality: NDArray[np.float64] | None = None
    buckets: NDArray[np.int64] | None = None
    invalid: NDArray[np.int64] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Begin with no invalid rows."""
        if self.invalid is None:
            object.__setattr__(self, "invalid", np.zeros_like(self.missing))

    @cached_property
    def present(self) -> NDArray[np.float64]:
        """Rows with a value, shape (F,)."""
        return self.rows - self.absent

    @cached_property
    def in_bucket(self) -> NDArray[np.int64]:
        """Rows in each hash bucket, shape (F, buckets), at least one bucket."""
        if self.buckets is not None and self.buckets.shape[1]:
            return self.buckets
        return np.zeros((len(self.missing), 1), np.int64)

    @cached_property
    def all(self) -> NDArray[np.float64]:
        """Missing and invalid first, then categories, other and padding, shape (F, K + 2)."""
        return np.concatenate([self.absent[:, None], self.categories], axis=1).astype(np.float64)

    @cached_property
    def apart(self) -> NDArray[np.float64]:
        """Invalid first, then missing, categories, other and padding, shape (F, K + 3)."""
        first = np.stack([self.invalid, self.missing], axis=1)
        return np.concatenate([first, self.categories], axis=1).astype(np.float64)

    @cached_property
    def absent(self) -> NDArray[np.int64]:
        """Rows without a value that can be used, shape (F,)."""
        return self.missing + self.invalid

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
    bins : ndarray of int64, shape (F,), optional
        Bins of each feature, *other* the last of them; without it there is no padding.
    rare : ndarray of int64, shape (F,), optional
        Categories of the reference that have no bin; 0 where they are not known.
    """

    counts: CategoricalCounts
    bins: NDArray[np.int64] | None = None
    rare: NDArray[np.int64] | None = None

    @cached_property
    def named(self) -> NDArray[np.bool_]:
        """Bins of one category each, shape (F, K + 1)."""
        features, width = self.counts.categories.shape
        bins = np.full(features, width) if self.bins is None else self.bins
        return np.arange(width) < bins[:, None] - 1

    @cached_property
    def by_chance(self) -> NDArray[np.bool_]:
        """Bins that a category may have by chance, and *other* with them, shape (F, K + 1)."""
        found = np.zeros(self.counts.categories.shape, bool)
        for rows, named, chance in zip(self.counts.categories, self.named, found, strict=True):
            bins = int(named.sum()) + 1
            chance[:bins] = by_chance(rows[:bins].astype(np.float64), 1.0)
        return found

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Shares of the named categories among the values, shape (F, K + 1)."""
        return self.counts.categories * self.named / np.maximum(self.counts.present, 1.0)[:, None]

    @cached_property
    def concentration(self) -> NDArray[np.float64]:
        """Share of the most frequent category, shape (F,)."""
        return np.asarray(self.shares.max(-1))

    def of(self, features: NDArray[np.int64]) -> CategoricalReference:
        """Give the references of these features, one below the other."""
        return CategoricalReference(
            CategoricalCounts(
                self.counts.categories[features],
                self.counts.missing[features],
                invalid=self.counts.invalid[features],
            )
        )


@dataclass(frozen=True, eq=False)
class CategoricalPair:
    """One window and its reference, with what several statistics need of both.

    Attributes
    ----------
    when : ndarray of int64, shape (1,) or (F,), optional
        Middle of the window, microseconds since the epoch.
    """

    current: CategoricalCounts
    reference: CategoricalReference
    when: NDArray[np.int64] | None = None

    @classmethod
    def of_windows(cls, windows: FeatureWindows) -> CategoricalPair:
        """Pair each window of a reference with all of them together."""
        counts, missing, invalid = (
            each.astype(np.int64) for each in (windows.counts, windows.missing, windows.invalid_rows)
        )
        whole = CategoricalCounts(
            np.broadcast_to(counts.sum(0), counts.shape),
            np.broadcast_to(missing.sum(), missing.shape),
            invalid=np.broadcast_to(invalid.sum(), invalid.shape),
        )
        when = None if windows.season is None else windows.season.times
        current = CategoricalCounts(counts, missing, invalid=invalid)
        return cls(current, CategoricalReference(whole), when)

    @cached_property
    def some(self) -> NDArray[np.bool_]:
        """Whether both have rows, shape (F,)."""
        return np.asarray((self.current.rows > 0) & (self.reference.counts.rows > 0))

    @cached_property
    def named(self) -> NDArray[np.int64]:
        """Rows of the window in each category that has a bin, shape (F, K + 1)."""
        return self.current.categories * self.reference.named

    @cached_property
    def coincidences(self) -> NDArray[np.float64]:
        """Ordered pairs of rows that are alike, shape (F,)."""
        return coincidences(self.current.categories, self.current.in_bucket)

    @cached_property
    def moved(self) -> NDArray[np.float64]:
        """By how much the share of each hash bucket grew, shape (F, buckets)."""
        now, before = (
            each.in_bucket / np.maximum(each.present, 1.0)[:, None]
            for each in (self.current, self.reference.counts)
        )
        return np.asarray(now - before)

    @cached_property
    def concentration(self) -> NDArray[np.float64]:
        """Share of the most frequent category as far as it is counted, shape (F,); nan without values."""
        n = np.maximum(self.current.present, 1.0)
        found = np.maximum(self.named.max(-1) / n, self.moved.max(-1))
        if self.current.cardinality is not None:
            # of those without a bin the most frequent one has no less than their mean
            other = self.current.present - self.named.sum(-1)
            others = np.rint(self.current.cardinality) - (self.named > 0).sum(-1)
            found = np.maximum(found, other / n / np.maximum(others, 1.0))
        return np.where(self.current.present > 0, found, np.nan)

    def rate_sizes(self, expected: NDArray[np.float64] | None) -> dict[str, NDArray[np.float64]]:
        """Largest change among shares: missing, invalid, each category, other, new ones, and those gone.

        Parameters
        ----------
        expected : ndarray of float64, shape (F,), optional
            Distinct categories that a window of so many rows should have.
        """
        current, base = self.current, self.reference.counts
        points, ratio = rate_sizes(current.apart, current.rows, base.apart, base.rows)
        if current.new is not None:
            new = np.nan_to_num(current.new)[:, None]
            share, _ = rate_sizes(new, current.rows, np.zeros_like(new), base.rows)
            _, times = rate_sizes(new, current.rows, self._usually_new(new), base.rows)
            points, ratio = np.maximum(points, share), np.maximum(ratio, times)
        ratio = np.maximum(ratio, self._bucket_ratio)
        further = np.abs(self.moved).max(-1)
        if expected is not None and current.cardinality is not None:
            shares, n = self.reference.shares, current.present
            gone = vanished_share(self.named, n, shares, current.cardinality, expected)
            further = np.maximum(further, gone)
        further = np.where(current.present > 0, further, 0.0)
        return {"rate_change": np.maximum(points, further), "rate_ratio": ratio}

    @cached_property
    def _bucket_ratio(self) -> NDArray[np.float64]:
        """By how many times a hash bucket grew by more than chance, shape (F,); 1 if none by a point."""
        base = self.reference.counts
        usual = base.in_bucket / np.maximum(base.present, 1.0)[:, None] * self.current.present[:, None]
        surely = self.current.in_bucket - _CHANCE * np.sqrt(usual)
        times = np.where(self.moved >= LEAST_POINTS, (surely + 0.5) / (usual + 0.5), 1.0)
        return np.asarray(np.maximum(times.max(-1), 1.0))

    def _usually_new(self, new: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows among as many as the reference's, (F, 1), that are new in normal windows; no more than here.

        As many as it has met at most once (Good 1953): of an open vocabulary some always are.
        """
        rare = self.reference.rare
        if rare is None:
            return np.zeros_like(new)
        times = self.reference.counts.rows / np.maximum(self.current.rows, 1.0)
        return np.minimum(rare[:, None], new * times[:, None])

    @cached_property
    def two_sample(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Chi-square and its p-value as if rows were independent, shape (F,) each."""
        return two_sample(self.current.apart, self.reference.counts.apart)

    def _with_buckets(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add what hash buckets say of categories without a bin: which rows meet there is not chosen."""
        now, before = self.current.in_bucket, self.reference.counts.in_bucket
        if now.shape != before.shape or not (self.current.buckets is not None and now.shape[1] > 1):
            return p
        moved = two_sample(now, before)[1]
        return np.where(before.any(-1) & ~np.isnan(moved) & ~np.isnan(p), bonferroni_pair(p, moved), p)

    @cached_property
    def p_iid(self) -> NDArray[np.float64]:
        """p-value as if rows were independent, of the categories and of new ones, shape (F,).

        What the reference's own rows chose to have a bin has fewer of the next ones: in text that hardly ever
        repeats none at all. So categories that may have their bin by chance count as *other*. That would hide
        new ones: of those there should be as many as the reference met at most once (`NewCategories`). It
        would hide as well that one of the others is all there is: that shows in their hash buckets.
        """
        chance = self.reference.by_chance
        pooled = []
        for each in (self.current, self.reference.counts):
            named, absent = (
                np.where(chance, 0, each.categories),
                np.stack([each.invalid, each.missing], axis=1),
            )
            other = np.where(chance, each.categories, 0).sum(-1, keepdims=True)
            pooled.append(np.concatenate([absent, named, other], axis=1))
        p = two_sample(*pooled)[1]
        p = self._with_buckets(p)
        new, rare = self.current.new, self.reference.rare
        if new is None or rare is None:
            return p
        n, known = self.current.present, self.reference.counts.present
        appear = new_tail(np.nan_to_num(new), rare + 1.0, n, known)
        told = (np.nan_to_num(new) > 0) & (n > 0) & (known > 0)
        return np.where(told & ~np.isnan(p), bonferroni_pair(p, appear), p)


def compare_categorical(
    current: CategoricalCounts,
    reference: CategoricalReference,
    null: BlockNull | None = None,
    when: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compute every statistic and p-value of one window of a block.

    Parameters
    ----------
    reference : CategoricalReference
        What it is compared with, same features and categories.
    null : BlockNull, optional
        Calibration from the reference's windows. Without it calibrated p-values are 1.
    when : ndarray of int64, shape (1,) or (F,), optional
        Middle of the window, microseconds since the epoch; as for `compare_numeric`.

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
    pair = CategoricalPair(current, reference, when)
    statistics = statistics_of("categorical")
    values = {name: column for each in statistics for name, column in each.values(pair).items()}
    tested = Tested.of(pair, statistics, null).first(CHI_SQUARE.name, of=OF_TYPICAL_WINDOWS.name)
    chi2_p = tested.p[CHI_SQUARE.name]
    missing_iid = rates.iid_p_value(current.absent, current.rows, base.absent, base.rows)
    return tested.combined(
        {**values, **pair.rate_sizes(tested.standardised.get(EXPECTED)), "psi_p": chi2_p},
        by={
            CHI_SQUARE.name: 2.0,
            MISSING: 2.0,
            INVALID: 2.0,
            NEW_CATEGORIES.name: 1.0,
            CARDINALITY.name: 1.0,
        },
        idle={
            MISSING: (current.absent == 0) & (base.absent == 0),
            INVALID: (current.invalid == 0) & (base.invalid == 0),
        },
        p_iid=bonferroni_pair(pair.p_iid, missing_iid),
    )
