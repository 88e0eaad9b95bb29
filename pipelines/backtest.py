"""The backtest job: the monitor pipeline on bounded input, its rows in one directory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import apache_beam as beam

from driftline.report.summary import RunSummary
from pipelines.job import check_input, run_job, unfinished
from pipelines.monitor import build_monitor, fitting_baseline
from transforms.write_file import write_atomically

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.baseline import Baseline
    from driftline.config import Config
    from pipelines.job import Outcome


def run_backtest(config: Config, options: PipelineOptions, *, pattern: str, output: str) -> Outcome:
    """Judge bounded input and leave the rows in a directory.

    Parameters
    ----------
    config
        The configuration.
    options
        Beam options.
    pattern
        Files to read.
    output
        Directory for ``results.parquet``, ``dead_letters.parquet`` and ``run.json``. What is there under
        these names is replaced when the job has finished, and not before.

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
    check_input(config, pattern)
    baseline = fitting_baseline(config)
    with unfinished(output) as [scratch]:
        pipeline = beam.Pipeline(options=options)
        build_monitor(pipeline, config, pattern=pattern, sinks=[(scratch, "parquet")])
        outcome = run_job(pipeline, f"backtest {config.model}")
        write_atomically(
            beam.io.filesystems.FileSystems.join(scratch, "run.json"),
            _summary(config, baseline, outcome).to_json().encode(),
        )
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

    sys.exit(main(["backtest", *sys.argv[1:]]))
