"""How far AUC, log-loss and calibration of windows are from the reference's, each on a scale of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.performance.class_cells import cells_of_profile
from driftline.performance.class_sums import ONE, score_steps, sums_of_profile
from driftline.performance.placements import Placements
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

METRICS: Final = ("auc", "log_loss", "calibration")
"""Metrics that have a null of their own; the order is part of format version 4 of `LossNull`."""

_ROUNDING: Final = 1e-12  # a variance that is none


class Distances(NamedTuple):
    """One metric of W windows against the reference; nan where a window cannot tell.

    Parameters
    ----------
    far
        (W,) float64, distance of variance ``1 / size`` if rows are independent.
    size
        (W,) float64.
    change
        (W,) float64, in the unit of the metric; positive is more.
    unit
        By how much one more `far` changes the metric.
    """

    far: Floats
    size: Floats
    change: Floats
    unit: float


def metric_distances(
    reference: PerformanceProfile, sums: Counts, cells: Counts | None
) -> dict[str, Distances]:
    """Compare windows with the reference they are of, or are judged by.

    Parameters
    ----------
    reference
        Profile of the whole reference, of classes, with outcomes.
    sums
        (W, `CLASS_SUMS`) int64, of the windows, none without outcomes.
    cells
        (W, `CELLS`) int64; None where they are not known: then there is no AUC.

    Returns
    -------
    dict of str to Distances
        By name, see `METRICS`; of calibration it is the mean score minus the share of positives. A metric
        that the reference cannot tell is absent. The same whatever the order of merges.
    """
    found = {}
    placements = None if cells is None else Placements.of(cells_of_profile(reference))
    if placements is not None and cells is not None:
        found["auc"] = Distances(*placements.distances(cells), 1.0)
    score, *costs = score_steps(reference.loss.threshold) / ONE
    counts = reference.negatives, reference.positives
    n, whole = sums[:, :2].sum(1).astype(np.float64), sums_of_profile(reference)[None]
    for name, of, rows in (
        ("log_loss", _log_loss, costs),
        ("calibration", _gap, (score, score - 1)),
    ):
        normal = float(of(whole)[0])
        square = sum(float(own @ row**2) for own, row in zip(counts, rows, strict=True)) / reference.n
        if (variance := square - normal**2) > _ROUNDING:
            change, unit = of(sums) - normal, math.sqrt(variance)
            found[name] = Distances(in_steps(change / unit), n, change, unit)
    return found


def _log_loss(sums: Counts) -> Floats:
    mean: Floats = sums[:, 6:8].sum(1) / ONE / sums[:, :2].sum(1)
    return mean


def _gap(sums: Counts) -> Floats:
    gap: Floats = (sums[:, 4:6].sum(1) / ONE - sums[:, 1]) / sums[:, :2].sum(1)
    return gap
