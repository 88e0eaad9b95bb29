"""What a statistic is: how far a window is from its reference, and how far normal windows stray by it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from driftline.schemas.fields import Field
    from driftline.statistics.null.null_table import NullTable
    from driftline.statistics.season import SeasonOfWindows

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FeatureWindows:
    """One feature in the W windows of a reference, in time order.

    Parameters
    ----------
    counts : ndarray of float64, shape (W, B)
        Rows in each value bin; of a categorical feature in each category, the last one *other*.
    missing, nonfinite : ndarray of float64, shape (W,)
        Rows that are null, and NaN or infinite.
    gap : ndarray of float64, shape (B - 1,)
        Distances of neighbouring bins' centres; empty for categories.
    reference : ndarray of float64, shape (B,)
        Rows of the whole reference in each bin: what windows will be compared with.
    overlap : float
        Window length over window period: 1 for disjoint windows, 2 for 30 minutes every 15.
    smallest : float
        Rows of the smallest window that is ever judged.
    mean, variance : ndarray of float64, shape (W,), optional
        Of the finite values; None of a baseline whose windows were kept without them, and for categories.
    rare_categories : int
        Categories of the reference besides those that are counted by name.
    cardinality, coincidences : ndarray of float64, shape (W,), optional
        Distinct values, and ordered pairs of rows that are alike; None for numbers, and of a baseline whose
        windows were kept without them.
    season : SeasonOfWindows, optional
        When the windows were: each is compared with what is usual then.
    invalid : ndarray of float64, shape (W,), optional
        Rows whose value is none of the feature's kind; none of a baseline whose windows were kept without.
    kept : ndarray of bool, shape (W,), optional
        Windows to learn from; all if not given. The others are part of the reference none the less.
    """

    counts: Floats
    missing: Floats
    nonfinite: Floats
    gap: Floats
    reference: Floats
    overlap: float
    smallest: float
    mean: Floats | None = None
    variance: Floats | None = None
    rare_categories: int = 0
    cardinality: Floats | None = None
    coincidences: Floats | None = None
    season: SeasonOfWindows | None = None
    invalid: Floats | None = None
    kept: NDArray[np.bool_] | None = None

    @property
    def invalid_rows(self) -> Floats:
        """Rows whose value is none of the feature's kind, shape (W,)."""
        return self.missing * 0.0 if self.invalid is None else self.invalid

    @property
    def absent(self) -> Floats:
        """Rows without a value that can be used, shape (W,)."""
        return self.missing + self.nonfinite + self.invalid_rows

    @property
    def with_values(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Counts (V, B) and rows (V,) of the V kept windows that hold a value, and which these are (W,)."""
        n = self.counts.sum(1)
        seen = n > 0 if self.kept is None else (n > 0) & self.kept
        return self.counts[seen], n[seen], seen


@dataclass(frozen=True, eq=False)
class FittedNull:
    """The null of one statistic of one feature.

    Parameters
    ----------
    table : NullTable
        Of the squared statistic.
    arrays : mapping of str to ndarray
        What the statistic needs besides to be computed as it was calibrated: bins that were pooled,
        denominators. Each one-dimensional, int16 or float32.
    """

    table: NullTable
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Statistic(ABC):
    """One way to measure how far windows of F features are from their reference.

    Attributes
    ----------
    name : str
        Of the null in a baseline. Its p-value is the column ``<name>_p`` of a result row.
    kind : str
        Features it is for: ``numeric`` or ``categorical``.
    columns : tuple of Field
        Columns that it adds to a result row, and behind them its p-value; null where it is not computed.
        Empty for those whose columns the row had from the start.
    """

    name: str
    kind: str
    columns: tuple[Field, ...] = ()

    @abstractmethod
    def values(self, pair: Any) -> dict[str, Floats]:
        """Compute what is reported.

        Returns
        -------
        dict of str to ndarray of float64, shape (F,)
            By column; nan where undefined.
        """

    def standardised(
        self,
        pair: Any,  # noqa: ARG002
        arrays: Mapping[str, NDArray[Any]],  # noqa: ARG002
    ) -> dict[str, Floats]:
        """Compute what is reported in units of normal windows, so only where there is a null.

        Returns
        -------
        dict of str to ndarray of float64, shape (F,) or (F, K)
            By column; nan where undefined. A column of K numbers is a list in a row.
        """
        return {}

    @abstractmethod
    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Compute what has the null distribution.

        Parameters
        ----------
        arrays : mapping of str to ndarray, shape (F, ...)
            What `fit` gave of each feature, one below the other.

        Returns
        -------
        ndarray of float64, shape (F,)
            The squared statistic.
        """

    def vectors(
        self,
        pair: Any,  # noqa: ARG002
        arrays: Mapping[str, NDArray[Any]],  # noqa: ARG002
    ) -> Floats | None:
        """Compute the vectors whose squared lengths `squared` gives, so that trends can average them.

        Returns
        -------
        ndarray of float64, shape (F, K), or None
            Deviations from what is normal, zeros where a feature has fewer than K; None of a statistic that
            trends do not follow.
        """
        return None

    @abstractmethod
    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Tell how many rows of the window it is made of.

        Returns
        -------
        n : ndarray of float64, shape (F,)
            Rows.
        defined : ndarray of bool, shape (F,)
            Whether there is a p-value.
        """

    @abstractmethod
    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate its null on the windows of a reference."""
