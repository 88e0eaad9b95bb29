"""The plain words on top of the report, made from the results alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from driftline.report.episodes import Episode, episodes
from driftline.report.findings import Finding, findings_of, place_of, size_of
from driftline.report.note import Note
from driftline.report.result_grid import STATUSES, Grid
from driftline.report.wording import calendar, listing, moment, percent, period, plural
from driftline.statistics.null.null_table import ACTED_ON, DEPENDABLE_WINDOWS, FEWEST_WINDOWS
from driftline.verdicts.untold import Lack, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.run_summary import RunSummary


@dataclass(frozen=True)
class Headline:
    """Title, tone (``drift``, ``quiet`` or ``unknown``), notes and findings."""

    title: str
    tone: str
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...] = ()


def headline(
    grid: Grid,
    run: RunSummary,
    references: Mapping[tuple[str, str], ReferenceDistribution] | None = None,
) -> Headline:
    """Say in plain words what the results say.

    Parameters
    ----------
    references : mapping of (segment, feature) to ReferenceDistribution, optional
        With it, a finding names the reference's value next to the window's.
    """
    daily, year = calendar(grid.starts.tolist(), grid.ends.tolist(), run.window_size_us)
    when = partial(moment, daily=daily, year=year)
    around = (*_calibration(run), *_unjudged(grid, run), *_counts(run), *_left_out(grid))
    found = episodes(grid)
    if not found:
        title, tone = _nothing(grid, run)
        return Headline(title, tone, around)
    return Headline(
        _title(grid, run, found, when),
        "drift",
        (_latest(grid, daily=daily, year=year), _lasting(grid, found), *around),
        findings_of(grid, run, found, references or {}, daily=daily, year=year),
    )


def _title(grid: Grid, run: RunSummary, found: list[Episode], when: Callable[[int], str]) -> str:
    """Count the features whose drift lasts; where none does, all that drifted, and say so."""
    lasting = [each for each in found if each.lasting]
    counted = lasting or found
    drifted = {each.feature for each in counted}
    start = when(min(int(grid.starts[each.first]) for each in counted))
    single = not lasting and int(grid.judged.any(axis=(0, 1)).sum()) > 1
    worst = found[0]
    names = "All" if len(drifted) == len(grid.features) > 1 else f"{len(drifted)} of"
    return (
        f"{names} {plural(len(grid.features), 'feature')} drifted "
        f"{'in single windows only, the first on' if single else 'from'} {start}; "
        f"worst: {grid.features[worst.feature]} in {place_of(grid.segments[worst.segment])} "
        f"({size_of(grid, run, worst)})"
    )


def _nothing(grid: Grid, run: RunSummary) -> tuple[str, str]:
    judged = grid.judged
    lack = lacking(grid.statuses, told=bool(judged.any()))
    if lack is None:
        features = plural(int(judged.any(axis=(0, 2)).sum()), "feature")
        windows = plural(int(judged.any(axis=(0, 1)).sum()), "window")
        return f"Nothing drifted: {features} over {windows}", "quiet"
    if lack is Lack.RESULTS:
        return "No results: no window was touched by data", "unknown"
    why = {
        Lack.REFERENCE_WINDOWS: _few_windows(run),
        Lack.ROWS: f"no window has the {plural(run.min_n, 'row')} it needs",
        Lack.DATA: "no window holds any data",
        Lack.BASELINE: "the baseline knows none of these segments and features",
        Lack.ENOUGH_DATA: "no window has enough data",
    }[lack]
    return f"Cannot judge: {why}", "unknown"


def _few_windows(run: RunSummary) -> str:
    has = "the baseline has too few reference windows of every segment and feature"
    if run.reference_windows < ACTED_ON:
        has = f"the baseline has {plural(run.reference_windows, 'reference window')}"
    return f"{has}; build it from {ACTED_ON:.0f} or more"


def _calibration(run: RunSummary) -> list[Note]:
    windows = plural(run.reference_windows, "reference window")
    if run.reference_windows <= FEWEST_WINDOWS:
        return [
            Note(
                f"The baseline has {windows}, too few to learn how much normal windows differ: every p-value "
                f"is 1 and nothing can be called drifted. Build it from at least {ACTED_ON:.0f} windows, "
                f"better {DEPENDABLE_WINDOWS}.",
                warning=True,
            )
        ]
    if run.reference_windows < ACTED_ON:
        return [
            Note(
                f"The baseline has only {windows}: sizes and p-values are an indication, and nothing can "
                f"be called drifted. Build it from at least {ACTED_ON:.0f} windows, better "
                f"{DEPENDABLE_WINDOWS}.",
                warning=True,
            )
        ]
    if run.reference_windows < DEPENDABLE_WINDOWS:
        return [
            Note(
                f"The baseline has {windows}: p-values may be wrong by a factor of about two. From "
                f"{DEPENDABLE_WINDOWS} on they are dependable."
            )
        ]
    return []


def _unjudged(grid: Grid, run: RunSummary) -> list[Note]:
    reasons = {
        "insufficient": f"fewer than {plural(run.min_n, 'row')}",
        "partial": f"a window less than {percent(run.min_coverage)} covered by data",
        "no_baseline": "no baseline for the segment",
        "no_data": "no data",
        "ok": f"fewer than {plural(int(ACTED_ON), 'reference window')}",
    }
    counts = {
        reason: int((~grid.judged & (grid.status == STATUSES.index(reason))).sum()) for reason in reasons
    }
    rows = int((grid.row >= 0).sum())
    if not (total := sum(counts.values())):
        return []
    why = listing([f"{count:,} with {reasons[reason]}" for reason, count in counts.items() if count])
    return [
        Note(f"{total:,} of {plural(rows, 'result')} could not be judged: {why}.", warning=2 * total > rows)
    ]


_NAMED = 5


def _counts(run: RunSummary) -> list[Note]:
    notes = []
    if run.dead_letters:
        reasons = sorted(run.rejected.items(), key=lambda item: (-item[1], item[0]))
        why = listing([f"{count:,} {reason}" for reason, count in reasons if count])
        notes.append(
            Note(
                f"{run.dead_letters:,} of {plural(run.decoded, 'event')} "
                f"({percent(run.dead_letters / max(run.decoded, 1))}) were rejected: {why}. "
                "They are in the dead letter, not in these results.",
                warning=True,
            )
        )
    if run.invalid:
        most = sorted(run.invalid.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{name} {count:,} ({percent(count / max(run.decoded, 1))})" for name, count in most]
        text = (
            f"Values of another type than their feature: {listing(named, most=_NAMED)}. They are invalid "
            "there; their rows stay in all other features."
        )
        notes.append(Note(text, warning=True))
    if run.absent:
        gone = sorted(run.absent.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{name} in {plural(count, 'event')}" for name, count in gone]
        text = f"There is no column {listing(named, most=_NAMED)}: what is read from it is missing there."
        notes.append(Note(text, warning=True))
    if run.dropped_late:
        notes.append(
            Note(f"{plural(run.dropped_late, 'event')} came too late for any window and were dropped.")
        )
    if run.unaccounted:
        notes.append(
            Note(
                f"The counts do not add up: {run.decoded:,} decoded is not {run.dead_letters:,} rejected + "
                f"{run.profiled:,} profiled + {run.dropped_late:,} dropped late.",
                warning=True,
            )
        )
    notes += [
        Note(f"The counts of {what} do not add up: {number:+,}.", warning=True)
        for what, number in (
            ("predictions", run.labels.unaccounted_predictions),
            ("labels", run.labels.unaccounted_labels),
        )
        if number
    ]
    return notes


def _left_out(grid: Grid) -> list[Note]:
    parts = []
    if grid.segments_left_out:
        parts.append(f"{plural(grid.segments_left_out, 'segment')} with the least drift")
    if grid.windows_left_out:
        parts.append(f"the {plural(grid.windows_left_out, 'oldest window')}")
    if not parts:
        return []
    return [Note(f"To keep this page small it leaves out {listing(parts)}; results.parquet has them.")]


def _latest(grid: Grid, *, daily: bool, year: bool) -> Note:
    # at the edge of the data a window is half empty: there few segments have rows enough, and silence says
    # nothing
    judged = grid.judged.sum(axis=(0, 1))
    last = int(np.flatnonzero(judged >= 0.9 * judged.max())[-1])
    names = [name for f, name in enumerate(grid.features) if grid.drifted[:, f, last].any()]
    dates = period(int(grid.starts[last]), int(grid.ends[last]), daily=daily, year=year)
    state = (
        f"{listing(names)} {'is' if len(names) == 1 else 'are'} drifted" if names else "nothing is drifted"
    )
    return Note(f"In the latest fully judged window ({dates}) {state}.")


def _lasting(grid: Grid, found: list[Episode]) -> Note:
    lasting = {each.feature for each in found if each.lasting}
    brief = sorted({each.feature for each in found} - lasting)
    judged = int(grid.judged.sum())
    drifted = int(grid.drifted.sum())
    text = f"{drifted:,} of {judged:,} judged results ({percent(drifted / judged)}) are drifted"
    if not brief or int(grid.judged.any(axis=(0, 1)).sum()) == 1:
        return Note(f"{text}.")
    names = listing([grid.features[f] for f in brief])
    return Note(f"{text}; {names} never for longer than one window, which a single odd day can cause.")
