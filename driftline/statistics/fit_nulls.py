"""Calibrate every statistic of a feature on the windows of its reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.categorical_comparison import CategoricalPair
from driftline.statistics.distance import Distance, fit_distances
from driftline.statistics.null.lookup_grid import p_values
from driftline.statistics.null.runs import fit_runs
from driftline.statistics.numeric_comparison import NumericPair
from driftline.statistics.statistic import FeatureWindows, FittedNull
from driftline.statistics.statistic_registry import statistics_of
from driftline.statistics.unlike_windows import without_incidents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from driftline.statistics.season import SeasonOfWindows
    from driftline.statistics.statistic import Statistic

SMALLEST: Final = 200
"""Rows of the smallest window that is ever judged, unless a configuration says otherwise."""

LEFT_OUT_BY: Final = "missing"
"""The statistic whose null says which windows are left out; features of both kinds have it."""

_PAIRS: Final[dict[str, Any]] = {"numeric": NumericPair, "categorical": CategoricalPair}


def fit_nulls(kind: str, windows: FeatureWindows) -> dict[str, FittedNull]:
    """Calibrate every statistic of one feature.

    Returns
    -------
    dict of str to FittedNull
        By the statistic's name. The array ``left_out`` of the missing rate has the places of windows that are
        so unlike the others that nothing is learnt from them.
    """
    statistics = statistics_of(kind)
    pair = _PAIRS[kind].of_windows(windows)
    nulls, unlike = without_incidents(windows, statistics, pair, lambda kept: _fitted(statistics, kept))
    fitted = {each.name: _with_runs(each, nulls[each.name], pair, windows.overlap) for each in statistics}
    if len(unlike):
        missing = fitted[LEFT_OUT_BY]
        arrays = {**missing.arrays, "left_out": unlike.astype(np.float32)}
        fitted[LEFT_OUT_BY] = replace(missing, arrays=arrays)
    return fitted


def _fitted(statistics: Sequence[Statistic], windows: FeatureWindows) -> dict[str, FittedNull]:
    distances = [each for each in statistics if isinstance(each, Distance)]
    together = fit_distances(distances, windows) if distances else {}
    return {each.name: together.get(each.name) or each.fit(windows) for each in statistics}


def _with_runs(statistic: Statistic, fitted: FittedNull, pair: Any, overlap: float) -> FittedNull:
    """Add how windows follow each other, of a statistic that trends follow."""
    count, table = len(pair.some), fitted.table

    def same(x: Any) -> Any:
        return np.broadcast_to(x, (count, *np.shape(x)))

    arrays = {name: same(array) for name, array in fitted.arrays.items()}
    vectors = statistic.vectors(pair, arrays)
    if vectors is None:
        return fitted
    n, defined = statistic.rows(pair)
    squares = (vectors[defined] ** 2).sum(1)
    quantiles = np.broadcast_to(table.quantiles, (len(squares), *table.quantiles.shape))
    p = p_values(quantiles, np.full(len(squares), table.typical_n), squares, n[defined])
    return replace(fitted, arrays={**fitted.arrays, **fit_runs(vectors[defined], p, overlap)})


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
    season: SeasonOfWindows | None = None,
    invalid: ArrayLike | None = None,
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
    season : SeasonOfWindows, optional
        When the windows were: each is compared with what is usual then.
    invalid : array_like of int, shape (W,), optional
        Rows of each window that hold something else than a number; none if not given.

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
        season=season,
        invalid=None if invalid is None else np.asarray(invalid, np.float64),
    )
    return fit_nulls("numeric", windows)


def fit_categorical(
    counts: ArrayLike,
    missing: ArrayLike,
    overlap: float = 1.0,
    *,
    smallest: float = SMALLEST,
    rare_categories: int = 0,
    cardinality: ArrayLike | None = None,
    coincidences: ArrayLike | None = None,
    season: SeasonOfWindows | None = None,
    invalid: ArrayLike | None = None,
) -> dict[str, FittedNull]:
    """Calibrate every statistic of one categorical feature.

    Parameters
    ----------
    counts : array_like of int, shape (W, K + 1)
        Rows of each reference window in each category, the last one *other*; windows in time order.
    missing : array_like of int, shape (W,)
        Rows of each window that are null.
    overlap, smallest, season, invalid
        As for `fit_numeric`.
    rare_categories : int
        Categories of the reference that count as *other*.
    cardinality, coincidences : array_like of float, shape (W,), optional
        Distinct values of each window, and ordered pairs of its rows that are alike.

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
        cardinality=None if cardinality is None else np.asarray(cardinality, np.float64),
        coincidences=None if coincidences is None else np.asarray(coincidences, np.float64),
        season=season,
        invalid=None if invalid is None else np.asarray(invalid, np.float64),
    )
    return fit_nulls("categorical", windows)
