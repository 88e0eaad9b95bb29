"""Change of the share of rows without a value, as a statistic of either kind of feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.statistics.null.fit import fit_rate
from driftline.statistics.null.season_arrays import expected
from driftline.statistics.rates import arcsine_difference
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows


@dataclass(frozen=True)
class MissingRate(Statistic):
    """The arcsine difference of the rates; NaN, infinite and invalid values are missing too.

    Parameters
    ----------
    kind : str
        ``numeric`` or ``categorical``.
    """

    kind: str
    name: str = "missing"
    columns: tuple[()] = ()

    def values(self, pair: Any) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002  (rates are of profiles)
        """Give nothing: a row says its rates whether or not there is a reference."""
        return {}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Square the difference."""
        squared: NDArray[np.float64] = _unusual(pair, arrays) ** 2
        return squared

    def vectors(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Give the difference."""
        return _unusual(pair, arrays)[:, None]

    def rows(self, pair: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Count all rows."""
        return pair.current.rows, pair.some

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate the difference."""
        n = windows.counts.sum(1) + windows.absent
        return FittedNull(*fit_rate(windows.absent, n, windows.overlap, windows.season, windows.kept))


def _unusual(pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Give the difference from what is usual at the time."""
    current, base = pair.current, pair.reference.counts
    rate = base.absent / np.maximum(base.rows, 1.0)
    return arcsine_difference(current.absent, current.rows, rate) - expected(arrays, pair.when, 1)[:, 0]


OF_NUMBERS = MissingRate("numeric")
OF_CATEGORIES = MissingRate("categorical")
