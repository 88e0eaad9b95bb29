"""Rows whose category never occurs in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.pooling import RARE, design_effect, pool_rare, sum_groups
from driftline.statistics.null.window_series import WindowSeries
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

_COUNTS: Final = np.geomspace(1e-3, 1e6, 400)


def new_tail(k: Any, once: Any, n: Any, known: Any) -> Floats:
    """Chance that k or more of n independent rows are of categories that `known` rows have not met.

    Parameters
    ----------
    k : array_like of float
        Rows of new categories; 0 has chance 1.
    once : array_like of float
        One more than the categories that the known rows met at most once.
    n, known : array_like of float
        Rows.

    Examples
    --------
    >>> new_tail([0.0, 50.0], 1.0, 100.0, 10_000.0).round(3)
    array([1., 0.])
    """
    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        # a regularised incomplete beta function, which goes on between whole numbers
        tail = special.betainc(np.maximum(k, 1e-9), once, np.nan_to_num(n / (known + n)))
    return np.where(k > 0, tail, 1.0)


class NewCategories(Statistic):
    """How many independent rows of a window are of categories that the reference lacks.

    A reference of N rows that has V categories besides those counted by name has met at most V of them once,
    so the next row is of a new one with probability V / N or less (Good 1953). How many of n rows are new
    has a negative binomial distribution: the chance that a closed vocabulary shows k at all is ``(n / (N +
    n))^k``. Rows that come in clusters count as so many fewer as the windows differ more than independent
    rows would; a category that was met once has come in one cluster, so V stays.

    References
    ----------
    Good, I. J. (1953). The population frequencies of species and the estimation of population parameters.
    Biometrika 40, 237-264.
    """

    name = "new"
    kind = "categorical"

    def values(self, pair: Any) -> dict[str, Floats]:  # noqa: ARG002  (the rate is of profiles)
        """Give nothing: a row has the rate whether or not there is a null."""
        return {}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Count independent rows of new categories."""
        if pair.current.new is None:
            return np.full(len(pair.some), np.nan)
        rows: Floats = pair.current.new / arrays["effect"][:, 0].astype(np.float64)
        return rows

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a category; undefined where the reference's are not all known."""
        present = pair.current.present
        known = pair.current.new is not None and np.isfinite(pair.current.new)
        return present, pair.some & (present > 0) & known

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Tabulate how many new ones windows of every size may have."""
        counts, n, _ = windows.with_values
        if disjoint_windows(len(n), windows.overlap) <= FEWEST_WINDOWS:
            return FittedNull(without_null(n, windows.overlap), {"effect": np.ones(1, np.float32)})
        typical = 1 / float(np.mean(1 / n))
        group = pool_rare(counts.sum(0) / n.sum(), typical, RARE)
        effect = max(design_effect(sum_groups(counts, group, int(group.max()) + 1)), 1.0)
        rows = typical * SIZE_GRID
        known = n.sum() / max(windows.overlap, 1.0)
        tail = new_tail(_COUNTS[None], windows.rare_categories + 1.0, rows[:, None], known)
        log_p = np.log(np.maximum(tail, 1e-300))
        table = [np.interp(-np.log(P_GRID), -row, np.log(_COUNTS)) for row in log_p]
        series = WindowSeries.of(n, windows.overlap, np.zeros((len(n), 1)))
        return FittedNull(series.table(np.array(table), typical), {"effect": np.array([effect], np.float32)})


NEW_CATEGORIES: Final = NewCategories()
