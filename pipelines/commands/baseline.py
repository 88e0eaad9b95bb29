"""``driftline baseline``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.pipelines.commands.invocation import Invocation, finished, load, options_of


@click.command("baseline", short_help="Learn from past data what is normal.")
@click.argument("config")
@click.option("--input", "pattern", metavar="PATTERN", help="Files of past data. Default: source.")
@click.option("--labels", metavar="PATTERN", help="Files of its labels. Default: labels.source.")
@click.option("--output", metavar="PATH", help="The baseline file to write. Default: baseline.path.")
@click.option("--refit", is_flag=True, help="Fit its nulls anew from what is kept beside it; read no events.")
@click.pass_obj
def baseline(
    invocation: Invocation,
    config: str,
    pattern: str | None,
    labels: str | None,
    output: str | None,
    *,
    refit: bool,
) -> None:
    """Build the baseline of CONFIG from past data that is taken as normal.

    Reads the data twice, fixes bins, counts every feature of every segment, and learns from the
    data's own windows how much they differ when nothing drifts. Give it at least 30 windows of past data:
    with fewer than 10, p-values are an indication and no more.

    A source without end, of events or of labels, is read to its present end: kafka from its start, or from
    the earliest message where that is `latest`.

    With --refit the baseline stays what it is, and gets the tests of this release: after an upgrade, or after
    a change of `tests.min_n`, `baseline.season` or `baseline.exclude`.

    \b
    Examples:
      driftline baseline config.yaml
      driftline baseline config.yaml --input 'log/2013-0[1-6]*.avro' --output baseline.avro
      driftline baseline config.yaml --refit
      driftline baseline config.yaml -- --direct_num_workers=4 --direct_running_mode=multi_processing
    """
    settings = load(config, pattern, labels, learn=not refit)
    path = output or settings.baseline.path
    if refit:
        if pattern or labels:
            raise click.UsageError("--refit reads no events: leave out --input and --labels")
        from driftline.pipelines.baseline import refit_baseline

        done, remarks = refit_baseline(settings, path)
        kept = f", {done.kept} kept as they were" if done.kept else ""
        kept += f", {done.emptied} without any: all their windows are excluded" if done.emptied else ""
        click.echo(f"{done.fitted} nulls fitted anew{kept}: baseline written to {path}")
        for remark in remarks:
            click.echo(f"  {remark}")
        return
    options = options_of(invocation)
    from driftline.pipelines.baseline import build_baseline

    outcome = build_baseline(settings, options, click.echo, output=path)
    finished(outcome, f"baseline written to {path}")
