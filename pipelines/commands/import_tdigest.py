"""``driftline import-tdigest``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.pipelines.commands.invocation import Invocation, load, refuse_beam_args


@click.command("import-tdigest", short_help="Make a baseline of t-digests you already have.")
@click.argument("config")
@click.argument("digests", metavar="DIGESTS.json")
@click.option("--output", metavar="PATH", help="The baseline file to write. Default: baseline.path.")
@click.pass_obj
def import_tdigest(invocation: Invocation, config: str, digests: str, output: str | None) -> None:
    """Make the baseline of CONFIG from digests of the Python package tdigest.

    DIGESTS.json is an object of TDigest.to_dict() by feature name. The baseline knows quantiles of all
    traffic and nothing of how windows differ: results carry effect sizes, and nothing is called drifted.

    \b
    Example:
      driftline import-tdigest config.yaml digests.json
    """
    refuse_beam_args(invocation, "import-tdigest")
    settings = load(config)
    from driftline.pipelines.baseline import import_baseline

    path = output or settings.baseline.path
    import_baseline(settings, digests, path)
    click.echo(f"baseline written to {path}")
