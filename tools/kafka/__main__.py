"""``python -m tools.kafka up|down|status``: a Kafka broker on this machine."""

from __future__ import annotations

import click

from driftline.runners.cache import cache_folder
from tools.background import Background
from tools.kafka.broker import KafkaBroker
from tools.maven import MissingProgramError
from tools.processes import ServerError

PORT = 9092


@click.group()
def main() -> None:
    """A Kafka broker on this machine; its data is kept until the cache folder is deleted."""


@main.command()
@click.option("--port", default=PORT, show_default=True)
def up(port: int) -> None:
    """Start the broker and leave it running."""
    background = _background()
    if background.load() and not background.dead():
        click.echo("The broker is up already.")
    else:
        broker = KafkaBroker(cache_folder() / "kafka", port, detached=True)
        try:
            broker.start()
        except (ServerError, MissingProgramError, RuntimeError) as error:
            raise click.ClickException(str(error)) from None
        background.save([broker.server] if broker.server else [], {"bootstrap": broker.bootstrap})
    _show(background)


@main.command()
def down() -> None:
    """Stop the broker."""
    click.echo("Stopped the broker." if _background().stop() else "No broker was up.")


@main.command()
def status() -> None:
    """Say where the broker is."""
    background = _background()
    if background.load() is None:
        raise click.ClickException("no broker is up: start one with: python -m tools.kafka up")
    _show(background)
    for name in background.dead():
        click.echo(f"ended:   {name}")


def _background() -> Background:
    return Background(cache_folder() / "kafka" / "broker.json")


def _show(background: Background) -> None:
    state = background.load()
    if state:
        click.echo(f"brokers: {state['about']['bootstrap']}")


if __name__ == "__main__":
    main()
