"""The backtest job: the monitor pipeline on bounded input, its rows in one directory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipelines.monitor import run_on_files

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

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
    return run_on_files(config, options, pattern=pattern, sinks=[(output, "parquet")], title="backtest")


if __name__ == "__main__":
    from pipelines.cli import main

    sys.exit(main(["backtest", *sys.argv[1:]]))
