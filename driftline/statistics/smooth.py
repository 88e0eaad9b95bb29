"""The smooth test: shift, spread, skew and tails, weighed by how those of normal windows vary together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.season_arrays import expected, stored_season
from driftline.statistics.null.season_model import choose_season
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.null.whitening_arrays import (
    directions_and_precision,
    squared_length,
    stored_whitening,
    whitened,
)
from driftline.statistics.null.window_series import WindowSeries
from driftline.statistics.score_moments import MOMENTS, independent_rows, normal_scores, score_moments
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

_WINDOWS_PER_MOMENT: Final = 5


class Smooth(Statistic):
    """Hotelling's ``T^2`` of the moments of normal scores, with the covariance of the reference's windows.

    KS, PSI and Wasserstein treat every direction alike, so that the one in which ordinary windows differ sets
    the threshold for all. Here a change across the grain of normal variation stands out.

    References
    ----------
    Hotelling, H. (1931). The generalization of Student's ratio. Annals of Mathematical Statistics 2, 360-378.
    Rayner, J. C. W. and Best, D. J. (1989). Smooth Tests of Goodness of Fit. Oxford University Press.
    """

    name = "smooth"
    kind = "numeric"

    def values(self, pair: Any) -> dict[str, Floats]:
        """Give shift and spread, by the whole reference: its scores have mean 0 and variance 1."""
        return _sizes(pair, pair.moments)

    def standardised(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        """Give shift and spread by what is usual of the reference's windows, and what of the moments is not.

        Each of `components` is the distance of a moment from what the others let expect, in standard
        deviations of normal windows.
        """
        deviations = _unusual(pair, arrays)
        directions, precision = directions_and_precision(pair.current.present, arrays)
        along = np.einsum("fm,fmd->fd", deviations, directions)
        pull = np.einsum("fmd,fd->fm", directions, along * precision)
        own = np.einsum("fmd,fd->fm", directions**2, precision)
        tested = own > 0
        standard = pull / np.sqrt(np.where(tested, own, 1.0))
        found = {"components": np.where(tested & pair.comparable[:, None], standard, np.nan)}
        return found | _sizes(pair, deviations)

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Compute ``T^2``."""
        return squared_length(_unusual(pair, arrays), pair.current.present, arrays)

    def vectors(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Whiten the moments."""
        return whitened(_unusual(pair, arrays), pair.current.present, arrays)

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate it, with fewer moments where windows or distinct values are few."""
        counts, n, seen = windows.with_values
        disjoint = disjoint_windows(len(n), windows.overlap)
        scores = normal_scores(windows.reference)
        if disjoint <= FEWEST_WINDOWS:
            centre = score_moments(windows.reference / max(windows.reference.sum(), 1.0), scores)
            return FittedNull(without_null(n, windows.overlap), stored_whitening(centre))
        found = score_moments(counts / n[:, None], scores)
        centre = n @ found / n.sum()
        combinations = independent_rows(windows.reference, scores)
        used = int(combinations.any(1).sum())
        used = min(used, max(int(disjoint) // _WINDOWS_PER_MOMENT, 1))
        if not used:
            series = WindowSeries.of(n, windows.overlap, np.zeros((len(n), 1)))
            return FittedNull(
                series.table(np.zeros((len(SIZE_GRID), len(P_GRID))), 1.0), stored_whitening(centre)
            )
        components = (found - centre) @ combinations[:used].T
        season = None if windows.season is None else windows.season.only(seen)
        model = choose_season(components, n, season, windows.overlap)
        table, whitening = fit_whitening(components, n, windows.overlap, model)
        usual = {} if model is None else stored_season(model.coefficients(found - centre))
        stored = stored_whitening(centre, combinations[:used], whitening, table.typical_n)
        return FittedNull(table, stored | usual)


def _unusual(pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    deviations: Floats = pair.moments - arrays["centre"] - expected(arrays, pair.when, MOMENTS)
    return deviations


def _sizes(pair: Any, deviations: Floats) -> dict[str, Floats]:
    varies = pair.comparable & (pair.reference.scores != 0).any(1)
    return {
        "shift": np.where(varies, deviations[:, 0], np.nan),
        "spread": np.where(varies, np.exp(deviations[:, 1]), np.nan),
    }


SMOOTH: Final = Smooth()
