"""What all windows together say of the loss, the AUC and the log-loss, as the report words it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.report.loss_words import loss_name, loss_text
from driftline.report.performance_grid import STATUSES
from driftline.report.wording import number
from driftline.tables import PerformanceStatus
from driftline.verdicts.metric_worse import MetricWindows, metric_worse, smallest_change
from driftline.verdicts.model_worse import WorseRule
from driftline.verdicts.pooled_windows import RunSpread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.report.performance_grid import PerformanceGrid
    from driftline.run_summary import RunSummary
    from driftline.verdicts.metric_worse import WorseStretch

    Runs = Mapping[tuple[str, str], RunSpread]

_LOSS: Final = "loss"
_METRICS: Final = {  # value, spread and reference by name
    _LOSS: ("mean_loss", "difference_spread", "mean_loss_reference"),
    "auc": ("auc", "auc_spread", "auc_reference"),
    "log_loss": ("log_loss", "log_loss_spread", "log_loss_reference"),
}


def metric_windows(
    performance: PerformanceGrid, s: int, run: RunSummary, runs: Runs | None = None
) -> list[MetricWindows]:
    """Take what is compared of one segment: every measure that any window tests.

    Parameters
    ----------
    s : int
        Place of the segment.
    runs : mapping of (segment, measure) to RunSpread, optional
        How the windows of the reference follow each other; windows are taken for independent without.
    """
    columns, found = performance.columns, []
    for name, (value, spread, normal) in _METRICS.items():
        deviations = columns[f"deviations.{name}"][s]
        if not np.isfinite(deviations).any():
            continue
        follows = (runs or {}).get((performance.segments[s], name))
        found.append(
            MetricWindows(
                name,
                performance.starts,
                performance.ends,
                performance.status[s] == STATUSES.index(PerformanceStatus.OK),
                columns["n"][s],
                columns[value][s],
                deviations,
                columns[spread][s],
                float(performance.normal[normal][s]),
                larger_is_worse=name != "auc",
                runs=follows or RunSpread.independent(run.reference_windows),
            )
        )
    return found


def metric_changes(
    performance: PerformanceGrid | None, run: RunSummary, runs: Runs | None = None
) -> list[tuple[str, WorseStretch]]:
    """Ask of every segment and measure whether it was worse in a stretch of windows, strongest first."""
    if performance is None:
        return []
    asked = [
        (segment, each)
        for s, segment in enumerate(performance.segments)
        for each in metric_windows(performance, s, run, runs)
    ]
    rule = WorseRule(alpha=run.alpha)
    found = [(segment, metric_worse(each, rule, tests=len(asked))) for segment, each in asked]
    changes = [(segment, worse) for segment, worse in found if worse is not None]
    return sorted(changes, key=lambda each: (-each[1].strength, each[0], each[1].name))


def stretch_words(loss: str, worse: WorseStretch, place: str, when: Callable[[int], str]) -> str:
    """Say what a measure was in the stretch, and what it is since."""
    name, text = metric_name(loss, worse.name), metric_text(loss, worse.name, worse.now)
    said = f"{name} {text} against {metric_text(loss, worse.name, worse.normal)} of the reference"
    if math.isnan(worse.since):
        return f"{said} since {when(worse.start)} in {place}"
    since = metric_text(loss, worse.name, worse.since)
    return f"{said} from {when(worse.start)} to {when(worse.end)} in {place}, {since} since then"


def seen_words(performance: PerformanceGrid, s: int, run: RunSummary, runs: Runs | None = None) -> list[str]:
    """Say of one segment what the measures beside the loss are, and what change would not have been seen."""
    known = metric_windows(performance, s, run, runs)
    rule, tests = WorseRule(alpha=run.alpha), max(len(known), 1) * len(performance.segments)
    said, unseen = [], []
    for each in known:
        name = metric_name(performance.loss, each.name)
        name = name if name.startswith("AUC") else name[:1].lower() + name[1:]
        if each.name != _LOSS:
            now, normal = (
                metric_text(performance.loss, each.name, x) for x in (each.mean(each.tested), each.normal)
            )
            said.append(f"{name} {now} against {normal}")
        change = smallest_change(each, rule, tests=tests)
        if math.isfinite(change):
            unseen.append(f"the {name} of less than {_change_text(performance.loss, each.name, change)}")
    if unseen:
        said.append(f"in these windows no change of {' or of '.join(unseen)} could have been seen")
    return said


def metric_name(loss: str, name: str) -> str:
    """Name a measure."""
    return loss_name(loss) if name == _LOSS else {"auc": "AUC", "log_loss": "Log-loss"}[name]


def metric_text(loss: str, name: str, value: float) -> str:
    """Write a measure.

    Examples
    --------
    >>> metric_text("zero_one", "auc", 0.4512), metric_text("zero_one", "loss", 0.002)
    ('0.45', '0.2%')
    """
    if name == _LOSS:
        return loss_text(loss, value)
    return f"{value:.2f}" if name == "auc" else number(value)


def _change_text(loss: str, name: str, change: float) -> str:
    if name == _LOSS and loss == "zero_one":
        return f"{100 * change:.2g} points"
    return f"{change:.2g}"
