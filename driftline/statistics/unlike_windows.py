"""Windows of a reference that are so unlike its others that a null learns nothing normal from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, at_size, p_values
from driftline.statistics.null.null_table import ACTED_ON, disjoint_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows, FittedNull, Statistic

    Floats = NDArray[np.float64]
    Nulls = Mapping[str, FittedNull]

_LEVEL: Final = 0.001  # that any window of a feature without an incident is left out: storms stay
_MOST: Final = 0.01  # of the windows: what is more is part of what is usual
_FAR: Final = 30.0  # squares of normal windows are no more times their median in a thousand windows
_MEDIAN: Final = int(np.flatnonzero(P_GRID == 0.5)[0])


def without_incidents(
    windows: FeatureWindows,
    statistics: Sequence[Statistic],
    pair: Any,
    fit: Callable[[FeatureWindows], Nulls],
) -> tuple[Nulls, NDArray[np.int64]]:
    """Fit the nulls of a feature without windows that those of the others would hardly ever have.

    The farthest are left out: one hundredth of the windows, or as many as an incident of a window's length
    has a part in. Those that the null of the others then gives a p-value of less than .001, over all windows
    and statistics (Bonferroni), stay out. That null has the tail that its windows leave possible, so of a
    heavy one far windows stay in.

    Parameters
    ----------
    windows : FeatureWindows
        Of one feature.
    statistics : sequence of Statistic
        What is calibrated.
    pair
        Each window with the reference.
    fit : callable
        Nulls by name of the statistic, from the kept windows.

    Returns
    -------
    mapping of str to FittedNull
        The nulls.
    ndarray of int64, shape (L,)
        Places of the windows that are left out.
    """
    nulls, none = fit(windows), np.zeros(0, np.int64)
    count = len(windows.counts)
    disjoint = disjoint_windows(count, windows.overlap)
    if disjoint < 2 * ACTED_ON:
        return nulls, none
    p, times = _judged(statistics, nulls, pair)
    most = max(int(_MOST * count), int(np.ceil(windows.overlap)) + 1)
    suspects = np.argsort(p, kind="stable")[:most]
    if not times[suspects].max() > _FAR:
        return nulls, none
    rest = fit(replace(windows, kept=_all_but(suspects, count)))
    p, _ = _judged(statistics, rest, pair)
    unlike = np.sort(suspects[p[suspects] * disjoint < _LEVEL])
    if not len(unlike):
        return nulls, none
    if len(unlike) < len(suspects):
        rest = fit(replace(windows, kept=_all_but(unlike, count)))
    return rest, unlike


def _all_but(places: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    kept = np.ones(count, bool)
    kept[places] = False
    return kept


def own_p_values(statistic: Statistic, fitted: FittedNull, pair: Any) -> tuple[Floats, Floats]:
    """Judge every window of a reference by a null: p-values, and how many times the median (W,) each is."""
    count, table = len(pair.some), fitted.table

    def same(x: Any) -> Any:
        return np.broadcast_to(x, (count, *np.shape(x)))

    squares = statistic.squared(pair, {name: same(array) for name, array in fitted.arrays.items()})
    n, defined = statistic.rows(pair)
    defined = defined & np.isfinite(squares)
    squares, quantiles, typical = (
        np.where(defined, squares, 0.0),
        same(table.quantiles),
        np.full(count, table.typical_n),
    )
    median = np.exp(at_size(quantiles, typical, np.maximum(n, 1.0))[:, _MEDIAN])
    p = np.where(defined, p_values(quantiles, typical, squares, np.maximum(n, 1.0)), np.nan)
    return p, np.where(defined, squares / median, 0.0)


def _judged(statistics: Sequence[Statistic], nulls: Nulls, pair: Any) -> tuple[Floats, Floats]:
    """Combine the statistics of every window: p-values times their number, and the farthest one's distance.

    That is in medians of the windows' own: what a few of them have does not change it.
    """
    each = [own_p_values(one, nulls[one.name], pair) for one in statistics]
    used = [
        (p, times)
        for (p, times), one in zip(each, statistics, strict=True)
        if nulls[one.name].table.df > 0 and not np.isnan(p).all()
    ]
    if not used:
        count = len(pair.some)
        return np.ones(count), np.zeros(count)
    p = np.nan_to_num(np.stack([p for p, _ in used]), nan=1.0).min(0) * len(used)
    times = np.stack([times / max(float(np.median(times)), 1e-12) for _, times in used]).max(0)
    return p, times
