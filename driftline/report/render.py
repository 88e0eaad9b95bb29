"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import math
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from driftline.report import detection_list as detected
from driftline.report import performance_grid as performances
from driftline.report import result_grid as grids
from driftline.report import trend_alarms as alarms
from driftline.report.answer import Answer, answer
from driftline.report.answer_notes import notes_of
from driftline.report.first_lines import Line, first_lines
from driftline.report.headline import Headline, headline
from driftline.report.payload import payload
from driftline.report.performance_payload import performance_payload
from driftline.report.trend_answer import TrendAnswer, trend_answer, trend_note
from driftline.report.trend_payload import trend_payload
from driftline.report.trend_section import trend_section
from driftline.report.wording import calendar, moment, number, percent, period, plural, span
from driftline.statistics.null.null_table import ACTED_ON
from driftline.tables import standing_rows
from driftline.tables.trends import TABLE as TRENDS
from driftline.verdicts.severity import EXTREME, STRONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.report.findings import Finding
    from driftline.report.metric_changes import Runs
    from driftline.report.note import Note
    from driftline.report.result_grid import Grid
    from driftline.run_summary import RunSummary

_SCRIPTS = ("dom", "data", "heat", "line", "distribution", "table", "performance", "trends", "change", "page")
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'"
_MOST_FINDINGS = 8


def render(
    results: Any,
    run: RunSummary,
    references: Mapping[tuple[str, str], ReferenceDistribution] | None = None,
    *,
    performance: Any = None,
    detections: Any = None,
    trends: Any = None,
    runs: Runs | None = None,
) -> str:
    """Write the report of one run.

    Parameters
    ----------
    results : pyarrow.Table
        Rows of the RESULT schema, any order; of rows with one ``row_id`` only the one that stands is used.
    references : mapping of (segment, feature) to ReferenceDistribution, optional
        The baseline's distributions; without them the page has no distribution charts.
    performance : pyarrow.Table, optional
        Rows of the PERFORMANCE schema, used as the results are; without them the page does not say how right
        the model is.
    detections : pyarrow.Table, optional
        Rows of the DETECTION schema.
    trends : pyarrow.Table, optional
        Rows of the TREND schema, used as the results are; without them the page does not speak of trends.
    runs : mapping of (segment, measure) to RunSpread, optional
        How the performance of the reference's windows follows each other, as the baseline knows it.

    Returns
    -------
    str
        HTML text, to be written as UTF-8. It loads nothing: its content security policy forbids it.
    """
    cells = grids.of(results, run)
    words = headline(cells, run, references)
    said, model = _model(run, performance, detections, runs)
    trend, notes, followed = _trends(cells, run, trends)
    script = "\n".join(['"use strict";', *(_asset(f"{name}.js") for name in _SCRIPTS)])
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode("ascii")
    return Template(_asset("report.html")).substitute(
        style=_asset("report.css"),
        script=script,
        policy=f"{_POLICY}; script-src 'sha256-{digest}'",
        model=escape(run.model),
        period=escape(_period(cells, run)),
        lines=_lines(first_lines(words, said, trend)),
        notes=_notes((*words.notes, *notes)),
        tiles=_tiles(cells, run),
        findings=_found(words),
        thresholds=_thresholds(run),
        strong=number(STRONG),
        extreme=number(EXTREME),
        counts=_count_line(run),
        facts=_facts(run),
        hidden="" if cells.row.size else " hidden",
        payload=payload(cells, run, words, references),
        **model,
        **followed,
    )


def _model(
    run: RunSummary, performance: Any, detections: Any, runs: Runs | None
) -> tuple[Answer | None, dict[str, str]]:
    """Write what the page says about the model's error: nothing, if the run has neither table."""
    names = "performance", "performance_reading", "performance_payload"
    if performance is None and detections is None:
        return None, dict.fromkeys(names, "")
    changes = None if detections is None else detected.of(detections)
    on_loss = {each.segment for each in changes.on_loss} if changes else set()
    cells = None if performance is None else performances.of(performance, on_loss)
    said = answer(cells, changes, run, runs)
    drawn = cells is not None and cells.status.size
    part = Template(_asset("performance.html")).substitute(
        notes=_notes(notes_of(cells, changes, run)), hidden="" if drawn else " hidden"
    )
    packed = performance_payload(cells, changes, said.segment if said else None)
    texts = (
        f"{part}\n",
        f"{_asset('performance_reading.html')}\n",
        f'<script type="text/plain" id="performance-data">{packed}</script>\n',
    )
    return said, dict(zip(names, texts, strict=True))


def _trends(
    cells: Grid, run: RunSummary, rows: Any
) -> tuple[TrendAnswer | None, tuple[Note, ...], dict[str, str]]:
    """Write what the page says about trends: nothing, if the run has no such table."""
    names = "trends", "trends_reading", "trends_payload"
    if rows is None:
        return None, (), dict.fromkeys(names, "")
    table = standing_rows(rows, TRENDS)
    found = alarms.of(table)
    daily, year = calendar(cells.starts.tolist(), cells.ends.tolist(), run.window_size_us)
    packed = trend_payload(table, found, cells, daily=daily, year=year)
    texts = (
        trend_section(found, cells, daily=daily, year=year),
        f"{_asset('trends_reading.html')}\n",
        f'<script type="text/plain" id="trends-data">{packed}</script>\n',
    )
    note = trend_note(found)
    answered = trend_answer(found, daily=daily, year=year)
    return answered, (note,) if note else (), dict(zip(names, texts, strict=True))


def _lines(lines: tuple[Line, ...]) -> str:
    first, *others = lines
    written = [f'<p class="tone {first.tone}">{first.badge}</p>', f"<h1>{escape(first.text)}</h1>"]
    if first.detail:
        written.append(f'<p class="lead-detail">{escape(first.detail)}</p>')
    for each in others:
        badge = f'<span class="tone {each.tone}">{each.badge}</span>'
        written.append(f'<p class="answer">{badge}{escape(each.text)}</p>')
    return "\n".join(written)


@cache
def _asset(name: str) -> str:
    return files("driftline.report").joinpath("page", name).read_text(encoding="utf-8").rstrip("\n")


def _period(cells: Grid, run: RunSummary) -> str:
    windows = f"windows of {span(run.window_size_us)} every {span(run.window_every_us)}"
    if not cells.row.size:
        return windows
    daily, _ = calendar(cells.starts.tolist(), cells.ends.tolist(), run.window_size_us)
    return f"{period(int(cells.starts[0]), int(cells.ends[-1]), daily=daily, year=True)} UTC, {windows}"


def _notes(notes: Iterable[Note]) -> str:
    return "\n".join(
        f'<li class="{"warning" if note.warning else "note"}">{escape(note.text)}</li>' for note in notes
    )


def _tiles(cells: Grid, run: RunSummary) -> str:
    segments, features, windows = cells.shape
    counts = [
        (f"{run.profiled:,}", "events profiled"),
        (f"{run.dead_letters:,}", "rejected"),
        (f"{run.dropped_late:,}", "dropped late"),
    ]
    tiles = [
        *([] if run.streaming else counts),
        (f"{windows:,}", "windows"),
        (f"{segments:,}", "segments"),
        (f"{features:,}", "features"),
        (f"{run.reference_windows:,}", "reference windows"),
    ]
    return "\n".join(f"<div><dd>{value}</dd><dt>{name}</dt></div>" for value, name in tiles)


def _found(words: Headline) -> str:
    if not words.findings:
        return ""
    shown = "\n".join(_finding(each) for each in words.findings[:_MOST_FINDINGS])
    more = len(words.findings) - _MOST_FINDINGS
    rest = f'<p class="quiet">{plural(more, "more feature")}: see the heat map.</p>' if more > 0 else ""
    return f'<section><h2>What drifted</h2><ol class="findings">{shown}</ol>{rest}</section>'


def _finding(each: Finding) -> str:
    link = urlencode({"segment": each.segment, "feature": each.feature, "window": each.window})
    where = "all traffic" if each.segment == "*" else each.segment
    spans = {"where": where, "what": each.what, "words": each.words, "when": each.when, "also": each.also}
    lines = "".join(f'<span class="{name}">{escape(text)}</span>' for name, text in spans.items() if text)
    return (
        f'<li><a href="#{escape(link)}" data-level="{_level(each.severity)}">'
        f"<strong>{escape(each.feature)}</strong>{lines}</a></li>"
    )


def _level(severity: float) -> int:
    """Give the colour step of a drifted result."""
    return 3 + (severity >= STRONG) + (severity >= EXTREME)


def _thresholds(run: RunSummary) -> str:
    rates = ""
    if math.isfinite(run.rate_change):  # runs of earlier releases had no such size
        rates = (
            f", or a share of the rows that changes by more than {percent(run.rate_change)} or by a factor "
            f"of {number(run.rate_ratio)}"
        )
    return (
        f"significant is an adjusted p below {number(run.alpha)}, large a PSI above {number(run.psi)} or a "
        f"Wasserstein above {number(run.wasserstein_iqr)} IQR{rates}; judged is a window of at least "
        f"{plural(run.min_n, 'row')} and {percent(run.min_coverage)} of it covered by data, with at least "
        f"{ACTED_ON:.0f} reference windows of its segment and feature"
    )


def _count_line(run: RunSummary) -> str:
    if run.streaming:
        return "a stream: the runner's metrics count its events"
    reasons = ", ".join(
        f"{count:,} {escape(reason)}" for reason, count in sorted(run.rejected.items()) if count
    )
    verdict = "" if not run.unaccounted else f" <strong>Off by {run.unaccounted:,}.</strong>"
    return (
        f"{run.decoded:,} decoded = {run.dead_letters:,} rejected{f' ({reasons})' if reasons else ''} + "
        f"{run.profiled:,} profiled + {run.dropped_late:,} dropped late"
        f"{f' + {run.duplicates:,} duplicates' if run.duplicates else ''}.{verdict}"
        f"{''.join(f'<br>{escape(line)}.' for line in run.labels.sentences())}"
    )


def _facts(run: RunSummary) -> str:
    facts: Iterable[tuple[str, str]] = (
        ("Baseline", f"{run.baseline_path}, version {run.baseline_version}"),
        ("Reference", plural(run.reference_windows, "window")),
        ("Runner", run.runner),
        ("Started", f"{moment(run.started_us, daily=False, year=True)} UTC"),
        ("Took", "has no end" if run.streaming else f"{number(run.seconds)} s"),
    )
    return "\n".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
