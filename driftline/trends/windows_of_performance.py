"""From rows of the table `performance` to what trends follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import numbers
from driftline.performance.component_runs import followed_vectors, two_sided
from driftline.performance.performance_measure import PART
from driftline.tables.performance import PerformanceStatus
from driftline.trends.followed_rows import followed_rows
from driftline.trends.followed_windows import Followed, FollowedWindows
from driftline.trends.reference_runs import reference_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from driftline.baseline import Baseline
    from driftline.performance import PerformanceReference

    Floats = NDArray[np.float64]

_SIZES: Final = {
    "loss": "mean_loss",
    "false_positives": "false_positive_rate",
    "false_negatives": "false_negative_rate",
    "bias": "bias",
    "auc": "auc",
}
_TOLD_BY_OTHERS: Final = "log_loss"
"""Where it is not the loss it moves with the calibration gap and with the AUC."""
_LARGEST: Final = float(np.finfo(np.float32).max)


def performance_windows(
    performance: Any, baseline: Baseline
) -> Iterator[tuple[tuple[str, str], FollowedWindows]]:
    """Take from performance rows what trends follow.

    Parameters
    ----------
    performance : pyarrow.RecordBatch
        Rows of the schema `PERFORMANCE`. Only windows that start at multiples of their length are followed,
        so that they do not overlap, and only those of status ``ok`` that were compared with this baseline
        once as many labels were known as is usual: before, they have no components.

    Yields
    ------
    (str, str), FollowedWindows
        Segment label and the part of performance, and its windows.
    """
    rows = followed_rows(performance, baseline, PerformanceStatus.OK.value)
    for segment in rows.column("segment").unique().to_pylist():
        entry = baseline.entries.get((segment, PART.name))
        if entry is None:
            continue
        own = rows.filter(pc.equal(rows.column("segment"), segment))
        reference = baseline.reference(segment, PART)
        statistics = {}
        for name in reference_runs(entry.null):
            if name == _TOLD_BY_OTHERS:
                continue
            followed = _of_component(name, own, reference)
            if len(followed.place):
                statistics[name] = followed
        if statistics:
            yield (segment, PART.name), FollowedWindows(baseline.version, baseline.size, statistics)


def _of_component(name: str, rows: Any, reference: PerformanceReference) -> Followed:
    deviations = numbers(pc.struct_field(rows.column("components"), name))
    n = rows.column("n").to_numpy()
    sizes = numbers(rows.column(_SIZES[name])) if name in _SIZES else deviations * _gap_spread(reference, n)
    followed = Followed(
        place=np.zeros(len(n), np.int64),
        start=rows.column("window_start").cast(pa.int64()).to_numpy(),
        n=n,
        p=two_sided(np.nan_to_num(deviations)).astype(np.float32),
        vectors=followed_vectors(deviations).astype(np.float32),
        sizes=np.clip(sizes, -_LARGEST, _LARGEST)[:, None].astype(np.float32),
    )
    return followed.take(~np.isnan(deviations))


def _gap_spread(reference: PerformanceReference, n: NDArray[np.int64]) -> Floats:
    """Give the standard deviation of the calibration gap in normal windows, (W,): rows lack its change."""
    classes, null = reference.classes, reference.null
    if classes is None or null is None or null.classes is None:
        return np.full(len(n), np.nan)
    weight = np.repeat(np.sqrt(classes.shares)[None], len(n), axis=0)
    return null.classes.spread(classes.gap(weight), n.astype(np.float64))
