"""What every job does around its pipeline: show progress, count."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apache_beam.runners.runner import PipelineState
from rich.console import Console
from rich.live import Live

from driftline.pipelines.configured_sources import why_unusable
from driftline.pipelines.counts import Counts
from driftline.transforms.counters import PROFILED, TALLY, counts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apache_beam as beam

    from driftline.config import Config

#: Steps whose names begin so read events that a second pass counts.
FIRST_READING = "FirstReading"


class JobError(RuntimeError):
    """A job started and did not finish."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Parameters
    ----------
    started
        Microseconds since the epoch.
    seconds
        Wall time.
    remarks
        What the user should know besides.
    """

    counts: Counts
    runner: str
    started: int
    seconds: float
    remarks: tuple[str, ...] = ()


def run_job(pipeline: beam.Pipeline, config: Config, title: str) -> Outcome:
    """Run a pipeline to its end, showing progress on a terminal.

    Parameters
    ----------
    title
        What it does, for the progress line.
    """
    started = time.time_ns() // 1000
    begin = time.monotonic()
    TALLY.clear()
    with progress(f"{title} {config.model}"), _errors_said_once():
        result = pipeline.run()
        state = result.wait_until_finish()
        if state not in (PipelineState.DONE, None):
            msg = f"the job ended as {state}: the runner's log says why"
            raise JobError(msg)
        counts = Counts.of(counts_of(result, without=FIRST_READING))
    with_events = config.labels is not None and config.labels.source is None
    if counts.decoded and not counts.profiled:
        why = why_unusable(config) or "the dead letters say why"
        warning = f"not one event could be used: {why}"
    else:
        warning = counts.labels.warning(with_events=with_events) or ""
    remarks = (*([f"warning: {warning}"] if warning else []), *counts.feature_remarks())
    return Outcome(counts, runner_name(pipeline), started, time.monotonic() - begin, remarks)


def runner_name(pipeline: beam.Pipeline) -> str:
    """Name the runner of a pipeline."""
    return type(pipeline.runner).__name__


def counts_of_tally() -> Counts:
    """Count what this process has done so far."""
    return Counts.of(TALLY.snapshot(), stopped=True)


@contextmanager
def _errors_said_once() -> Iterator[None]:
    """Keep workers in this process from logging, traceback and all, what they raise as well."""
    logger = logging.getLogger("apache_beam.runners.common")

    def not_raised_too(record: logging.LogRecord) -> bool:
        return record.exc_info is None

    logger.addFilter(not_raised_too)
    try:
        yield
    finally:
        logger.removeFilter(not_raised_too)


@contextmanager
def progress(title: str, *, shown: bool = True) -> Iterator[None]:
    """Show rows, rows a second and windows while a job runs here; say nothing where nobody watches.

    Parameters
    ----------
    shown
        Whether the job runs in this process, where it can be seen.
    """
    console = Console(stderr=True)
    begin = time.monotonic()

    def line() -> str:
        so_far = TALLY.snapshot()
        rows, windows = so_far.get(PROFILED, 0), so_far.get("windows", 0)
        seconds = time.monotonic() - begin
        speed = rows / max(seconds, 1e-9)
        return f"{title}: {rows:,} rows, {speed:,.0f} rows/s, {windows:,} windows, {seconds:.0f} s"

    if not (shown and console.is_terminal):
        yield
        return
    with Live(get_renderable=line, console=console, refresh_per_second=4, transient=True):
        yield
