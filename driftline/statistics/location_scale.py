"""Where values lie and how far they spread, on their own scale: ranks end at the reference's edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.null.whitening_arrays import squared_length, stored_whitening
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

_NORMAL_IQR: Final = 1.349
_WIDEST: Final = 1e100
_LEAST: Final = 1e-6  # standard deviations, in units of the reference's, that count as none


class LocationScale(Statistic):
    """Hotelling's ``T^2`` of mean and standard deviation, both compressed beyond the reference's own spread.

    A sensor that reads 55 where nothing was above 22 moves neither ranks nor bins further than a warm day
    does. It moves these. Windows of a heavy-tailed feature differ much in both, so there they say little.

    References
    ----------
    Lepage, Y. (1971). A combination of Wilcoxon's and Ansari-Bradley's statistics. Biometrika 58, 213-217
    (one statistic for location and scale).
    """

    name = "moments"
    kind = "numeric"

    def values(self, pair: Any) -> dict[str, Floats]:  # noqa: ARG002  (mean and variance are of profiles)
        """Give nothing: a row has the window's mean and variance anyway."""
        return {}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Compute ``T^2``."""
        current = pair.current
        if current.mean is None:
            return np.full(len(pair.comparable), np.nan)
        centre, low, scale = arrays["unit"].astype(np.float64).T
        found = _compressed(current.mean, current.variance, centre + low, scale)
        squared: Floats = squared_length(found - arrays["centre"], current.present, arrays)
        return squared

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable & (pair.current.mean is not None)

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate it on the means and variances of the windows."""
        n = windows.counts.sum(1)
        seen = n > 0
        n = n[seen]
        nothing = FittedNull(
            without_null(n, windows.overlap),
            {"unit": np.zeros(3, np.float32), **stored_whitening(np.zeros(2))},
        )
        if windows.mean is None or windows.variance is None:
            return nothing
        if disjoint_windows(len(n), windows.overlap) <= FEWEST_WINDOWS:
            return nothing
        mean, variance = windows.mean[seen], windows.variance[seen]
        unit = _unit(mean, variance, n)
        found = _compressed(mean, variance, unit[0] + unit[1], unit[2])
        centre = n @ found / n.sum()
        table, whitening = fit_whitening(found - centre, n, windows.overlap)
        return FittedNull(
            table,
            {
                "unit": unit.astype(np.float32),
                **stored_whitening(centre, np.eye(2), whitening, table.typical_n),
            },
        )


def _unit(mean: Floats, variance: Floats, n: Floats) -> Floats:
    """Give the mean in two parts, as float32 keeps it, and the spread of a typical window (3,).

    One window that holds a far value does not decide the spread.
    """
    centre = float(n @ mean / n.sum())
    within = float(np.median(np.sqrt(variance)))
    if not within > 0:
        within = float(np.sqrt(n @ (variance + (mean - centre) ** 2) / n.sum()))
    least, most = np.finfo(np.float32).tiny, np.finfo(np.float32).max
    high = float(np.float32(np.clip(centre, -most, most)))
    low = np.clip(centre - high, -most, most)
    return (
        np.array([high, low, np.clip(within, least if within > 0 else 0, most)])
        .astype(np.float32)
        .astype(np.float64)
    )


def _compressed(mean: Floats, variance: Floats, centre: Any, unit: Any) -> Floats:
    """Mean and standard deviation (W, 2) in units of the reference, logarithmic where they are far."""
    scale = np.where(unit > 0, unit, 1.0)
    # as far as the reference's windows are kept: sums beyond it leave float64
    mean, variance = np.clip(mean, -_WIDEST, _WIDEST), np.minimum(variance, _WIDEST**2)
    with np.errstate(over="ignore", invalid="ignore"):
        where = np.arcsinh((mean - centre) / scale)
        spread = np.log(np.fmax(np.sqrt(variance) / scale, _LEAST))
    most = np.finfo(np.float32).max
    return np.stack([np.clip(where, -most, most), np.clip(spread * np.sqrt(2), -most, most)], axis=-1)


LOCATION_SCALE: Final = LocationScale()
