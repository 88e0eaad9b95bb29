"""``driftline compare``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

import click

from driftline.pipelines.commands.invocation import Invocation, refuse_beam_args


@click.command("compare", short_help="Compare two batches without event time.")
@click.argument("reference")
@click.argument("current")
@click.option(
    "--group", metavar="COLUMN", help="Column of independent units, such as a user. Default: each row is one."
)
@click.option("--output", metavar="DIR", help="Folder for results.parquet, which `driftline report` reads.")
@click.pass_obj
def compare(
    invocation: Invocation, reference: str, current: str, group: str | None, output: str | None
) -> None:
    """Compare the rows of CURRENT with those of REFERENCE: files, patterns or folders.

    For data without event time: no configuration, no windows. Features are all columns that both have, found
    as `driftline init` finds them. Prints a table: what drifted, how sure and how large.

    Without --group p-values are those of independent rows. With it the rows of a group belong together, and
    how much groups differ is learned from those of the reference.

    \b
    Examples:
      driftline compare train.parquet serving.parquet
      driftline compare 'may/*.csv' 'june/*.csv' --group user_id --output out/
    """
    refuse_beam_args(invocation, "compare")
    from driftline.pipelines.compare import compare_files
    from driftline.pipelines.compared import lines_of, write_compared

    found = compare_files(reference, current, group)
    for line in lines_of(found):
        click.echo(line)
    if output is not None:
        write_compared(found, output, reference)
        click.echo(f"results written to {output}; look at them: driftline report {output}")
