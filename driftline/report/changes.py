"""Segments in which the model got worse, as the report names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline.report.performance_grid import STATUSES
from driftline.tables import PerformanceStatus
from driftline.verdicts.model_worse import LossChange, LossWindows, Worse, WorseRule, model_worse

if TYPE_CHECKING:
    from driftline.report.detection_list import Detected, Detections
    from driftline.report.performance_grid import PerformanceGrid
    from driftline.run_summary import RunSummary


@dataclass(frozen=True)
class Change:
    """The model is worse in one segment; `first` is the detection that found it, None if none did."""

    segment: str
    worse: Worse
    first: Detected | None


def changes_for_the_worse(
    performance: PerformanceGrid | None, detections: Detections | None, run: RunSummary
) -> list[Change]:
    """Ask of every segment whether the model is worse there (see `model_worse`), strongest first."""
    of_segment: dict[str, list[Detected]] = {}
    for each in detections.on_loss if detections else ():
        of_segment.setdefault(each.segment, []).append(each)
    known = performance.segments if performance is not None else ()
    rule = WorseRule(alpha=run.alpha)
    changes = []
    for segment in dict.fromkeys([*of_segment, *known]):
        windows = LossWindows.none()
        if performance is not None and segment in known:
            windows = _windows(performance, known.index(segment))
        found = of_segment.get(segment, [])
        newest_first = [LossChange(d.detector, d.at, d.known, d.before, d.after) for d in found]
        worse = model_worse(windows, newest_first, rule, segments=max(len(known), 1))
        if worse is not None:
            changes.append(Change(segment, worse, None if worse.first is None else found[worse.first]))
    return sorted(changes, key=lambda each: (-each.worse.strength, each.segment))


def _windows(performance: PerformanceGrid, s: int) -> LossWindows:
    columns = performance.columns
    return LossWindows(
        starts=performance.starts,
        ends=performance.ends,
        enough=performance.status[s] == STATUSES.index(PerformanceStatus.OK),
        n=columns["n"][s],
        mean_loss=columns["mean_loss"][s],
        low=columns["mean_loss_low"][s],
        high=columns["mean_loss_high"][s],
        difference=columns["difference"][s],
        p_value=columns["p_value"][s],
        normal=float(performance.normal["mean_loss_reference"][s]),
    )
