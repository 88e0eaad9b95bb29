"""``driftline init``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.pipelines.commands.invocation import Invocation, refuse_beam_args


@click.command("init", short_help="Suggest a configuration for data.")
@click.argument("data")
@click.option(
    "--output", metavar="CONFIG", default="driftline.yaml", help="The file. Default: driftline.yaml."
)
@click.pass_obj
def init(invocation: Invocation, data: str, output: str) -> None:
    """Write a configuration for DATA, a file or a pattern of files.

    It names the event time and how it is read, the request id, prediction and label where there are such,
    segments, features and their kinds, and windows of the data's own rhythm. What is left out is in it as
    comments, with the reason. The last third of the time is kept from the baseline, to be judged by it.

    \b
    Example, from nothing to a report:
      driftline init 'log/*.parquet'
      driftline baseline driftline.yaml
      driftline backtest driftline.yaml
      driftline report out/
    """
    refuse_beam_args(invocation, "init")
    from driftline.pipelines.init import write_suggestion

    found = write_suggestion(data, output)
    roles = found.roles
    features, left_out = len(roles.features), len(roles.left_out)
    said = f"{features} feature{'s' * (features != 1)}, {left_out} column{'s' * (left_out != 1)} left out"
    click.echo(f"{output}: event time {found.time.name}, {said}; read it, then: driftline baseline {output}")
