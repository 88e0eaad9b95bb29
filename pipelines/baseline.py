"""The baseline job: from a reference to bins, profiles and null calibration."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsSingleton

from driftline.baseline import BaselineError, decode_baseline
from driftline.baseline.digests import import_digests
from driftline.baseline.left_out_windows import left_out_remarks, left_out_windows
from driftline.baseline.outlying_windows import outlying_remarks, outlying_windows
from driftline.baseline.reference_windows import calibration_remarks, calibration_stride, season_remarks
from driftline.baseline.refit import Refit, refit
from driftline.baseline.windows_file import read_windows_of
from driftline.pipelines.configured_sources import event_reader, label_reader, source_of, without_duplicates
from driftline.pipelines.interrupts import closed_together
from driftline.pipelines.job import FIRST_READING, run_job
from driftline.pipelines.joined_labels import Outcomes, outcome_remarks
from driftline.pipelines.outcomes import calibration_of_detectors
from driftline.profiles.id_like import id_like
from driftline.segments import ALL
from driftline.statistics.season import season_for
from driftline.tables import DEAD_LETTER
from driftline.transforms.outcomes.learn_alarm_limits import LearnAlarmLimits
from driftline.transforms.outcomes.profile_outcomes import ProfileReference
from driftline.transforms.sinks.files.write_rows import WriteRows
from driftline.transforms.spine.baseline_source import read_baseline
from driftline.transforms.spine.baseline_versions import PREVIOUS
from driftline.transforms.spine.fit_baseline import FitBaseline
from driftline.transforms.spine.leave_out import LeaveOut
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.transforms.spine.survey_reference import SurveyReference
from driftline.transforms.whole_files import refuse_folders, unfinished
from driftline.transforms.write_file import write_atomically
from driftline.windows.slices import SliceLength, slice_length

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.baseline import Baseline
    from driftline.config import Config
    from driftline.measures.window_histograms import WindowHistograms
    from driftline.pipelines.counts import Counts
    from driftline.pipelines.job import Outcome
    from driftline.transforms.sources.source import Reader


def build_baseline(
    config: Config, options: PipelineOptions, say: Callable[[str], Any], *, output: str
) -> Outcome:
    """Build a baseline file from a reference.

    Parameters
    ----------
    say
        Is given a line for the user before the job starts.
    output
        Path of the baseline; its window histograms and dead letters go beside it, as ``<output>.windows`` and
        ``<output>.dead_letters.parquet``. What is there is replaced when the job has finished, not before;
        a baseline that was there is kept as ``<output>.previous``.
    """
    refuse_folders(output)
    reader = event_reader(config, bounded=True)
    labels = label_reader(config, bounded=True)
    for note in _notes(config):
        say(note)
    directory, name = FileSystems.split(output)
    left = f"nothing was written under a final name, {output} is as it was"
    with closed_together([unfinished(directory)], lambda: left) as (scratch,):
        pipeline = beam.Pipeline(options=options)
        path = FileSystems.join(scratch, name)
        lay_out_baseline(pipeline, config, reader=reader, labels=labels, path=path)
        outcome = run_job(pipeline, config, "baseline")
        _refuse_other_types(outcome.counts)
        _keep_replaced(output)
    built = read_baseline(output)
    with FileSystems.open(f"{output}.windows", compression_type="uncompressed") as file:
        windows = read_windows_of(file, ALL)
    remarks = (
        *_id_remarks(built),
        *_excluded_remarks(config, outcome.counts.excluded),
        *calibration_remarks(built),
        *_season_remarks(config, built, windows),
        *outcome_remarks(config, built),
        *calibration_of_detectors(config, built),
        *left_out_remarks(left_out_windows(built, windows), built.calendar),
        *outlying_remarks(
            outlying_windows(built, windows, config.baseline.season, config.tests.min_n), built.calendar
        ),
    )
    return replace(outcome, remarks=(*outcome.remarks, *remarks))


def _refuse_other_types(counts: Counts) -> None:
    """Refuse a feature of whose kind no value of the reference is (BaselineError)."""
    used = counts.decoded - sum(counts.rejected.values())
    wrong = sorted(name for name, n in counts.invalid.items() if n >= used > 0)
    if wrong:
        raise BaselineError(
            f"{', '.join(wrong)}: not one of {used:,} values is of the feature's kind; declare it as "
            "categorical, or name another column"
        )


def _id_remarks(built: Baseline) -> list[str]:
    """Name the categorical features that are ids."""
    named = []
    for block in built.layout.blocks:
        if block.categorical:
            profile = built.entries[ALL, block.name].profile
            ids = id_like(profile.cardinality, profile.rows - profile.missing - profile.invalid)
            named += [name for name, found in zip(block.names, ids, strict=True) if found]
    if not named:
        return []
    text = (
        f"warning: nearly every value of {', '.join(named)} is another one, as of an id: nothing but its "
        "missing rate can drift; leave it out"
    )
    return [text]


def _excluded_remarks(config: Config, rows: int) -> list[str]:
    spans = config.baseline.exclude
    if not spans:
        return []
    named = f"{len(spans)} span{'s' if len(spans) != 1 else ''} of baseline.exclude"
    if not rows:
        return [f"warning: no row lies in the {named}: are the times in UTC?"]
    return [f"{rows:,} rows of {named} are left out"]


def _season_remarks(config: Config, built: Baseline, windows: Mapping[str, WindowHistograms]) -> list[str]:
    if not windows:
        return []
    starts = next(iter(windows.values())).starts
    _, remark = season_for(config.baseline.season, size=built.size, starts=starts)
    return season_remarks(config.baseline, remark)


def _notes(config: Config) -> list[str]:
    source, labels = config.source, config.labels
    if source.option:
        if labels is None or labels.source is None or labels.source.option:
            return []
        return ["note: the labels of these events are looked for in labels.source; or give --labels"]
    if source_of(source).endless:
        remedy = "up to its present end: all of it is taken as normal; or give --input"
        return [f"note: learning from {source.key('source')}, {remedy}"]
    return [f"note: learning from {source.key('source')}; events to be judged later belong elsewhere"]


def import_baseline(config: Config, digests: str, output: str) -> None:
    """Write a baseline made of t-digests.

    Parameters
    ----------
    digests
        Path of the JSON file.

    Raises
    ------
    BaselineError
        If there is no such file, or it does not fit the configuration.
    """
    refuse_folders(output)
    if not FileSystems.exists(digests):
        raise BaselineError(f"no file {digests}: give the JSON file that holds the digests")
    with FileSystems.open(digests, compression_type="uncompressed") as file:
        text = file.read()
    imported = import_digests(text, config, created_at=time.time_ns() // 1000)
    _keep_replaced(output)
    write_atomically(output, imported)


def refit_baseline(config: Config, output: str) -> tuple[Refit, list[str]]:
    """Fit the nulls of a baseline anew from the windows beside it, and write it in its place.

    Parameters
    ----------
    output
        Path of the baseline; it is kept as ``<output>.previous``.

    Returns
    -------
    Refit
        What was done.
    list of str
        What the user should know besides.

    Raises
    ------
    BaselineError
        If there is no such baseline, or nothing was kept beside it.
    """
    sidecar = f"{output}.windows"
    for path in (output, sidecar):
        if not FileSystems.exists(path):
            raise BaselineError(f"no file {path}: build the baseline with `driftline baseline`")
    read = []
    for path in (output, sidecar):
        with FileSystems.open(path, compression_type="uncompressed") as file:
            read.append(file.read())
    baseline, windows = read
    done = refit(
        baseline,
        windows,
        output,
        min_n=config.tests.min_n,
        season=config.baseline.season,
        excluded=config.excluded,
    )
    _keep_replaced(output)
    write_atomically(output, done.data)
    remarks = season_remarks(config.baseline, done.remark)
    if config.baseline.exclude:
        remarks.append(
            "note: the windows in baseline.exclude are out of the nulls; bins and profiles still have their "
            "rows: build the baseline again to leave those out too"
        )
    return done, remarks


def _keep_replaced(output: str) -> None:
    """Keep a copy of the baseline about to be replaced: streams still hold profiles that were made for it."""
    if not FileSystems.exists(output):
        return
    with FileSystems.open(output, compression_type="uncompressed") as file:
        replaced = file.read()
    with suppress(BaselineError):
        decode_baseline(replaced, output)
        write_atomically(output + PREVIOUS, replaced)


def lay_out_baseline(
    pipeline: beam.Pipeline,
    config: Config,
    *,
    reader: Reader,
    labels: Reader | None,
    path: str,
) -> None:
    """Lay out the job: two passes over the reference.

    Parameters
    ----------
    reader
        Gives the events of the reference, the same ones each time.
    labels
        Gives their labels, where they do not come with the events.

    Notes
    -----
    The reference is read twice, once to learn the bins and once to fill them: it would not fit in memory in
    between.
    """
    windows = config.windows
    stride = calibration_stride(windows.size, windows.every)
    length = SliceLength(stride, slice_length(windows.every, streaming=False).coverage)
    # where bins lie, and which segments are the largest, a few events sent twice do not change
    surveyed = pipeline | FIRST_READING >> reader
    learned = _without_excluded(surveyed.events, FIRST_READING, config)
    plan = learned | "SurveyReference" >> SurveyReference(
        config.feature_specs,
        config.segments,
        config.max_segments,
        config.measures.asked(),
        surveyed.dead_letters,
        None if config.source.settings.has_record_times else config.event_time,
    )
    decoded = pipeline | "SecondReading" >> reader
    events = _without_excluded(without_duplicates(decoded.events, config), "SecondReading", config)
    directory, name = FileSystems.split(path)
    dead_letters = decoded.dead_letters
    performance = limits = None
    if config.labels is not None:
        outcomes = Outcomes(config.model, config.labels, labels, None, plan=AsSingleton(plan))
        joined = events | "Outcomes" >> outcomes
        performance = (joined.predictions, joined.outcomes) | "Performance" >> ProfileReference(
            config.labels.measure, stride
        )
        limits = joined.outcomes | "AlarmLimits" >> LearnAlarmLimits(config.labels.measure)
        dead_letters = (dead_letters, *joined.dead_letters) | "DeadLetters" >> beam.Flatten()
    _ = dead_letters | "WriteDeadLetters" >> WriteRows(
        directory, f"{name}.dead_letters", DEAD_LETTER, "parquet"
    )
    _ = (
        events
        | "ProfileSlices"
        >> beam.ParDo(ProfileSlices(length), AsSingleton(plan)).with_output_types(
            tuple[tuple[str, str], bytes]
        )
        | "FitBaseline" >> FitBaseline(plan, config, stride, path, performance, limits)
    )


def _without_excluded(events: beam.PCollection, reading: str, config: Config) -> beam.PCollection:
    spans = config.excluded
    if not spans:
        return events
    return events | f"{reading}WithoutExcluded" >> beam.ParDo(LeaveOut(spans)).with_output_types(
        pa.RecordBatch
    )


if __name__ == "__main__":
    from driftline.pipelines.cli import main

    sys.exit(main(["baseline", *sys.argv[1:]]))
