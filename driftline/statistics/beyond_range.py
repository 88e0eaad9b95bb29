"""Values below the smallest or above the largest one of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID, at_size
from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.window_series import WindowSeries
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

_TAIL: Final = 1 / 16  # of the reference, at either end: how much those rows come in clusters


class BeyondRange(Statistic):
    """How many independent rows of a window lie beyond the reference's range, on the side where more do.

    If a window of n rows is like the N of the reference, each of its outermost rows is beyond all of theirs
    with probability ``n / (N + n)``. Rows that come in clusters count as so many fewer as the reference's
    windows differ more in the share of their outer sixteenths than independent rows would.

    References
    ----------
    Gumbel, E. J. and von Schelling, H. (1950). The distribution of the number of exceedances. Annals of
    Mathematical Statistics 21, 247-262.
    """

    name = "range"
    kind = "numeric"

    def values(self, pair: Any) -> dict[str, Floats]:
        """Give the share of present rows beyond the range."""
        share = pair.beyond.sum(-1) / np.maximum(pair.current.present, 1.0)
        return {"beyond_range": np.where(pair.comparable, share, np.nan)}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Count independent rows beyond the range."""
        effect = np.exp(at_size(arrays["log_effects"], arrays["typical_n"][:, 0], pair.current.present))
        rows: Floats = pair.beyond.max(-1) / effect
        return rows

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Learn how much the rows at the ends of the reference come in clusters."""
        counts, n, _ = windows.with_values
        if disjoint_windows(len(n), windows.overlap) <= FEWEST_WINDOWS:
            return FittedNull(without_null(n, windows.overlap), _stored(np.ones(len(SIZE_GRID)), 1.0))
        share = counts.sum(0) / n.sum()
        below, above = share.cumsum() <= _TAIL, share[::-1].cumsum()[::-1] <= _TAIL
        found = np.stack([(counts[:, side] / n[:, None]).sum(1) for side in (below, above)], axis=1)
        mean = n @ found / n.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations = np.nan_to_num((found - mean) / np.sqrt(mean * (1 - mean)))
        series = WindowSeries.of(n, windows.overlap, deviations)
        squares = (deviations * series.left_out[:, None]) ** 2
        scale = series.scale(squares.max(1), 1.0, 1.0)
        rows = (SIZE_GRID * scale.typical_n).astype(np.float64)
        effect = np.maximum(scale.at(rows) * rows, 1.0)
        # a side each, so half the level; the table is of counts, which the lookup takes for squares
        chance = np.log1p(n.sum() / max(windows.overlap, 1.0) / rows)
        table = np.log(-np.log(P_GRID / 2))[None, :] - np.log(chance)[:, None]
        return FittedNull(series.table(table, scale.typical_n), _stored(effect, scale.typical_n))


def _stored(effects: Floats, typical_n: float) -> dict[str, NDArray[np.float32]]:
    return {
        "log_effects": np.log(effects).astype(np.float32),
        "typical_n": np.array([typical_n], np.float32),
    }


BEYOND_RANGE: Final = BeyondRange()
