"""The baseline job: from a reference to bins, profiles and null calibration."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.pvalue import AsSingleton

from driftline.baseline.windows import calibration_stride
from driftline.decoding.event_schema import EventSchema
from pipelines.job import FIRST_READING, check_input, publish, run_job, scratch_directory
from transforms.fit_baseline import FitBaseline
from transforms.profile_slices import ProfileSlices, SliceLength, slice_length
from transforms.read_files import ReadEvents
from transforms.survey_reference import SurveyReference

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.config import Config
    from pipelines.job import Outcome


def build_baseline(config: Config, options: PipelineOptions, *, pattern: str, output: str) -> Outcome:
    """Build a baseline file from a reference.

    Parameters
    ----------
    config
        The configuration.
    options
        Beam options.
    pattern
        Files of the reference.
    output
        Path of the baseline. What is there is replaced when the job has finished, and not before.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError, BaselineError
        If the job could not do its work.
    JobError
        If it does not finish.
    """
    check_input(config, pattern)
    directory, name = beam.io.filesystems.FileSystems.split(output)
    scratch = scratch_directory(directory)
    pipeline = beam.Pipeline(options=options)
    lay_out_baseline(
        pipeline, config, pattern=pattern, path=beam.io.filesystems.FileSystems.join(scratch, name)
    )
    outcome = run_job(pipeline, f"baseline {config.model}", [scratch])
    publish(scratch, directory)
    return outcome


def lay_out_baseline(pipeline: beam.Pipeline, config: Config, *, pattern: str, path: str) -> None:
    """Lay out the job: two passes over the reference.

    Parameters
    ----------
    pipeline
        The pipeline to add to.
    config
        The configuration.
    pattern
        Files of the reference.
    path
        Where the baseline goes.

    Notes
    -----
    The reference is read twice, once to learn the bins and once to fill them: it would not fit in memory in
    between.
    """
    windows = config.windows
    stride = calibration_stride(windows.size, windows.every)
    length = SliceLength(stride, slice_length(windows.every, streaming=False).coverage)
    read = ReadEvents(config.model, EventSchema.of(config), pattern, config.input_format(pattern))
    surveyed = pipeline | FIRST_READING >> read
    plan = surveyed.events | "SurveyReference" >> SurveyReference(
        config.feature_specs, config.segments, config.max_segments
    )
    profiled = pipeline | "SecondReading" >> read
    _ = (
        profiled.events
        | "ProfileSlices"
        >> beam.ParDo(ProfileSlices(length), AsSingleton(plan)).with_output_types(
            tuple[tuple[str, str], bytes]
        )
        | "FitBaseline" >> FitBaseline(plan, config, stride, path)
    )


if __name__ == "__main__":
    from pipelines.cli import main

    sys.exit(main(["baseline", *sys.argv[1:]]))
