"""Is the model still right? The answer in words, from performance rows and detections alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.report.changes import changes_for_the_worse
from driftline.report.findings import place_of
from driftline.report.loss_words import losses_against
from driftline.report.metric_changes import metric_changes, seen_words, stretch_words
from driftline.report.performance_grid import STATUSES, instants
from driftline.report.wording import listing, plural, rate
from driftline.tables import PerformanceStatus
from driftline.verdicts.untold import ModelLack, lacking_of_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.report.changes import Change
    from driftline.report.detection_list import Detections
    from driftline.report.metric_changes import Runs
    from driftline.report.performance_grid import PerformanceGrid
    from driftline.run_summary import RunSummary

_MOST = 3
"""Other measures and segments that are named."""


@dataclass(frozen=True)
class Answer:
    """Whether the model is still right.

    Parameters
    ----------
    details : tuple of str
        What goes with the claim: how it is known, and what limits it.
    tone : str
        ``drift`` (it is worse), ``quiet`` (no sign of it) or ``unknown``.
    segment : str or None
        The segment that it is about.
    """

    claim: str
    details: tuple[str, ...]
    tone: str
    segment: str | None = None

    @property
    def text(self) -> str:
        """All of it, for a line that a badge begins."""
        return "; ".join((self.claim, *self.details))

    @property
    def title(self) -> str:
        """The claim as a title, which says by itself that the model is worse."""
        return f"The model got worse: {_lower(self.claim)}" if self.tone == "drift" else self.claim

    @property
    def detail(self) -> str:
        """What goes with the title; empty if nothing does."""
        text = "; ".join(self.details)
        return f"{text[:1].upper()}{text[1:]}." if text else ""


def answer(
    performance: PerformanceGrid | None,
    detections: Detections | None,
    run: RunSummary,
    runs: Runs | None = None,
) -> Answer | None:
    """Say in plain words whether the model is still right.

    What is worse is decided by `driftline.verdicts.model_worse` and, of all windows together, by
    `driftline.verdicts.metric_worse`, what cannot be told by `driftline.verdicts.untold`.

    Parameters
    ----------
    performance : PerformanceGrid or None
        None if the run has no such table.
    detections : Detections or None
        None if the run has no such table.
    runs : mapping of (segment, measure) to RunSpread, optional
        How the windows of the reference follow each other, as the baseline knows it.

    Returns
    -------
    Answer or None
        None if there is neither table, or nothing in the tables is about the model's error.
    """
    if performance is None and not (detections and detections.on_loss):
        return None
    when = instants(performance, run)
    changes = changes_for_the_worse(performance, detections, run)
    stretches = metric_changes(performance, run, runs)
    loss = performance.loss if performance is not None else ""
    if not changes and not stretches:
        return _not_worse(performance, detections, run, when, runs)
    if not changes:
        said = [stretch_words(loss, worse, place_of(segment), when) for segment, worse in stretches]
        more = _more_stretches(said[1:])
        found = "found by all windows together"
        return Answer(said[0], (found, *_as_of(performance, when), *more), "drift", stretches[0][0])
    worse, place = changes[0].worse, place_of(changes[0].segment)
    against = losses_against(loss, worse.now, worse.normal, of_reference=worse.against_reference)
    details = [_found_by(changes[0]), *_as_of(performance, when)]
    if also := [place_of(each.segment) for each in changes[1:]]:
        details.append(f"also worse in {listing(also, most=3)}")
    beside = [(segment, each) for segment, each in stretches if each.name != "loss"]
    details += _more_stretches(
        [stretch_words(loss, each, place_of(segment), when) for segment, each in beside]
    )
    claim = f"{against} since {when(worse.since)} in {place}"
    return Answer(claim, tuple(details), "drift", changes[0].segment)


def _more_stretches(said: list[str]) -> list[str]:
    """Name the clearest of what else is worse."""
    more = [f"and {len(said) - _MOST} more"] if len(said) > _MOST else []
    return [f"also {_lower(text)}" for text in said[:_MOST]] + more


def _found_by(change: Change) -> str:
    if change.first is None:
        return "no detector reported it"
    labels = f" after {plural(change.first.width, 'label')}" if change.first.width else ""
    others = f" (then by {listing(change.worse.others)})" if change.worse.others else ""
    return f"found by {change.first.detector}{labels}{others}"


def _as_of(performance: PerformanceGrid | None, when: Callable[[int], str]) -> list[str]:
    """Say how far labels reach, if not to the end."""
    if performance is None or not len(performance.segments):
        return []
    known = np.flatnonzero(performance.labelled.any(axis=0))
    if not len(known) or known[-1] == len(performance.starts) - 1:
        return []
    return [f"labels are known for windows up to {when(int(performance.starts[known[-1]]))} only"]


def _not_worse(
    performance: PerformanceGrid | None,
    detections: Detections | None,
    run: RunSummary,
    when: Callable[[int], str],
    runs: Runs | None,
) -> Answer:
    cannot = "Cannot say whether the model is still right"
    if performance is None:
        return Answer(f"{cannot}: detections without performance rows", (), "unknown")
    labelled = performance.labelled
    segments = np.flatnonzero(labelled.any(axis=1))
    normal = float(performance.normal["mean_loss_reference"][segments[0]]) if len(segments) else float("nan")
    lack = lacking_of_model(
        rows=bool(performance.status.size),
        labelled=bool(len(segments)),
        reference=bool(np.isfinite(normal)),
        judged=bool((performance.status == STATUSES.index(PerformanceStatus.OK)).any()),
        tested=performance.tested,
        watched=detections is not None,
    )
    if lack is ModelLack.ROWS:
        return Answer(f"{cannot}: there is no performance row", (), "unknown")
    if lack is ModelLack.LABELS:
        return Answer(f"{cannot}: no label is known yet", _estimated(performance), "unknown")
    if lack is ModelLack.ENOUGH_LABELS:
        most = int(np.nanmax(performance.columns["n"]))
        few = f"no window has the {plural(run.min_n, 'label')} it needs, the fullest has {most:,}"
        return Answer(f"{cannot}: {few}", (), "unknown")
    s = int(segments[0])
    place = place_of(performance.segments[s])
    n, loss = performance.columns["n"][s], performance.columns["mean_loss"][s]
    some = labelled[s] & np.isfinite(loss)
    now = float(np.average(loss[some], weights=n[some])) if some.any() else float("nan")
    against = losses_against(performance.loss, now, normal, of_reference=True)
    if lack is not None:
        why = {
            ModelLack.REFERENCE: "no outcomes of the reference to compare with",
            ModelLack.REFERENCE_WINDOWS: "too few windows of the reference to say whether that is normal",
        }[lack]
        return Answer(f"{against} in {place}; {why}", (), "unknown")
    ended = []
    if detections is not None and detections.on_loss:
        last = detections.on_loss[0]
        where = f"{last.detector}, {place_of(last.segment)}, {when(last.at)}"
        ended = [f"the last change of the loss ({where}) has not left it clearly above the reference"]
    windows = plural(int(some.sum()), "labelled window")
    sign = f"No sign that the model got worse: {_lower(against)} in {place} over {windows}"
    return Answer(sign, (*ended, *seen_words(performance, s, run, runs), *_as_of(performance, when)), "quiet")


def _estimated(performance: PerformanceGrid) -> tuple[str, ...]:
    values = performance.columns["estimated_accuracy"][0]
    weights = np.nan_to_num(performance.columns["n_predictions"][0])
    some = np.isfinite(values) & (weights > 0)
    if not some.any():
        return ()
    mean = rate(float(np.average(values[some], weights=weights[some])))
    return (f"accuracy is estimated at {mean} in {place_of(performance.segments[0])}",)


def _lower(text: str) -> str:
    return text if text.startswith("AUC") else text[:1].lower() + text[1:]
