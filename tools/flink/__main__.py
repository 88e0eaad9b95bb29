"""``python -m tools.flink up|down|status|submit``: a Flink cluster on this machine."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from driftline.runners.cache import cache_folder
from driftline.runners.flink.options import overridden
from tools.background import Background
from tools.flink.cluster import FlinkCluster
from tools.flink.rest import FlinkError, FlinkRest
from tools.maven import MissingProgramError
from tools.processes import ServerError

if TYPE_CHECKING:
    from pathlib import Path

REST_PORT = 8081
METRICS_PORT = 9249


@click.group()
def main() -> None:
    """A Flink cluster on this machine, with Beam's job server and Python workers."""


@main.command()
@click.option("--port", default=REST_PORT, show_default=True, help="Flink's web page and REST interface.")
@click.option(
    "--metrics-port", default=METRICS_PORT, show_default=True, help="First of those that Prometheus asks."
)
@click.option("--task-managers", default=1, show_default=True)
@click.option("--slots", default=2, show_default=True, help="Of each task manager.")
@click.option("--workers", default=2, show_default=True, help="Python processes of each task manager.")
@click.option("--checkpoint-seconds", default=10.0, show_default=True)
@click.option(
    "--state-backend", type=click.Choice(["rocksdb", "hashmap"]), default="rocksdb", show_default=True
)
def up(port: int, metrics_port: int, **settings: Any) -> None:
    """Start the cluster and leave it running."""
    background = _background()
    if background.load():
        if dead := background.dead():
            raise click.ClickException(
                f"the cluster is up, but these ended: {', '.join(dead)}; run: python -m tools.flink down"
            )
        click.echo("The cluster is up already.")
        _show(background)
        return
    cluster = FlinkCluster(
        _folder(),
        rest_port=port,
        metrics_port=metrics_port,
        detached=True,
        **settings,
    )
    click.echo("Starting Flink (the first time this fetches 200 MB) ...")
    try:
        cluster.start()
    except (ServerError, MissingProgramError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
    background.save(
        cluster.servers,
        {
            "rest": cluster.rest.url,
            "job_endpoint": cluster.job_endpoint,
            "artifact_endpoint": cluster.artifact_endpoint,
            "worker_pool": cluster.worker_pool_endpoint,
            "prometheus": [f"127.0.0.1:{each}" for each in cluster.metric_ports],
            "folder": str(cluster.folder),
            "options": cluster.options(),
        },
    )
    _show(background)


@main.command()
def down() -> None:
    """Stop the cluster; its jobs are cut off, their checkpoints stay."""
    stopped = _background().stop()
    click.echo(f"Stopped: {', '.join(stopped)}." if stopped else "No cluster was up.")


@main.command()
def status() -> None:
    """Say where the cluster is and what runs on it."""
    background = _background()
    state = _state(background)
    _show(background)
    for name in background.dead():
        click.echo(f"ended:           {name}")
    try:
        for job, text in FlinkRest(state["about"]["rest"]).jobs().items():
            click.echo(f"job {job}: {text}")
    except (OSError, FlinkError) as error:
        raise click.ClickException(f"the job manager does not answer: {error}") from None


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def submit(config: str, options: tuple[str, ...]) -> None:
    """Run ``driftline monitor CONFIG`` on the cluster. Options after -- go to Beam and win."""
    background = _background()
    state = _state(background)
    if dead := background.dead():
        raise click.ClickException(
            f"these ended: {', '.join(dead)}; run: python -m tools.flink down, then up"
        )
    chosen = overridden(state["about"]["options"], options)
    sys.stdout.flush()
    os.execv(  # noqa: S606  # its exit code is ours
        sys.executable, [sys.executable, "-m", "driftline.pipelines.monitor", config, "--", *chosen]
    )


def _folder() -> Path:
    return cache_folder() / "flink"


def _background() -> Background:
    return Background(_folder() / "cluster.json")


def _state(background: Background) -> dict[str, Any]:
    state = background.load()
    if state is None:
        raise click.ClickException("no cluster is up: start one with: python -m tools.flink up")
    return state


def _show(background: Background) -> None:
    about = _state(background)["about"]
    click.echo(f"web page, REST:  {about['rest']}")
    click.echo(f"job server:      {about['job_endpoint']}")
    click.echo(f"Prometheus:      {', '.join(about['prometheus'])}")
    click.echo(f"logs, state:     {about['folder']}")
    click.echo("submit with:     python -m tools.flink submit CONFIG [-- BEAM OPTIONS]")


if __name__ == "__main__":
    main()
