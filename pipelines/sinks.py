"""The sinks of a configuration: made ready before a job starts, and written to by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.config import ConfigError, Problem
from driftline.config.models import Sink
from driftline.schemas import DEAD_LETTER, RESULT
from transforms.kafka_topics import KafkaUnavailable, ensure_topics
from transforms.write_kafka import WriteToKafka
from transforms.write_rows import WriteRows
from transforms.write_stream_files import WriteStreamFiles, folder_of, make_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apache_beam as beam


def prepare_sinks(sinks: Sequence[Sink], *, streaming: bool) -> list[str]:
    """Make the topics that the sinks need, and for a stream the folders.

    Parameters
    ----------
    sinks
        The sinks.
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
                topics = list(sink.kafka.topics.values())
                made += ensure_topics(sink.kafka.brokers, sink.kafka.options, topics)
            except KafkaUnavailable as error:
                raise ConfigError("sinks", [error.problem(f"sinks.{number}.kafka")]) from None
        if sink.files is not None and streaming:
            try:
                for name, schema in (("results", RESULT), ("dead_letters", DEAD_LETTER)):
                    folder = folder_of(sink.files.path, name, sink.files.format)
                    make_folder(folder, schema, sink.files.format)
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


def write_sinks(
    results: beam.PCollection, dead_letters: beam.PCollection, sinks: Sequence[Sink], *, streaming: bool
) -> None:
    """Write result rows and dead letters to every sink.

    Parameters
    ----------
    results, dead_letters
        Record batches.
    sinks
        Where to.
    streaming
        Whether the rows never end: a table of files is then a folder that grows.
    """
    write_files = WriteStreamFiles if streaming else WriteRows
    for number, sink in enumerate(sinks):
        for label, name, rows, schema in (
            ("WriteResults", "results", results, RESULT),
            ("WriteDeadLetters", "dead_letters", dead_letters, DEAD_LETTER),
        ):
            if sink.files is not None:
                write = write_files(sink.files.path, name, schema, sink.files.format)
                _ = rows | f"{label}{number}" >> write
            elif sink.kafka is not None and getattr(sink.kafka, name) is not None:
                to = sink.kafka
                write_kafka = WriteToKafka(to.brokers, getattr(to, name), schema, to.format, to.options)
                _ = rows | f"{label}{number}" >> write_kafka
