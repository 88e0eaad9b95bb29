"""How the windows of a reference follow each other, as the nulls of a baseline hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.performance import LossNull
from driftline.statistics.null import ACTED_ON
from driftline.statistics.null.runs import KNOTS, RUNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.baseline import Baseline

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ReferenceRuns:
    """What runs of windows of one statistic are judged by, for the F features of a part.

    Attributes
    ----------
    variances : ndarray of float64, shape (len(RUNS), F, K)
        Variance of the mean of a run over that of independent windows; inf where a feature has fewer than K
        numbers.
    shape : ndarray of float64, shape (F, 2)
        Degrees of freedom of a squared length, and of its scale.
    longest : ndarray of int64, shape (F,)
        Windows of the longest run; 0 of a feature that is not followed.
    """

    variances: Floats
    shape: Floats
    longest: NDArray[np.int64]

    def larger(self, run: int, place: int) -> float:
        """Give the variance of a run's mean over that of independent windows, on average."""
        each = self.variances[int(np.searchsorted(RUNS, run)), place]
        return float(each[np.isfinite(each)].mean())


def longest_run(windows: float) -> int:
    """Give the longest run that a reference of so many windows can judge: a third of it."""
    return int(RUNS[max(windows / 3, RUNS[0]) >= RUNS][-1])


def reference_runs(null: Any) -> dict[str, ReferenceRuns]:
    """Read from the nulls of a part what can be followed: statistics with ten windows or more.

    Parameters
    ----------
    null : BlockNull, LossNull or None
        Those of earlier releases do not say how windows follow each other; then there is nothing.

    Returns
    -------
    dict of str to ReferenceRuns
        By statistic.
    """
    if isinstance(null, LossNull):
        null = null.runs
    found = {}
    for place, statistic in enumerate(getattr(null, "statistics", ())):
        arrays = null.arrays.get(statistic, {})
        if "run_shape" not in arrays:
            continue
        windows = null.windows[:, place]
        longest = np.array([longest_run(each) if each >= ACTED_ON else 0 for each in windows], np.int64)
        if longest.any():
            known = arrays["run_variances"].astype(np.float64)
            found[statistic] = ReferenceRuns(
                _at_runs(known.reshape(len(known), -1, len(KNOTS))),
                arrays["run_shape"].astype(np.float64),
                longest,
            )
    return found


def _at_runs(known: Floats) -> Floats:
    """Interpolate in the logarithm of the run's length, (F, K, knots) to (runs, F, K)."""
    place = np.clip(np.interp(np.log(RUNS), np.log(KNOTS), np.arange(len(KNOTS))), 0, len(KNOTS) - 1)
    low = np.minimum(place.astype(np.int64), len(KNOTS) - 2)
    weight = place - low
    low_part, high_part = known[..., low], known[..., low + 1]
    with np.errstate(invalid="ignore"):
        between = low_part + weight * (high_part - low_part)
    found: Floats = np.moveaxis(np.where(np.isinf(low_part), np.inf, between), -1, 0)
    return found


def features_followed(baseline: Baseline) -> int:
    """Count the features of segments that share a budget; the performance on a segment counts as one."""
    total = 0
    for entry in baseline.entries.values():
        longest = [each.longest for each in reference_runs(entry.null).values()]
        total += int(np.count_nonzero(np.max(longest, axis=0))) if longest else 0
    return total
