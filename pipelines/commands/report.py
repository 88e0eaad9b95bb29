"""``driftline report``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.pipelines.commands.invocation import Invocation, refuse_beam_args


@click.command("report", short_help="Write one HTML page about the results.")
@click.argument("directory", metavar="DIR")
@click.option("--output", metavar="FILE.html", help="The file to write. Default: report.html in DIR.")
@click.pass_obj
def report(invocation: Invocation, directory: str, output: str | None) -> None:
    """Write one HTML page about the results in DIR, where `driftline backtest` left them.

    The page opens without a network: what drifted when and how, every statistic over time, distributions
    side by side, and all rows to sort and filter; what changes over many windows, where there is
    trends.parquet; and whether the model is still right, where there are performance.parquet and
    detections.parquet.

    \b
    Examples:
      driftline report out/
      driftline report out/ --output drift.html
    """
    refuse_beam_args(invocation, "report")
    from driftline.pipelines.report import write_report

    path = output or f"{directory.rstrip('/') or '/'}/report.html"
    for remark in write_report(directory, path) or []:
        click.echo(f"  {remark}")
    click.echo(f"report written to {path}")
