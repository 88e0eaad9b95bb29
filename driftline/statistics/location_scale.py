"""Where values lie and how far they spread, on their own scale: ranks end at the reference's edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.season_arrays import expected, stored_season
from driftline.statistics.null.season_model import choose_season
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.null.whitening_arrays import squared_length, stored_whitening
from driftline.statistics.statistic import FittedNull, Statistic
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

_WIDEST: Final = 1e100
_LEAST: Final = 1e-6  # standard deviations, in units of the reference's, that count as none
_ROUNDING: Final = 1e-12  # less spread than this part of the mean is none
_FARTHEST: Final = 1e3  # logarithm of what is beyond float64
_LARGEST: Final = float(np.finfo(np.float32).max)


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
        found = _compressed(current.mean, current.variance, arrays["unit"])
        unusual = found - arrays["centre"] - expected(arrays, pair.when, 2)
        squared: Floats = squared_length(unusual, current.present, arrays)
        return squared

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable & (pair.current.mean is not None)

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate it on the means and variances of the windows."""
        _, n, seen = windows.with_values
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
        found = _compressed(mean, variance, unit[None])
        centre = n @ found / n.sum()
        season = None if windows.season is None else windows.season.only(seen)
        model = choose_season(found - centre, n, season, windows.overlap)
        table, whitening = fit_whitening(found - centre, n, windows.overlap, model)
        usual = {} if model is None else stored_season(model.coefficients(found - centre))
        return FittedNull(
            table,
            {
                "unit": unit,
                **stored_whitening(centre, np.eye(2), whitening, table.typical_n),
                **usual,
            },
        )


def _unit(mean: Floats, variance: Floats, n: Floats) -> NDArray[np.float32]:
    """Give the centre, what its first number lacks, and the spread of a typical window, as they are kept.

    A window that holds a far value does not decide the spread. Of times the first number alone would be wrong
    by minutes. Of a constant the spread is its size, as if it were as likely to be nothing.
    """
    share = n / n.sum()
    centre = float(np.clip(share @ mean, -_LARGEST, _LARGEST))
    rest = centre - float(np.float32(centre))
    with np.errstate(over="ignore"):
        spread = np.median(np.sqrt(variance)) or np.sqrt(share @ (variance + (mean - centre) ** 2))
    if spread <= _ROUNDING * abs(centre):
        spread = abs(centre)
    return np.array([centre, rest, min(float(spread), _LARGEST)], np.float32)


def _compressed(mean: Floats, variance: Floats, unit: NDArray[np.float32]) -> Floats:
    """Mean and standard deviation (W, 2) in units (1 or W, 3), logarithmic where they are far."""
    centre, rest, spread = unit.astype(np.float64).T
    scale = np.where(spread > 0, spread, 1.0)
    # as far as the reference's windows are kept: sums beyond it leave float64
    mean, variance = np.clip(mean, -_WIDEST, _WIDEST), np.minimum(variance, _WIDEST**2)
    with np.errstate(over="ignore"):
        where = np.arcsinh((mean - centre - rest) / scale)
        log_sd = np.log(np.fmax(np.sqrt(variance) / scale, _LEAST))
    found: Floats = np.stack([where, log_sd * np.sqrt(2)], axis=-1)
    return in_steps(np.clip(found, -_FARTHEST, _FARTHEST))


LOCATION_SCALE: Final = LocationScale()
