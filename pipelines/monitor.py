"""The monitor job: events in, result rows and dead letters out."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow as pa

from driftline.baseline.compatibility import check_fits
from driftline.measures.measure_registry import measure
from driftline.measures.survey import wanted_measures
from driftline.pipelines.configured_sinks import prepare_sinks, sinks_of, whole_sinks, write_sinks
from driftline.pipelines.configured_sources import event_reader, label_reader, without_duplicates
from driftline.pipelines.job import run_job
from driftline.pipelines.joined_labels import Outcomes, outcome_remarks
from driftline.pipelines.outcomes import (
    calibration_of_detectors,
    check_calibration,
    check_learning,
    detect_changes,
    learnt_features,
    monitor_performance,
)
from driftline.run_summary import RunSummary
from driftline.tables import tables_of
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.decide.follow_trends import Trends
from driftline.transforms.decide.judge_windows import JudgeWindows
from driftline.transforms.spine.baseline_source import BaselineSource, read_baseline
from driftline.transforms.spine.merge_windows import MergeWindows
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.trends import performance_windows, trend_remarks
from driftline.windows.slices import slice_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.baseline import Baseline
    from driftline.config import Config
    from driftline.pipelines.job import Outcome
    from driftline.transforms.sinks.sink import Sink
    from driftline.transforms.sources.source import Reader

# A row may reach the last window it belongs to this late, plus the time its pane needs through the levels.
_SLACK = 60_000_000


def judge_events(
    events: beam.PCollection, config: Config, baseline: BaselineSource, *, streaming: bool
) -> beam.PCollection:
    """From normalised events to result rows alone, for whoever lays out a pipeline without other tables.

    The jobs themselves lay out `judge_measures`.
    """
    return judge_measures(events, config, baseline, streaming=streaming)["results"]


def judge_measures(
    events: beam.PCollection, config: Config, baseline: BaselineSource, *, streaming: bool
) -> dict[str, beam.PCollection]:
    """From normalised events to the rows of every measure.

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
        | "JudgeWindows" >> JudgeWindows(baseline, config.tests, keep_for, streaming)
    )
    wanted = wanted_measures(config.feature_specs, config.measures.asked())
    others = {table for name in wanted for table in measure(name).tables} - {"results"}
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
    reader: Reader,
    labels: Reader | None,
    sinks: Sequence[Sink],
    streaming: bool,
) -> None:
    """Lay out the job.

    Parameters
    ----------
    labels
        Gives labels, where they do not come with the events.
    """
    decoded = pipeline | "ReadEvents" >> reader
    events = without_duplicates(decoded.events, config)
    tables = judge_measures(events, config, baseline, streaming=streaming)
    dead_letters = [decoded.dead_letters]
    lateness = config.windows.allowed_lateness if streaming else None
    outcomes = measured = None
    if config.labels is not None:
        joined = events | "Outcomes" >> Outcomes(
            config.model, config.labels, labels, lateness, baseline, layout=learnt_features(config)
        )
        outcomes = joined.outcomes
        measured = monitor_performance(config, config.labels, baseline, lateness)
        tables["performance"] = {
            "predictions": joined.predictions,
            "outcomes": outcomes,
        } | "Performance" >> measured
        dead_letters += joined.dead_letters
    if config.detectors:
        tables["detections"] = detect_changes(
            config, baseline, lateness, events=events, results=tables["results"], outcomes=outcomes
        )
    budget = config.tests.false_alarms
    trends = [tables["results"] | "Trends" >> Trends(baseline, budget, lateness)]
    if measured is not None:
        follow = Trends(baseline, budget, measured.corrected_for, performance_windows)
        trends.append(tables["performance"] | "PerformanceTrends" >> follow)
    tables["trends"] = tuple(trends) | "AllTrends" >> beam.Flatten()
    tables["dead_letters"] = tuple(dead_letters) | "DeadLetters" >> beam.Flatten()
    write_sinks(tables, sinks, streaming=streaming, calendar=config.calendar)


def fitting_baseline(config: Config) -> Baseline:
    """Read the configuration's baseline and make sure that it fits.

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
    check_calibration(config, baseline)
    return baseline


def run_monitor(config: Config, options: PipelineOptions) -> Outcome:
    """Run the monitor job on a source that ends, into the configuration's sinks.

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    """
    return run_to_the_end(config, options, sinks=sinks_of(config), title="monitor")


def run_to_the_end(config: Config, options: PipelineOptions, *, sinks: Sequence[Sink], title: str) -> Outcome:
    """Judge the events there are now.

    Parameters
    ----------
    title
        What the job is called while it runs.

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    """
    tables = tables_of(config)
    for sink in sinks:
        sink.check(tables, config.source.settings.reads_files)
    reader = event_reader(config, bounded=True, judged=True)
    labels = label_reader(config, bounded=True)
    baseline = fitting_baseline(config)
    prepare_sinks(sinks, tables, streaming=False)
    with whole_sinks(sinks, tables) as places:
        pipeline = beam.Pipeline(options=options)
        source = BaselineSource(config.baseline.path, baseline.version)
        build_monitor(pipeline, config, source, reader=reader, labels=labels, sinks=places, streaming=False)
        outcome = run_job(pipeline, config, title)
        write_summary(config, baseline, outcome, places)
    remarks = (
        *outcome_remarks(config, baseline),
        *calibration_of_detectors(config, baseline),
        *trend_remarks(baseline, config.baseline.path),
    )
    return replace(outcome, remarks=(*outcome.remarks, *remarks))


def write_summary(
    config: Config, baseline: Baseline, outcome: Outcome, sinks: Sequence[Sink], *, streaming: bool = False
) -> None:
    """Leave beside the rows what the run says about itself, for the report.

    Parameters
    ----------
    outcome
        What the job did; of a stream only when it began.
    """
    counts, tests = outcome.counts, config.tests
    summary = RunSummary(
        model=config.model,
        alpha=tests.alpha,
        psi=tests.psi,
        wasserstein_iqr=tests.wasserstein_iqr,
        rate_change=tests.rate_change,
        rate_ratio=tests.rate_ratio,
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
        invalid=counts.invalid,
        absent=counts.absent,
    )
    for sink in sinks:
        sink.summarise(summary)


if __name__ == "__main__":
    from driftline.pipelines.cli import main

    sys.exit(main(["monitor", *sys.argv[1:]]))
