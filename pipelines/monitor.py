"""The monitor job: events in, result rows and dead letters out."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems

from driftline.baseline.compatibility import check_fits
from driftline.measures.registry import measure
from driftline.pipelines.events import bounded_reader, without_duplicates
from driftline.pipelines.job import run_job
from driftline.pipelines.labels import Outcomes, label_reader, outcome_remarks
from driftline.pipelines.outcomes import check_learning, detect_changes, learnt_features, monitor_performance
from driftline.pipelines.output import delete, refuse_folders, refuse_own_output, unfinished
from driftline.pipelines.sinks import SCHEMAS, moved, prepare_sinks, tables_of, write_sinks
from driftline.run_summary import RunSummary
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.decide.judge_windows import JudgeWindows
from driftline.transforms.spine.baseline_source import BaselineSource, read_baseline
from driftline.transforms.spine.merge_windows import MergeWindows
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.transforms.write_file import write_atomically
from driftline.windows.slices import slice_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.baseline import Baseline
    from driftline.config import Config
    from driftline.config.models import Sink
    from driftline.pipelines.job import Outcome
    from driftline.transforms.sources.kafka.read_kafka import ReadKafka
    from driftline.transforms.sources.read_files import ReadEvents

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
    return judge_measures(events, config, baseline, streaming=streaming)["results"]


def judge_measures(
    events: beam.PCollection, config: Config, baseline: BaselineSource, *, streaming: bool
) -> dict[str, beam.PCollection]:
    """From normalised events to the rows of every measure.

    Parameters
    ----------
    events, config, baseline, streaming
        As for `judge_events`.

    Returns
    -------
    dict of str to PCollection of pyarrow.RecordBatch
        Rows by table: ``results``, and the tables of the configuration's measures.
    """
    windows = config.windows
    length = slice_length(windows.every, streaming=streaming)
    lateness = windows.allowed_lateness if streaming else None
    keep_for = windows.size + windows.allowed_lateness + _SLACK
    judged = (
        events
        | "ProfileSlices"
        >> beam.ParDo(ProfileSlices(length, baseline)).with_output_types(tuple[tuple[str, str], bytes])
        | "MergeWindows" >> MergeWindows(windows.size, windows.every, length.slice, lateness)
        | "JudgeWindows" >> JudgeWindows(baseline, config.tests, length, keep_for, streaming)
    )
    others = {table for name in config.measures.asked() for table in measure(name).tables} - {"results"}
    return {
        "results": judged["results"],
        **{
            table: judged["rows"]
            | f"Rows of {table}" >> beam.FlatMap(_of_table, table).with_output_types(pa.RecordBatch)
            for table in sorted(others)
        },
    }


def _of_table(named: tuple[str, bytes], table: str) -> Iterator[pa.RecordBatch]:
    if named[0] == table:
        yield RecordBatchCoder().decode(named[1])


def build_monitor(
    pipeline: beam.Pipeline,
    config: Config,
    baseline: BaselineSource,
    *,
    reader: ReadEvents | ReadKafka,
    labels: ReadEvents | ReadKafka | None,
    sinks: Sequence[Sink],
    streaming: bool,
) -> None:
    """Lay out the job.

    Parameters
    ----------
    pipeline
        The pipeline to add to.
    config
        The configuration.
    baseline
        The baseline to judge against.
    reader
        Gives events and dead letters.
    labels
        Gives labels, where they do not come with the events.
    sinks
        Where rows are written.
    streaming
        Whether the events never end.
    """
    decoded = pipeline | "ReadEvents" >> reader
    events = without_duplicates(decoded.events, config, reader)
    tables = judge_measures(events, config, baseline, streaming=streaming)
    dead_letters = [decoded.dead_letters]
    lateness = config.windows.allowed_lateness if streaming else None
    outcomes = None
    if config.labels is not None:
        joined = events | "Outcomes" >> Outcomes(
            config.model, config.labels, labels, lateness, baseline, layout=learnt_features(config)
        )
        outcomes = joined.outcomes
        tables["performance"] = {
            "predictions": joined.predictions,
            "outcomes": outcomes,
        } | "Performance" >> monitor_performance(config, config.labels, baseline, lateness)
        dead_letters += joined.dead_letters
    if config.detectors:
        tables["detections"] = detect_changes(
            config, baseline, lateness, events=events, results=tables["results"], outcomes=outcomes
        )
    tables["dead_letters"] = tuple(dead_letters) | "DeadLetters" >> beam.Flatten()
    write_sinks(tables, sinks, streaming=streaming)


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
    ConfigError
        If a detector needs a package that is not installed.
    """
    check_learning(config)
    baseline = read_baseline(config.baseline.path)
    check_fits(baseline, config, config.baseline.path)
    return baseline


def run_monitor(config: Config, options: PipelineOptions) -> Outcome:
    """Run the monitor job on files, into the configuration's sinks.

    Parameters
    ----------
    config
        The configuration; its source is files.
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
    assert files is not None
    return run_to_the_end(config, options, pattern=files.pattern, sinks=config.sinks, title="monitor")


def run_to_the_end(
    config: Config, options: PipelineOptions, *, pattern: str | None, sinks: Sequence[Sink], title: str
) -> Outcome:
    """Judge events that end; folders among the sinks get a ``run.json`` too.

    Parameters
    ----------
    config
        The configuration.
    options
        Beam options.
    pattern
        Files to read; None to read Kafka to its present end.
    sinks
        Where rows are written.
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
    folders = [sink.files for sink in sinks if sink.files is not None]
    for folder in folders:
        names = [*(f"{table}.{folder.format}" for table in tables_of(config)), "run.json"]
        refuse_folders(*(FileSystems.join(folder.path, name) for name in names))
        if pattern is not None:
            refuse_own_output(folder.path, names, pattern)
    reader = bounded_reader(config, pattern)
    labels = label_reader(config, bounded=True)
    baseline = fitting_baseline(config)
    prepare_sinks(sinks, tables_of(config), streaming=False)
    with unfinished(*(folder.path for folder in folders)) as scratch:
        pipeline = beam.Pipeline(options=options)
        source = BaselineSource(config.baseline.path, baseline.version)
        build_monitor(
            pipeline,
            config,
            source,
            reader=reader,
            labels=labels,
            sinks=moved(sinks, scratch),
            streaming=False,
        )
        outcome = run_job(pipeline, config, title)
        write_summary(config, baseline, outcome, scratch)
    written = tables_of(config)
    for folder in folders:  # what another configuration left would be taken for part of this run
        delete(
            [
                FileSystems.join(folder.path, f"{name}.{folder.format}")
                for name in SCHEMAS
                if name not in written
            ]
        )
    remarks = outcome_remarks(config, baseline)
    return replace(outcome, remarks=(*outcome.remarks, *remarks))


def write_summary(
    config: Config, baseline: Baseline, outcome: Outcome, folders: Sequence[str], *, streaming: bool = False
) -> None:
    """Leave a ``run.json`` in folders of results, for the report.

    Parameters
    ----------
    config
        The configuration.
    baseline
        What was judged by.
    outcome
        What the job did; of a stream only when it began.
    folders
        Where to.
    streaming
        Whether the job has no end.
    """
    counts, tests = outcome.counts, config.tests
    summary = RunSummary(
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
        duplicates=counts.duplicates,
        labels=counts.labels,
        streaming=streaming,
    )
    for folder in folders:
        write_atomically(FileSystems.join(folder, "run.json"), summary.to_json().encode())


if __name__ == "__main__":
    from driftline.pipelines.cli import main

    sys.exit(main(["monitor", *sys.argv[1:]]))
