"""The Kafka side of the jobs: what the configuration says, made into a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.decoding.event_schema import EventSchema
from driftline.streaming.lateness import LateRule
from transforms.kafka.positions import consumer_settings, starting_partitions
from transforms.kafka.read import ReadKafka
from transforms.kafka.read_partition import PartitionReading
from transforms.message_format import message_format
from transforms.profile_slices import slice_length

if TYPE_CHECKING:
    from driftline.config import Config


def kafka_reader(config: Config, *, bounded: bool) -> ReadKafka:
    """Make the Kafka source of a configuration, with the offsets it begins at.

    Parameters
    ----------
    config
        The configuration; its source is Kafka.
    bounded
        Whether to read to the present end offsets.

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
    message = message_format(source, config.name)
    partitions = starting_partitions(source, config.name, bounded=bounded)
    windows = config.windows
    length = slice_length(windows.every, streaming=not bounded)
    reading = PartitionReading(
        model=config.model,
        schema=EventSchema.of(config, deduplicate=source.deduplicate),
        message_format=message,
        settings=consumer_settings(source, len(partitions)),
        late=LateRule(windows.size, length.slice, windows.allowed_lateness),
        disorder=source.disorder,
        idle_after=source.idle_after,
        max_ahead=source.max_ahead,
        record_times=source.event_time == "record",
        commit=source.group is not None,
    )
    return ReadKafka(source, partitions, reading, bounded)
