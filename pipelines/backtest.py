"""The backtest job: the monitor pipeline on bounded input, its rows in one directory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from driftline.config.files_sink import FilesSinkSettings
from driftline.pipelines.monitor import run_to_the_end
from driftline.transforms.sinks.files.sink_of_files import FilesSink

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.config import Config
    from driftline.pipelines.job import Outcome


def run_backtest(config: Config, options: PipelineOptions, *, output: str) -> Outcome:
    """Judge bounded input and leave the rows in a directory.

    Parameters
    ----------
    output
        Directory for ``results.parquet``, ``dead_letters.parquet`` and ``run.json``. What is there under
        these names is replaced when the job has finished, and not before.

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    """
    sink = FilesSink(FilesSinkSettings(path=output, format="parquet"), "--output")
    return run_to_the_end(config, options, sinks=[sink], title="backtest")


if __name__ == "__main__":
    from driftline.pipelines.cli import main

    sys.exit(main(["backtest", *sys.argv[1:]]))
