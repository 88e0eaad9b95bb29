"""What limits the answer to whether the model is still right, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.performance.confusion_words import confusion_words
from driftline.report.findings import place_of
from driftline.report.note import Note
from driftline.report.performance_grid import CALIBRATED, RAW, STATUSES, instants
from driftline.report.wording import listing, percent, plural, rate
from driftline.statistics.null.null_table import ACTED_ON
from driftline.tables import PerformanceStatus
from driftline.tables.detections import LEARNING_GAP, LOSS
from driftline.verdicts.performance_changed import performance_changed
from driftline.verdicts.retraining import GapChange, retraining_pays

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.report.detection_list import Detections
    from driftline.report.performance_grid import PerformanceGrid
    from driftline.run_summary import RunSummary

FEW_LABELS = 0.5
"""Below this share of predictions with a label the report warns."""
MOST_CHANGES = 3
"""Segments of which the report says how the model's errors changed."""


def notes_of(
    performance: PerformanceGrid | None, detections: Detections | None, run: RunSummary
) -> tuple[Note, ...]:
    """Say what limits the answer."""
    when = instants(performance, run)
    notes: list[Note] = []
    if performance is not None and performance.status.size:
        notes += [
            *_changed(performance, run, when),
            *_confused(performance),
            *_labels(performance, when),
            *_untested(performance),
            *_estimates(performance),
            *_left_out(performance),
        ]
    if detections is not None:
        notes += _detections(detections, when)
    return tuple(notes)


def _changed(performance: PerformanceGrid, run: RunSummary, when: Callable[[int], str]) -> list[Note]:
    """Say where the errors are of another kind, though the loss may be what it was."""
    found = []
    for s, segment in enumerate(performance.segments):
        stretch = performance_changed(
            performance.starts,
            performance.ends,
            performance.status[s] == STATUSES.index(PerformanceStatus.OK),
            performance.columns["performance_p"][s],
            alpha=run.alpha,
            segments=len(performance.segments),
        )
        if stretch is None:
            continue
        newest = int(np.searchsorted(performance.starts, stretch.last_start))
        if words := performance.changes.get((s, newest)):
            found.append(f"in {place_of(segment)} since {when(stretch.start)}: {words}")
    if not found:
        return []
    more = (
        f"; and in {plural(len(found) - MOST_CHANGES, 'segment')} more" if len(found) > MOST_CHANGES else ""
    )
    which = "; ".join(found[:MOST_CHANGES])
    return [Note(f"Unlike normal windows (of the newest, reference to now) {which}{more}.", warning=True)]


def _confused(performance: PerformanceGrid) -> list[Note]:
    """Name the classes that are taken for each other more often than in the reference."""
    found = []
    for s, each in sorted(performance.confusions.items()):
        if pairs := confusion_words(each.classes, each.now, each.normal):
            found.append(f"in {place_of(performance.segments[s])} {listing(pairs)}")
    if not found:
        return []
    which = "; ".join(found[:MOST_CHANGES])
    return [
        Note(f"Classes taken for others more often than in the reference, in all windows together: {which}.")
    ]


def _labels(performance: PerformanceGrid, when: Callable[[int], str]) -> list[Note]:
    made = np.nan_to_num(performance.columns["n_predictions"][0])
    known = np.nan_to_num(performance.columns["n"][0])
    if not made.sum():
        return []
    share = float(known.sum() / made.sum())
    text = f"{percent(share)} of predictions in {place_of(performance.segments[0])} have their label"
    empty = np.flatnonzero((made > 0) & (known == 0))
    if len(empty):
        newest = bool((known[empty[0] :] == 0).all())
        which = "the newest " if newest else ""
        since = f", from {when(int(performance.starts[empty[0]]))} on," if newest else ""
        yet = " yet" if newest else ""
        text += f"; {which}{plural(len(empty), 'window')}{since} have none{yet}"
    if share >= FEW_LABELS:
        return [Note(f"{text}.", warning=bool(len(empty)))]
    return [Note(f"{text}. Those that come first may not be like the others.", warning=True)]


def _untested(performance: PerformanceGrid) -> list[Note]:
    compared = np.isfinite(performance.columns["p_iid"]).any()
    if not compared or performance.tested:
        return []
    return [
        Note(
            f"Fewer than {ACTED_ON:.0f} windows of the reference have labels enough to say how far a normal "
            "error strays: there is no p-value but the one that takes outcomes for independent, and by that "
            "one nothing is called worse.",
            warning=True,
        )
    ]


def _estimates(performance: PerformanceGrid) -> list[Note]:
    made = np.isfinite(performance.columns["estimated_accuracy"])
    if not made.any():
        return []
    kinds = set(np.unique(performance.estimates[made]).tolist())
    how = "from scores, of which it is not known whether they were calibrated"
    if kinds == {CALIBRATED}:
        how = "from scores calibrated by the outcomes of the reference"
    elif kinds == {RAW}:
        how = "from raw scores taken as probabilities, which they may not be"
    elif kinds == {RAW, CALIBRATED}:
        how = "from scores, calibrated in some windows and raw in others"
    waiting = made[0] & ~performance.labelled[0]
    where = ""
    if waiting.any():
        values = performance.columns["estimated_accuracy"][0, waiting]
        weights = np.nan_to_num(performance.columns["n_predictions"][0, waiting]) + 1e-9
        mean = rate(float(np.average(values, weights=weights)))
        where = f" In windows without labels the estimate is {mean}."
    return [
        Note(
            f"Accuracy is also estimated without labels, {how}; it cannot see a change of the concept.{where}"
        )
    ]


def _left_out(performance: PerformanceGrid) -> list[Note]:
    parts = []
    if performance.segments_left_out:
        total = len(performance.segments) + performance.segments_left_out
        parts.append(
            f"{len(performance.segments):,} of {plural(total, 'segment')} (all traffic, those with a "
            "detection, then those with the most predictions)"
        )
    if performance.windows_left_out:
        parts.append(f"the newest {plural(len(performance.starts), 'window')}")
    if not parts:
        return []
    return [
        Note(
            f"To keep this page small its performance charts show {listing(parts)}; "
            "performance.parquet has all."
        )
    ]


def _detections(detections: Detections, when: Callable[[int], str]) -> list[Note]:
    notes = []
    gaps = [each for each in detections.found if each.signal == LEARNING_GAP]
    grew = retraining_pays([GapChange(each.segment, each.before, each.after) for each in gaps])
    if grew is not None:
        last = gaps[grew]
        notes.append(
            Note(
                f"The learning gap in {place_of(last.segment)} grew on {when(last.at)} ({last.detector}): a "
                "model that learns from the newest labels gains on this one, so retraining would pay."
            )
        )
    inputs = sum(each.signal not in {LOSS, LEARNING_GAP} for each in detections.found)
    if inputs:
        notes.append(Note(f"{plural(inputs, 'detection')} on features or statistics: see the list below."))
    if detections.left_out:
        notes.append(
            Note(
                f"The list below leaves out {plural(detections.left_out, 'detection')}: the oldest of those "
                "not on the loss first; detections.parquet has all."
            )
        )
    return notes
