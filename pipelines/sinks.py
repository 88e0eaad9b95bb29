"""The sinks of a configuration: made ready before a job starts, and written to by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.config import ConfigError, Problem
from driftline.config.models import Sink
from driftline.tables import DEAD_LETTER, DETECTION, PERFORMANCE, RESULT
from driftline.transforms.kafka_cluster import KafkaUnavailable
from driftline.transforms.sinks.kafka_topics import ensure_topics
from driftline.transforms.sinks.write_kafka import WriteToKafka
from driftline.transforms.sinks.write_rows import WriteRows
from driftline.transforms.sinks.write_stream_files import WriteStreamFiles, folder_of, make_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apache_beam as beam

    from driftline.config import Config

SCHEMAS = {
    "results": RESULT,
    "dead_letters": DEAD_LETTER,
    "performance": PERFORMANCE,
    "detections": DETECTION,
}
"""The tables that a job can write."""


def tables_of(config: Config) -> list[str]:
    """Name the tables that a job of this configuration writes.

    Parameters
    ----------
    config
        The configuration.

    Returns
    -------
    list of str
        Some of `SCHEMAS`.
    """
    wanted = {"performance": config.labels is not None, "detections": bool(config.detectors)}
    return [name for name in SCHEMAS if wanted.get(name, True)]


def prepare_sinks(sinks: Sequence[Sink], tables: Sequence[str], *, streaming: bool) -> list[str]:
    """Make the topics that the sinks need, and for a stream the folders.

    Parameters
    ----------
    sinks
        The sinks.
    tables
        What is written.
    streaming
        Whether the rows never end: a table of files is then a folder that grows.

    Returns
    -------
    list of str
        The topics that were made.

    Raises
    ------
    ConfigError
        If a cluster cannot be reached, a topic is missing and cannot be made, or a file is where a folder
        is to be.
    """
    made = []
    for number, sink in enumerate(sinks):
        if sink.kafka is not None:
            try:
                topics = [topic for name, topic in sink.kafka.topics.items() if name in tables]
                made += ensure_topics(sink.kafka.brokers, sink.kafka.options, topics)
            except KafkaUnavailable as error:
                raise ConfigError("sinks", [error.problem(f"sinks.{number}.kafka")]) from None
        if sink.files is not None and streaming:
            try:
                for name in tables:
                    folder = folder_of(sink.files.path, name, sink.files.format)
                    make_folder(folder, SCHEMAS[name], sink.files.format)
            except OSError as error:
                remedy = "name another folder for a stream than for a backtest"
                problem = Problem(f"sinks.{number}.files.path", str(error), remedy, sink.files.path)
                raise ConfigError("sinks", [problem]) from None
    return made


def moved(sinks: Sequence[Sink], folders: Sequence[str]) -> list[Sink]:
    """Let the folders among the sinks lie elsewhere.

    Parameters
    ----------
    sinks
        The sinks.
    folders
        A folder for each sink of files, in order.

    Returns
    -------
    list of Sink
    """
    places = iter(folders)
    return [
        sink if sink.files is None else Sink(files=sink.files.model_copy(update={"path": next(places)}))
        for sink in sinks
    ]


def write_sinks(tables: Mapping[str, beam.PCollection], sinks: Sequence[Sink], *, streaming: bool) -> None:
    """Write every table to every sink that has a place for it.

    Parameters
    ----------
    tables
        Record batches by name, of `SCHEMAS`.
    sinks
        Where to.
    streaming
        Whether the rows never end: a table of files is then a folder that grows.
    """
    write_files = WriteStreamFiles if streaming else WriteRows
    for number, sink in enumerate(sinks):
        for name, rows in tables.items():
            label = f"Write{name.title().replace('_', '')}{number}"
            if sink.files is not None:
                write = write_files(sink.files.path, name, SCHEMAS[name], sink.files.format)
                _ = rows | label >> write
            elif sink.kafka is not None and name in sink.kafka.topics:
                to = sink.kafka
                write_kafka = WriteToKafka(to.brokers, to.topics[name], SCHEMAS[name], to.format, to.options)
                _ = rows | label >> write_kafka
