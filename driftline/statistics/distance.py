"""Distances between two histograms of values, and their nulls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.statistics.null.calibrate import calibrate
from driftline.statistics.null.null_table import without_null
from driftline.statistics.null.season_arrays import expected_bins
from driftline.statistics.null.season_of_bins import season_of_bins
from driftline.statistics.psi import decile_ends
from driftline.statistics.quadratic import quadratic_form
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.schemas.fields import Field
    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance(Statistic):
    """A distance between two histograms of values: all that a new statistic must bring.

    Parameters
    ----------
    name : str
        Its value is the column of that name, its p-value ``<name>_p``.
    between : callable
        ``between(difference, gap)``: from the bins' fractions of the window minus those of the reference,
        (..., B), and the distances of neighbouring bins' centres, (B - 1,) or (..., B - 1), to (...).
    one_row : callable
        ``one_row(rows, gap, unseen)``: the distance that one row in an unlucky place makes in windows of so
        many rows (N,), as (N,); ``unseen`` (B - 1,) is F (1 - F) of the reference at the bins' edges. It is
        what a reference without any variation forgives.
    columns : tuple of Field
        As of `Statistic`: the column of its value.
    """

    name: str
    between: Callable[[Floats, Floats], Floats]
    one_row: Callable[[Floats, Floats, Floats], Floats]
    columns: tuple[Field, ...] = ()
    kind: str = "numeric"

    def values(self, pair: Any) -> dict[str, Floats]:
        """Give the distance, nan where the window or the reference has no value."""
        return {self.name: self.of(pair)}

    def of(self, pair: Any) -> Floats:
        """Compute the distances (F,) of a `NumericPair`."""
        return np.where(pair.comparable, self.between(pair.difference, pair.reference.gap), np.nan)

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Square the distance from what is usual at the window's time."""
        unusual = pair.difference - expected_bins(arrays, pair.when, pair.difference.shape[1])
        return np.where(pair.comparable, self.between(unusual, pair.reference.gap) ** 2, np.nan)

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate it alone; `fit_distances` does so for several at once."""
        return fit_distances([self], windows)[self.name]


def fit_distances(distances: Sequence[Distance], windows: FeatureWindows) -> dict[str, FittedNull]:
    """Calibrate distances of one feature on the rows with a finite value.

    Returns
    -------
    dict of str to FittedNull
        By name; each is what it would be alone.
    """
    total, gap, overlap = windows.counts.sum(0), windows.gap, windows.overlap
    values, n, seen = windows.with_values
    if not seen.any():
        return {each.name: FittedNull(without_null(n, overlap)) for each in distances}
    ends = decile_ends(total)
    hit = np.flatnonzero(total)
    hit_gap = np.diff(np.concatenate([np.zeros(1), gap.cumsum()])[hit])
    decile = np.searchsorted(ends, hit)
    start = np.r_[0, np.flatnonzero(np.diff(decile)) + 1]
    share = np.add.reduceat(total[hit], start) / total.sum()
    cumulative = total.cumsum()[:-1] / total.sum()
    unseen = cumulative * (1 - cumulative)

    def squared(difference: Floats) -> Floats:
        # the last one tells calibrate what of the covariance is wobble
        quadratic = quadratic_form(np.add.reduceat(difference, start, axis=-1), share)
        return np.stack([*(each.between(difference, hit_gap) ** 2 for each in distances), quadratic], axis=-1)

    def one_row(rows: Floats) -> Floats:
        return np.stack([each.one_row(rows, gap, unseen) ** 2 for each in distances], axis=-1)

    fractions = values[:, hit] / n[:, None]
    usual = season_of_bins(
        fractions - total[hit] / total.sum(),
        n,
        None if windows.season is None else windows.season.only(seen),
        unit=None,
        overlap=overlap,
        places=hit,
        bins=values.shape[1],
    )
    tables = calibrate(
        fractions,
        n,
        squared,
        one_row,
        overlap=overlap,
        ordered=True,
        season=usual,
        reference=total[hit] / total.sum(),
    )
    arrays = {} if usual is None else usual.arrays
    return {each.name: FittedNull(table, arrays) for each, table in zip(distances, tables, strict=True)}
