"""Compare one window of a block of numeric features with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics import ks, rates
from driftline.statistics.beyond_range import BEYOND_RANGE
from driftline.statistics.comparison import MISSING, Comparison, Tested
from driftline.statistics.invalid_rate import INVALID
from driftline.statistics.location_scale import LOCATION_SCALE
from driftline.statistics.multiple import bonferroni_pair
from driftline.statistics.psi import COARSE, decile_ends, sum_deciles
from driftline.statistics.rate_sizes import rate_sizes
from driftline.statistics.score_moments import normal_scores, score_moments
from driftline.statistics.smooth import SMOOTH
from driftline.statistics.statistic_registry import statistics_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null import BlockNull
    from driftline.statistics.statistic import FeatureWindows


_DECIDING: Final = {
    SMOOTH.name: 3.0,
    ks.KS.name: 3.0,
    MISSING: 3.0,
    INVALID: 3.0,
    LOCATION_SCALE.name: 1.0,
    BEYOND_RANGE.name: 1.0,
}
"""What is combined into `p_value`. The last two are there for gross faults: their p-values are tiny."""


@dataclass(frozen=True, eq=False)
class NumericCounts:
    """Counts of one window, or of the whole reference, for F features.

    Attributes
    ----------
    values : ndarray of int64, shape (F, B)
        Rows in each value bin; padding is 0.
    missing, nonfinite : ndarray of int64, shape (F,)
        Rows that are null, and NaN or infinite.
    mean, variance : ndarray of float64, shape (F,), optional
        Of the finite values.
    invalid : ndarray of int64, shape (F,), optional
        Rows that hold something else than a number; none if not given.
    offsets : ndarray of float64, shape (F, B), optional
        Sum of the distances of the values of each bin from its anchor (`driftline.profiles.bin_offsets`);
        nan for a feature of which they are not known.
    """

    values: NDArray[np.int64]
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]
    mean: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None
    invalid: NDArray[np.int64] = None  # type: ignore[assignment]
    offsets: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Begin with no invalid rows."""
        if self.invalid is None:
            object.__setattr__(self, "invalid", np.zeros_like(self.missing))

    @cached_property
    def present(self) -> NDArray[np.float64]:
        """Rows with a finite value, shape (F,)."""
        total: NDArray[np.float64] = self.values.sum(-1).astype(np.float64)
        return total

    @cached_property
    def absent(self) -> NDArray[np.float64]:
        """Rows without a finite value, shape (F,)."""
        return (self.missing + self.nonfinite + self.invalid).astype(np.float64)

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """All rows, shape (F,)."""
        return self.present + self.absent

    @cached_property
    def fractions(self) -> NDArray[np.float64]:
        """Share of the present rows in each bin, shape (F, B); 0 where no value is present."""
        return self.values / np.maximum(self.present, 1.0)[:, None]

    @cached_property
    def mean_offsets(self) -> NDArray[np.float64]:
        """Offsets by number of present rows, shape (F, B): mass of a bin times its mean's offset."""
        if self.offsets is None:
            return np.full(self.values.shape, np.nan)
        by_row: NDArray[np.float64] = self.offsets / np.maximum(self.present, 1.0)[:, None]
        return by_row

    def coarse(self, ends: NDArray[np.int16], bins: int = COARSE) -> NDArray[np.float64]:
        """Rows in each decile, then missing, non-finite and invalid, shape (F, 13).

        With 12 bins, as nulls of earlier releases have, invalid ones are among the non-finite.
        """
        deciles = sum_deciles(self.values.astype(np.float64), ends)
        others = [self.missing, self.nonfinite, self.invalid]
        if bins < COARSE:
            others = [self.missing, self.nonfinite + self.invalid]
        return np.concatenate([deciles, np.stack(others, axis=1)], axis=1)


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
    widths : ndarray of float64, shape (F, B), optional
        Of the bins; 0 for the two open ones and for padding. With it and with offsets the Wasserstein
        distance knows where in their bins values lie.
    """

    counts: NumericCounts
    gap: NDArray[np.float64]
    iqr: NDArray[np.float64]
    sd: NDArray[np.float64]
    atoms: NDArray[np.bool_] | None = None
    widths: NDArray[np.float64] | None = None

    def of(self, features: NDArray[np.int64]) -> NumericReference:
        """Give the references of these features, one below the other."""
        counts = self.counts
        return NumericReference(
            NumericCounts(
                counts.values[features],
                counts.missing[features],
                counts.nonfinite[features],
                invalid=counts.invalid[features],
            ),
            self.gap[features],
            self.iqr[features],
            self.sd[features],
        )

    @cached_property
    def decile_ends(self) -> NDArray[np.int16]:
        """Last fine bin of each reference decile, shape (F, 10)."""
        return decile_ends(self.counts.values)

    @cached_property
    def coarse(self) -> NDArray[np.float64]:
        """Rows in each decile, missing, non-finite and invalid, shape (F, 13)."""
        return self.counts.coarse(self.decile_ends)

    @cached_property
    def outside(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Bins below and above all values of the reference, shape (F, B) each."""
        total = self.counts.values.cumsum(-1)
        return total == 0, (total == total[:, -1:]) & (self.counts.values == 0)

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """Normal scores of the bins, shape (F, B)."""
        return normal_scores(self.counts.values).astype(np.float32)

    @cached_property
    def spread_mass(self) -> NDArray[np.float64]:
        """Share of the present rows in bins over which values spread, shape (F, B); 0 for atoms."""
        fractions = self.counts.fractions
        atoms = self.atoms
        if atoms is None:
            atoms = fractions > 2 / np.maximum((fractions > 0).sum(-1, keepdims=True), 1)
        return np.where(atoms, 0.0, fractions)


@dataclass(frozen=True, eq=False)
class NumericPair:
    """One window and its reference, with what several statistics need of both.

    Attributes
    ----------
    when : ndarray of int64, shape (1,) or (F,), optional
        Middle of the window, microseconds since the epoch.
    """

    current: NumericCounts
    reference: NumericReference
    when: NDArray[np.int64] | None = None

    @classmethod
    def of_windows(cls, windows: FeatureWindows) -> NumericPair:
        """Pair each window of a reference with the whole of it."""
        counts, missing, nonfinite, invalid = (
            each.astype(np.int64)
            for each in (windows.counts, windows.missing, windows.nonfinite, windows.invalid_rows)
        )
        count = len(counts)

        def same(x: Any) -> Any:
            return np.broadcast_to(x, (count, *np.shape(x)))

        whole = NumericCounts(
            same(windows.reference.astype(np.int64)),
            same(missing.sum()),
            same(nonfinite.sum()),
            invalid=same(invalid.sum()),
        )
        one = np.ones(count)
        return cls(
            NumericCounts(counts, missing, nonfinite, windows.mean, windows.variance, invalid),
            NumericReference(whole, same(windows.gap), one, one),
            None if windows.season is None else windows.season.times,
        )

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Whether both have values, shape (F,)."""
        return np.asarray((self.current.present > 0) & (self.reference.counts.present > 0))

    @cached_property
    def some(self) -> NDArray[np.bool_]:
        """Whether both have rows, shape (F,)."""
        return np.asarray((self.current.rows > 0) & (self.reference.counts.rows > 0))

    @cached_property
    def difference(self) -> NDArray[np.float64]:
        """Bin fractions of the window minus those of the reference, shape (F, B); 0 if not comparable."""
        fractions = self.current.fractions - self.reference.counts.fractions
        return np.where(self.comparable[:, None], fractions, 0.0)

    @cached_property
    def rate_sizes(self) -> dict[str, NDArray[np.float64]]:
        """Largest change among the shares missing, non-finite, invalid, below and above the range."""
        current, base = self.current, self.reference.counts
        absent = [current.missing, current.nonfinite, current.invalid]
        live = np.stack([*absent, *self.beyond.T], axis=1).astype(np.float64)
        nothing = np.zeros_like(base.missing)
        usual = [base.missing, base.nonfinite, base.invalid, nothing, nothing]
        known = np.stack(usual, axis=1).astype(np.float64)
        points, ratio = rate_sizes(live, current.rows, known, base.rows)
        return {"rate_change": points, "rate_ratio": ratio}

    @cached_property
    def beyond(self) -> NDArray[np.int64]:
        """Rows of the window below and above all of the reference, shape (F, 2)."""
        below, above = self.reference.outside
        values = self.current.values
        return np.stack([(values * below).sum(-1), (values * above).sum(-1)], axis=-1)

    @cached_property
    def moments(self) -> NDArray[np.float64]:
        """Moments of the scores in the window, shape (F, 4)."""
        return score_moments(self.current.fractions, self.reference.scores)


def compare_numeric(
    current: NumericCounts,
    reference: NumericReference,
    null: BlockNull | None = None,
    when: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compute every statistic and p-value of one window of a block.

    Parameters
    ----------
    reference : NumericReference
        What it is compared with, same features and bins.
    null : BlockNull, optional
        Calibration from the reference's windows. Without it calibrated p-values are 1.
    when : ndarray of int64, shape (1,) or (F,), optional
        Middle of the window, microseconds since the epoch. Without it a null that has a season takes the
        window for one of the hour that it fits best.

    Returns
    -------
    Comparison
        Arrays over the features; those of `_DECIDING` decide together.

    Raises
    ------
    ValueError
        If the features or bins of the arguments differ.
    """
    _check(current, reference, null)
    pair, base = NumericPair(current, reference, when), reference.counts
    statistics = statistics_of("numeric")
    values = {name: column for each in statistics for name, column in each.values(pair).items()}
    tested = Tested.of(pair, statistics, null)
    ks_iid = ks.iid_p_value(pair.difference, current.present, base.present, reference.spread_mass)
    missing_iid = rates.iid_p_value(current.absent, current.rows, base.absent, base.rows)
    return tested.combined(
        values | pair.rate_sizes,
        by=_DECIDING,
        idle={
            MISSING: (current.absent == 0) & (base.absent == 0),
            INVALID: (current.invalid == 0) & (base.invalid == 0),
        },
        p_iid=bonferroni_pair(np.where(pair.comparable, ks_iid, np.nan), missing_iid),
    )


def _check(current: NumericCounts, reference: NumericReference, null: BlockNull | None) -> None:
    shape = reference.counts.values.shape
    if current.values.shape != shape:
        raise ValueError(
            f"window has (features, bins) {current.values.shape}, reference {shape}: "
            "profile the window on the reference's bins"
        )
    if null is not None and (len(null) != shape[0] or ks.KS.name not in null.statistics):
        raise ValueError(
            f"null is of {len(null)} features with {'/'.join(null.statistics)}, "
            f"reference of {shape[0]} numeric ones: they belong to different blocks"
        )
