"""The Kafka side of the jobs: what the configuration says, made into a source."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from driftline.config import ConfigError, Problem
from driftline.decoding.avro_schema import arrow_columns
from driftline.decoding.event_schema import EventSchema, check_columns
from driftline.transforms.sources.kafka.positions import consumer_settings, starting_partitions
from driftline.transforms.sources.kafka.read_kafka import ReadKafka
from driftline.transforms.sources.kafka.read_partition import PartitionReading
from driftline.transforms.sources.message_format import message_format
from driftline.windows.lateness import LateRule
from driftline.windows.slices import MILLISECOND, slice_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.config import Config
    from driftline.config.kafka import KafkaSource
    from driftline.decoding.formats import MessageFormat

_FOR_EVER = 100 * 365 * 86_400_000_000  # microseconds


def kafka_reader(config: Config, *, bounded: bool, in_process: bool = False) -> ReadKafka:
    """Make the Kafka source of a configuration, with the offsets it begins at.

    Parameters
    ----------
    config
        The configuration; its source is Kafka.
    bounded
        Whether to read to the present end offsets.
    in_process
        Whether a stream is read by this process, on the local runner.

    Returns
    -------
    ReadKafka

    Raises
    ------
    ConfigError
        If the cluster cannot be reached, a topic does not exist, or a schema cannot be used.
    """
    source = config.source.kafka
    assert source is not None
    windows = config.windows
    length = slice_length(windows.every, streaming=not bounded)
    late = LateRule(windows.size, length.slice, windows.allowed_lateness)
    schema = EventSchema.of(config, deduplicate=source.deduplicate)
    return _reader(config, source, schema, late, bounded=bounded, in_process=in_process)


def kafka_labels(config: Config, *, bounded: bool, in_process: bool = False) -> ReadKafka:
    """Make the Kafka source of labels.

    Parameters
    ----------
    config
        The configuration; its labels come from Kafka.
    bounded, in_process
        As for `kafka_reader`.

    Returns
    -------
    ReadKafka

    Raises
    ------
    ConfigError
        As `kafka_reader` does.
    """
    assert config.labels is not None
    assert config.labels.source is not None
    source = config.labels.source.kafka
    assert source is not None
    # labels come late by nature: the join decides which of them come too late
    never = LateRule(_FOR_EVER, MILLISECOND, config.windows.allowed_lateness)
    schema = EventSchema.of_labels(config)
    with _named_as_labels():
        return _reader(config, source, schema, never, bounded=bounded, in_process=in_process)


@contextmanager
def _named_as_labels() -> Iterator[None]:
    """Say of mistakes in a source that it is the one of the labels."""
    try:
        yield
    except ConfigError as error:
        problems = [
            replace(problem, where=f"labels.{problem.where}")
            if problem.where.startswith("source.")
            else problem
            for problem in error.problems
        ]
        raise ConfigError(error.name, problems) from None


def check_label_format(config: Config, source: KafkaSource) -> None:
    """Check how messages of labels are written, as far as that goes without the brokers.

    Parameters
    ----------
    config
        The configuration.
    source
        Its source of labels.

    Raises
    ------
    ConfigError
        As `checked_format` does.
    """
    with _named_as_labels():
        checked_format(config, source, EventSchema.of_labels(config))


def _reader(
    config: Config,
    source: KafkaSource,
    schema: EventSchema,
    late: LateRule,
    *,
    bounded: bool,
    in_process: bool,
) -> ReadKafka:
    message = checked_format(config, source, schema)
    partitions = starting_partitions(source, config.name, bounded=bounded)
    reading = PartitionReading(
        model=config.model,
        schema=schema,
        message_format=message,
        settings=consumer_settings(source, len(partitions)),
        late=late,
        disorder=source.disorder,
        idle_after=source.idle_after,
        max_ahead=source.max_ahead,
        record_times=source.event_time == "record",
        commit=source.group is not None,
    )
    return ReadKafka(source, partitions, reading, bounded, in_process)


def checked_format(config: Config, source: KafkaSource, schema: EventSchema) -> MessageFormat:
    """Read how messages are written, and hold it against the configured columns.

    Parameters
    ----------
    config
        The configuration.
    source
        Its source of events, or of labels.
    schema
        The columns.

    Returns
    -------
    MessageFormat

    Raises
    ------
    ConfigError
        If a schema cannot be used, or the one schema of all messages lacks a column or has another type.
    """
    message = message_format(source, config.name)
    if message.avro_schema is None:
        return message  # messages of several schemas, or of none, differ in their columns
    problems = [
        Problem(key, rest, f"correct it, or the schema {source.schema_}")
        for key, _, rest in (
            problem.partition(": ") for problem in check_columns(arrow_columns(message.avro_schema), schema)
        )
        if not (source.event_time == "record" and key.startswith("event_time"))
    ]
    if problems:
        raise ConfigError(config.name, problems)
    return message
