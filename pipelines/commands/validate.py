"""``driftline validate``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from driftline.pipelines.commands.invocation import Invocation, refuse_beam_args

if TYPE_CHECKING:
    from driftline.config import Config


@click.command("validate", short_help="Check a configuration.")
@click.argument("config")
@click.pass_obj
def validate(invocation: Invocation, config: str) -> None:
    """Check CONFIG and, where they exist already, its input and baseline.

    Every mistake in the file is named at once, with the key, the line, the value and what to do; then
    the columns of the input and the baseline are held against it. Nothing is written and
    no job is started. Values from the environment (${NAME}) are checked but never shown.

    \b
    Example:
      driftline validate config.yaml
    """
    refuse_beam_args(invocation, "validate")
    from driftline.config import load_config

    settings = load_config(config)
    from driftline.pipelines.auto_features import with_auto_features
    from driftline.pipelines.validate import validate_config
    from driftline.transforms.sources.source import NotThereYetError

    try:
        settings, left_out = with_auto_features(settings, learn=False)
    except NotThereYetError as error:
        left_out = [error.remark]
    remarks = [*left_out, *validate_config(settings)]
    click.echo(f"{config}: valid ({_summary(settings)})")
    for remark in remarks:
        click.echo(f"  {remark}")


def _summary(settings: Config) -> str:
    from driftline.config import format_duration

    count = len(settings.feature_specs)
    segments = ", ".join(settings.segment_columns) or "all traffic only"
    size, every = format_duration(settings.windows.size), format_duration(settings.windows.every)
    features = "auto features" if settings.auto_features else f"{count} feature{'s' if count != 1 else ''}"
    return f"model {settings.model}, {features}, segments: {segments}, windows of {size} every {every}"
