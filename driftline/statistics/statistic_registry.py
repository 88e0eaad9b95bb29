"""The statistics by kind of feature, and their nulls fitted together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.schemas.statistic_columns import STATISTICS
from driftline.statistics.distance import Distance, fit_distances
from driftline.statistics.statistic import FeatureWindows, FittedNull, Statistic

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SMALLEST: Final = 200
"""Rows of the smallest window that is ever judged, unless a configuration says otherwise."""


@cache
def statistics_of(kind: str) -> tuple[Statistic, ...]:
    """List the statistics of a kind of feature.

    Returns
    -------
    tuple of Statistic
        Ours first.
    """
    return tuple(each for each in STATISTICS.load_all().values() if each.kind == kind)


def fit_nulls(kind: str, windows: FeatureWindows) -> dict[str, FittedNull]:
    """Calibrate every statistic of one feature.

    Returns
    -------
    dict of str to FittedNull
        By the statistic's name.
    """
    statistics = statistics_of(kind)
    distances = [each for each in statistics if isinstance(each, Distance)]
    together = fit_distances(distances, windows) if distances else {}
    return {each.name: together.get(each.name) or each.fit(windows) for each in statistics}


def fit_numeric(
    values: ArrayLike,
    missing: ArrayLike,
    nonfinite: ArrayLike,
    gap: ArrayLike,
    overlap: float = 1.0,
    *,
    reference: ArrayLike | None = None,
    smallest: float = SMALLEST,
    mean: ArrayLike | None = None,
    variance: ArrayLike | None = None,
) -> dict[str, FittedNull]:
    """Calibrate every statistic of one numeric feature.

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
    reference : array_like of int, shape (B,), optional
        Rows of the whole reference in each value bin; those of the windows together if not given.
    smallest : float
        Rows of the smallest window that is ever judged.
    mean, variance : array_like of float, shape (W,), optional
        Of the finite values of each window.

    Returns
    -------
    dict of str to FittedNull
        Ready to be stacked into a `BlockNull`.
    """
    values, missing = np.asarray(values, dtype=np.float64), np.asarray(missing, dtype=np.float64)
    nonfinite, gap = np.asarray(nonfinite, dtype=np.float64), np.asarray(gap, dtype=np.float64)
    whole = values.sum(0) if reference is None else np.asarray(reference, dtype=np.float64)
    windows = FeatureWindows(
        values,
        missing,
        nonfinite,
        gap,
        whole,
        overlap,
        smallest,
        mean=None if mean is None else np.asarray(mean, np.float64),
        variance=None if variance is None else np.asarray(variance, np.float64),
    )
    return fit_nulls("numeric", windows)


def fit_categorical(
    counts: ArrayLike,
    missing: ArrayLike,
    overlap: float = 1.0,
    *,
    smallest: float = SMALLEST,
    rare_categories: int = 0,
) -> dict[str, FittedNull]:
    """Calibrate every statistic of one categorical feature.

    Parameters
    ----------
    counts : array_like of int, shape (W, K + 1)
        Rows of each reference window in each category, the last one *other*; windows in time order.
    missing : array_like of int, shape (W,)
        Rows of each window that are null.
    overlap, smallest : float
        As for `fit_numeric`.
    rare_categories : int
        Categories of the reference that count as *other*.

    Returns
    -------
    dict of str to FittedNull
        Ready to be stacked into a `BlockNull`.
    """
    counts, missing = np.asarray(counts, dtype=np.float64), np.asarray(missing, dtype=np.float64)
    nothing = np.zeros_like(missing)
    windows = FeatureWindows(
        counts,
        missing,
        nothing,
        np.zeros(0),
        counts.sum(0),
        overlap,
        smallest,
        rare_categories=rare_categories,
    )
    return fit_nulls("categorical", windows)
