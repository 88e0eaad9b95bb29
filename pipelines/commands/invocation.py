"""What the commands share: what they were given, the configuration, how a job ended."""

# Beam takes seconds to import, so commands do it when they need it.
# ruff: noqa: PLC0415

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from driftline.config.errors import ConfigError, Problem

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.config import Config


@dataclass
class Invocation:
    """What does not belong to one command: what Beam gets, and how failures are shown."""

    beam_args: tuple[str, ...]
    traceback: bool = False


def load(path: str, pattern: str | None = None, labels: str | None = None, *, learn: bool = False) -> Config:
    """Read the configuration, with files and features as they were asked for."""
    from driftline.config import load_config

    settings = load_config(path)
    for remark in settings.remarks:
        click.echo(f"note: {remark}")
    if pattern is not None:
        settings = settings.with_input_files(pattern)
    if settings.auto_features:
        from driftline.pipelines.auto_features import with_auto_features

        settings, left_out = with_auto_features(settings, learn=learn)
        for remark in left_out:
            click.echo(f"note: {remark}")
    return settings if labels is None else settings.with_label_files(labels)


def options_of(invocation: Invocation, *, streaming: bool = False) -> PipelineOptions:
    """Take the options of Beam, and say which runner they choose."""
    from driftline.pipelines.beam_options import beam_options, describe_runner

    options = beam_options(invocation.beam_args, streaming=streaming)
    click.echo(f"runner: {describe_runner(options)}")
    return options


def refuse_beam_args(invocation: Invocation, command: str) -> None:
    """Refuse options of Beam, for a command that starts no job."""
    if invocation.beam_args:
        message = f"is not for {command}, which starts no Beam job"
        given = " ".join(invocation.beam_args)
        raise ConfigError("command line", [Problem("--", message, "remove it and what follows", given)])


def finished(outcome: Any, sentence: str) -> None:
    """Say how many events became what, how long it took, and where the results are."""
    counts = getattr(outcome, "counts", None)
    if counts is not None:
        click.echo(f"events: {counts.sentence()}")
        for line in counts.labels.sentences():
            click.echo(f"labels: {line}")
    seconds = getattr(outcome, "seconds", None)
    click.echo(sentence if seconds is None else f"{sentence} ({seconds:.1f} s)")
    for remark in getattr(outcome, "remarks", ()):
        click.echo(f"  {remark}")
