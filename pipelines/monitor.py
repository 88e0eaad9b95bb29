"""The monitor job: events in, result rows and dead letters out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from driftline.baseline.compatibility import check_fits
from driftline.config import ConfigError, Problem
from driftline.decoding.event_schema import EventSchema
from driftline.report.summary import RunSummary
from driftline.schemas import DEAD_LETTER, RESULT
from pipelines.job import check_input, run_job
from pipelines.output import refuse_folders, refuse_own_output, unfinished
from transforms.baseline_source import BaselineSource, read_baseline
from transforms.judge_windows import JudgeWindows
from transforms.merge_windows import MergeWindows
from transforms.profile_slices import ProfileSlices, slice_length
from transforms.read_files import ReadEvents
from transforms.write_file import write_atomically
from transforms.write_rows import WriteRows

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.baseline import Baseline
    from driftline.config import Config
    from pipelines.job import Outcome

# A row may reach the last window it belongs to this late, plus the time its pane needs through the levels.
_SLACK = 60_000_000


def judge_events(
    events: beam.PCollection, config: Config, baseline: BaselineSource, *, streaming: bool
) -> beam.PCollection:
    """From normalised events to result rows: the part that every source and sink shares.

    Parameters
    ----------
    events
        Record batches of normalised events.
    config
        The configuration.
    baseline
        The baseline to judge against.
    streaming
        Whether the events never end.

    Returns
    -------
    PCollection of pyarrow.RecordBatch
        Result rows.
    """
    windows = config.windows
    length = slice_length(windows.every, streaming=streaming)
    lateness = windows.allowed_lateness if streaming else None
    keep_for = windows.size + windows.allowed_lateness + _SLACK
    return (
        events
        | "ProfileSlices"
        >> beam.ParDo(ProfileSlices(length, baseline)).with_output_types(tuple[tuple[str, str], bytes])
        | "MergeWindows" >> MergeWindows(windows.size, windows.every, length.slice, lateness)
        | "JudgeWindows" >> JudgeWindows(baseline, config.tests, length, keep_for, streaming)
    )


def build_monitor(
    pipeline: beam.Pipeline,
    config: Config,
    baseline: BaselineSource,
    *,
    pattern: str,
    sinks: list[tuple[str, str]],
) -> None:
    """Lay out the job on files.

    Parameters
    ----------
    pipeline
        The pipeline to add to.
    config
        The configuration.
    baseline
        The baseline to judge against.
    pattern
        Files to read.
    sinks
        (directory, format) to write to.
    """
    read = ReadEvents(config.model, EventSchema.of(config), pattern, config.input_format(pattern))
    decoded = pipeline | "ReadEvents" >> read
    results = judge_events(decoded.events, config, baseline, streaming=False)
    for number, (directory, file_format) in enumerate(sinks):
        _ = results | f"WriteResults{number}" >> WriteRows(directory, "results", RESULT, file_format)
        _ = decoded.dead_letters | f"WriteDeadLetters{number}" >> WriteRows(
            directory, "dead_letters", DEAD_LETTER, file_format
        )


def fitting_baseline(config: Config) -> Baseline:
    """Read the configuration's baseline and make sure that it fits.

    Parameters
    ----------
    config
        The configuration.

    Returns
    -------
    Baseline

    Raises
    ------
    BaselineError
        If it cannot be read or does not fit.
    """
    baseline = read_baseline(config.baseline.path)
    check_fits(baseline, config, config.baseline.path)
    return baseline


def run_monitor(config: Config, options: PipelineOptions) -> Outcome:
    """Run the monitor job into the configuration's sinks.

    Parameters
    ----------
    config
        The configuration.
    options
        Beam options.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    JobError
        If it does not finish.
    """
    files = config.source.files
    if files is None:
        problem = Problem(
            "source",
            "this release reads files only",
            "use source.files; kafka and pubsub come with a later release",
        )
        raise ConfigError(config.name, [problem])
    if not config.sinks:
        problem = Problem("sinks", "is missing", "say where results go: `sinks: [files: {path: out/}]`")
        raise ConfigError(config.name, [problem])
    sinks = [(sink.files.path, sink.files.format) for sink in config.sinks if sink.files is not None]
    return run_on_files(config, options, pattern=files.pattern, sinks=sinks, title="monitor")


def run_on_files(
    config: Config, options: PipelineOptions, *, pattern: str, sinks: list[tuple[str, str]], title: str
) -> Outcome:
    """Judge the events of files and leave rows and a ``run.json`` in directories.

    Parameters
    ----------
    config
        The configuration.
    options
        Beam options.
    pattern
        Files to read.
    sinks
        (directory, format) to write to.
    title
        What the job is called while it runs.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    JobError
        If it does not finish.
    """
    for directory, file_format in sinks:
        names = [f"results.{file_format}", f"dead_letters.{file_format}", "run.json"]
        refuse_folders(*(FileSystems.join(directory, name) for name in names))
        refuse_own_output(directory, names, pattern)
    check_input(config, pattern)
    baseline = fitting_baseline(config)
    with unfinished(*(path for path, _ in sinks)) as scratch:
        pipeline = beam.Pipeline(options=options)
        source = BaselineSource(config.baseline.path, baseline.version)
        sinks = list(zip(scratch, (file_format for _, file_format in sinks), strict=True))
        build_monitor(pipeline, config, source, pattern=pattern, sinks=sinks)
        outcome = run_job(pipeline, f"{title} {config.model}")
        summary = _summary(config, baseline, outcome).to_json().encode()
        for directory in scratch:
            write_atomically(FileSystems.join(directory, "run.json"), summary)
    return outcome


def _summary(config: Config, baseline: Baseline, outcome: Outcome) -> RunSummary:
    counts, tests = outcome.counts, config.tests
    return RunSummary(
        model=config.model,
        alpha=tests.alpha,
        psi=tests.psi,
        wasserstein_iqr=tests.wasserstein_iqr,
        min_n=tests.min_n,
        min_coverage=tests.min_coverage,
        window_size_us=config.windows.size,
        window_every_us=config.windows.every,
        decoded=counts.decoded,
        profiled=counts.profiled,
        dropped_late=counts.dropped_late,
        rejected=counts.rejected,
        runner=outcome.runner,
        started_us=outcome.started,
        seconds=outcome.seconds,
        baseline_path=config.baseline.path,
        baseline_version=baseline.version,
        reference_windows=baseline.windows,
    )


if __name__ == "__main__":
    from pipelines.cli import main

    sys.exit(main(["monitor", *sys.argv[1:]]))
