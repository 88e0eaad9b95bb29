"""The smooth test: shift, spread, skew and tails, weighed by how those of normal windows vary together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.whitening import Whitening, fit_whitening
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
    """Hotelling's ``T^2`` of the moments of normal scores, with the covariance that the reference's windows have.

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
        """Give shift and spread, by the whole reference."""
        return _sizes(pair, pair.moments - pair.reference.moments)

    def standardised(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        """Give shift and spread by the mean of the reference's windows, and what is unusual of the moments.

        Each of `components` is the distance of a moment from what the others let expect, in standard deviations
        of normal windows.
        """
        deviations, directions, precision = _whitened(pair, arrays)
        along = np.einsum("fm,fmd->fd", deviations, directions)
        pull = np.einsum("fmd,fd->fm", directions, along * precision)
        own = np.einsum("fmd,fd->fm", directions**2, precision)
        tested = own > 0
        standard = pull / np.sqrt(np.where(tested, own, 1.0))
        found = {"components": np.where(tested & pair.comparable[:, None], standard, np.nan)}
        return found | _sizes(pair, deviations)

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Compute ``T^2``."""
        deviations, directions, precision = _whitened(pair, arrays)
        along = np.einsum("fm,fmd->fd", deviations, directions)
        squared: Floats = (along**2 * precision).sum(-1)
        return squared

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a value."""
        return pair.current.present, pair.comparable

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate it, with fewer moments where windows or distinct values are few."""
        n = windows.counts.sum(1)
        seen = n > 0
        counts, n = windows.counts[seen], n[seen]
        disjoint = disjoint_windows(len(n), windows.overlap)
        scores = normal_scores(windows.reference)
        if disjoint <= FEWEST_WINDOWS:
            centre = score_moments(windows.reference / max(windows.reference.sum(), 1.0), scores)
            return FittedNull(without_null(n, windows.overlap), _stored(centre))
        found = score_moments(counts / n[:, None], scores)
        centre = n @ found / n.sum()
        combinations = independent_rows(windows.reference, scores)
        used = int(combinations.any(1).sum())
        used = min(used, max(int(disjoint) // _WINDOWS_PER_MOMENT, 1))
        if not used:
            series = WindowSeries.of(n, windows.overlap, np.zeros((len(n), 1)))
            return FittedNull(series.table(np.zeros((len(SIZE_GRID), len(P_GRID))), 1.0), _stored(centre))
        table, whitening = fit_whitening((found - centre) @ combinations[:used].T, n, windows.overlap)
        return FittedNull(table, _stored(centre, combinations[:used], whitening, table.typical_n))


def _sizes(pair: Any, deviations: Floats) -> dict[str, Floats]:
    varies = pair.comparable & (pair.reference.scores != 0).any(1)
    return {
        "shift": np.where(varies, deviations[:, 0], np.nan),
        "spread": np.where(varies, np.exp(deviations[:, 1]), np.nan),
    }


def _stored(
    centre: Floats,
    combinations: Floats | None = None,
    whitening: Whitening | None = None,
    typical_n: float = 1.0,
) -> dict[str, NDArray[np.float32]]:
    """Lay out the centre (4,), directions (4, 4) and log variances (sizes, 4); unused directions are zero."""
    directions, log_variances = np.zeros((MOMENTS, MOMENTS)), np.zeros((len(SIZE_GRID), MOMENTS))
    if combinations is not None and whitening is not None:
        used = len(combinations)
        directions[:, :used] = combinations.T @ whitening.directions
        log_variances[:, :used] = np.log(whitening.variances(SIZE_GRID * typical_n))
    stored = {
        "centre": centre,
        "directions": directions.ravel(),
        "log_variances": log_variances.ravel(),
        "typical_n": np.array([typical_n]),
    }
    return {name: array.astype(np.float32) for name, array in stored.items()}


def _whitened(pair: Any, arrays: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats, Floats]:
    """Read deviations (F, 4), directions (F, 4, 4) and one over the variances (F, 4) along them."""
    features = len(pair.comparable)
    known = arrays["log_variances"].reshape(features, len(SIZE_GRID), MOMENTS).astype(np.float64)
    with np.errstate(divide="ignore"):
        size = np.log2(pair.current.present / arrays["typical_n"][:, 0] / SIZE_GRID[0])
    # windows smaller than the grid: the null's own table scales what is beyond it
    place = np.clip(size, 0.0, len(SIZE_GRID) - 1.0)
    low = np.minimum(place.astype(np.int64), len(SIZE_GRID) - 2)
    weight, each = (place - low)[:, None], np.arange(features)
    log_variance = (1 - weight) * known[each, low] + weight * known[each, low + 1]
    return (
        pair.moments - arrays["centre"],
        arrays["directions"].reshape(features, MOMENTS, MOMENTS).astype(np.float64),
        np.exp(-log_variance),
    )


SMOOTH: Final = Smooth()
