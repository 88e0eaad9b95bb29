"""``driftline monitor``."""

# Beam takes seconds to import, so commands do it when they need it; click reads \b in help texts.
# ruff: noqa: PLC0415, D301

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from driftline.config.errors import ConfigError, Problem
from driftline.pipelines.commands.invocation import Invocation, finished, load, options_of
from driftline.pipelines.interrupts import INTERRUPTED

if TYPE_CHECKING:
    from driftline.config import Config


@click.command("monitor", short_help="Judge what the source holds, into the sinks.")
@click.argument("config")
@click.pass_obj
def monitor(invocation: Invocation, config: str) -> None:
    """Run the monitoring job of CONFIG: from its source, against its baseline, into its sinks.

    A source that ends, such as files, ends the job. With one that does not, such as kafka, the job runs
    until it is stopped: on this machine Ctrl-C stops it; on a Flink cluster Ctrl-C ends the watching and the
    job goes on.

    \b
    Examples:
      driftline monitor config.yaml
      driftline monitor config.yaml -- --direct_num_workers=2 --direct_running_mode=multi_processing
      driftline monitor kafka.yaml -- --runner=FlinkRunner --flink_master=flink:8081
    """
    settings = load(config)
    if not settings.sinks:
        remedy = "say where results go: `sinks: [files: {path: out/}]`"
        raise ConfigError(config, [Problem("sinks", "is missing, and monitor writes nowhere else", remedy)])
    from driftline.pipelines.configured_sources import check_events, source_of

    if not source_of(settings.source).endless:
        from driftline.pipelines.monitor import run_monitor

        outcome = run_monitor(settings, options_of(invocation))
    else:
        check_events(settings, bounded=False)  # before a runner for streams is looked for
        from driftline.pipelines.stream import StreamStopped, run_stream

        try:
            outcome = run_stream(settings, options_of(invocation, streaming=True), click.echo)
        except StreamStopped as stopped:
            finished(stopped.outcome, str(stopped))
            raise click.exceptions.Exit(INTERRUPTED) from None
    finished(outcome, f"results written to {_places(settings)}")


def _places(settings: Config) -> str:
    from driftline.pipelines.configured_sinks import sinks_of

    return ", ".join(sink.describe() for sink in sinks_of(settings))
