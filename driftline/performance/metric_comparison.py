"""Are AUC, log-loss and calibration of a window as in normal windows: each with a p-value of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from driftline.performance.class_cells import cells_of_profile
from driftline.performance.class_sums import sums_of_profile
from driftline.performance.component_comparison import usable_null
from driftline.performance.metric_distances import metric_distances
from driftline.performance.null_deviations import null_deviations, null_p, null_spread

if TYPE_CHECKING:
    from driftline.performance.performance_reference import PerformanceReference
    from driftline.performance.profile import PerformanceProfile


class MetricComparison(NamedTuple):
    """One metric of a window against normal windows; nan where nothing can be told.

    Parameters
    ----------
    p_value
        Two-sided: how often that of a normal window is as far from the reference's.
    deviations
        The change in standard deviations of normal windows, with its sign.
    spread
        Standard deviation of the metric among normal windows of as many outcomes.
    """

    p_value: float = math.nan
    deviations: float = math.nan
    spread: float = math.nan


def compare_metrics(
    current: PerformanceProfile, reference: PerformanceReference
) -> dict[str, MetricComparison]:
    """Compare a window, of the loss of the reference, by every metric that has a null.

    Returns
    -------
    dict of str to MetricComparison
        Of what is known; nothing while fewer labels have come than is usual.
    """
    null = usable_null(current, reference)
    if null is None or not null.metrics:
        return {}
    sums, cells = sums_of_profile(current)[None], cells_of_profile(current)[None]
    found = {}
    for name, each in metric_distances(reference.profile, sums, cells).items():
        table = null.metrics.get(name)
        if table is not None and np.isfinite(each.far[0]):
            found[name] = MetricComparison(
                float(null_p(table, each.far, each.size)[0]),
                float(null_deviations(table, each.far, each.size)[0]),
                float(null_spread(table, each.size)[0]) * each.unit,
            )
    return found
