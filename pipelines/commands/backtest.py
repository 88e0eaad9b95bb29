"""``driftline backtest``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.config.errors import ConfigError, Problem
from driftline.pipelines.commands.invocation import Invocation, finished, load, options_of


@click.command("backtest", short_help="Judge recorded data, window by window.")
@click.argument("config")
@click.option("--input", "pattern", metavar="PATTERN", help="Files to judge. Default: source.files.pattern.")
@click.option("--labels", metavar="PATTERN", help="Files of labels. Default: labels.source.")
@click.option(
    "--output", metavar="DIR", help="Folder for the results. Default: the path of the first files sink."
)
@click.pass_obj
def backtest(
    invocation: Invocation, config: str, pattern: str | None, labels: str | None, output: str | None
) -> None:
    """Judge recorded data with the baseline of CONFIG: the monitor job on input that ends.

    A source without end is read to its present end: kafka from its start, or from the earliest message
    where that is `latest`.

    Leaves results.parquet (one row for every segment, feature and window) and dead_letters.parquet (what
    could not be read, and why) in DIR, with labels performance.parquet, with detectors detections.parquet.
    Under these names there are only ever whole files.

    \b
    Examples:
      driftline backtest config.yaml --output out/
      driftline backtest config.yaml --input 'log/2013-1*.avro' --output out/
      driftline report out/
    """
    settings = load(config, pattern, labels)
    options = options_of(invocation)
    folders = (sink.files.path for sink in settings.sinks if sink.kind == "files")
    directory = output or next(folders, None)
    if directory is None:
        remedy = "give --output DIR, or add to the configuration `sinks: [files: {path: out/}]`"
        raise ConfigError(
            "command line", [Problem("--output", "is missing, and there is no files sink", remedy)]
        )
    from driftline.pipelines.backtest import run_backtest

    outcome = run_backtest(settings, options, output=directory)
    finished(outcome, f"results written to {directory}; look at them: driftline report {directory}")
