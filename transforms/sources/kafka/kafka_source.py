"""Kafka as a source: topics, as a stream or to their present end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline.config.kafka import KafkaSource
from driftline.transforms.sources.source import Reading, Source

if TYPE_CHECKING:
    from driftline.decoding.formats import MessageFormat
    from driftline.transforms.sources.kafka.read_kafka import ReadKafka


class _Kafka(Source):
    settings = KafkaSource
    endless = True

    def begins(self, key: str) -> str:
        """Name the setting."""
        return f"at {key}.start"

    def check(self, reading: Reading) -> list[str]:
        """Read the schema files, and hold the one schema of all messages against the columns."""
        checked_format(reading)
        settings: KafkaSource = reading.settings
        topics = settings.topic_pattern or ", ".join(settings.topics)
        return [f"kafka {topics}: the format fits; the brokers were not asked"]

    def reader(self, reading: Reading) -> ReadKafka:
        """Fix the offsets at which a new job begins."""
        from driftline.transforms.sources.kafka.positions import (  # noqa: PLC0415  # confluent_kafka
            consumer_settings,
            starting_partitions,
        )
        from driftline.transforms.sources.kafka.read_kafka import ReadKafka  # noqa: PLC0415  # Beam
        from driftline.transforms.sources.kafka.read_partition import PartitionReading  # noqa: PLC0415

        settings: KafkaSource = reading.settings
        message = checked_format(reading)
        partitions = starting_partitions(settings, reading.key, reading.name, bounded=reading.bounded)
        each = PartitionReading(
            model=reading.model,
            schema=reading.schema,
            message_format=message,
            settings=consumer_settings(settings, len(partitions)),
            late=reading.late,
            disorder=settings.disorder,
            idle_after=settings.idle_after,
            max_ahead=settings.max_ahead,
            key=reading.key,
            record_times=settings.has_record_times,
            commit=settings.group is not None,
        )
        return ReadKafka(settings, partitions, each, reading.bounded, reading.in_process)


def checked_format(reading: Reading) -> MessageFormat:
    """Read how messages are written, and hold it against the configured columns.

    Raises
    ------
    ConfigError
        If a schema cannot be used, or the one schema of all messages lacks a column or has another type.
    """
    from driftline.decoding.avro_schema import arrow_columns  # noqa: PLC0415
    from driftline.transforms.sources.message_format import message_format  # noqa: PLC0415  # Beam

    settings: KafkaSource = reading.settings
    message = message_format(settings, reading.key, reading.name)
    if message.avro_schema is None:
        return message  # messages of several schemas, or of none, differ in their columns
    reading.check_columns(
        arrow_columns(message.avro_schema),
        f"correct it, or the schema {settings.schema_}",
        record_times=settings.has_record_times,
    )
    return message


KAFKA: Final = _Kafka()
