"""The sink `kafka`."""

# the module is imported with every configuration, and Beam takes seconds: see the port
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.config.errors import ConfigError
from driftline.config.kafka_sink import KafkaSinkSettings
from driftline.transforms.sinks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apache_beam as beam

    from driftline.tables import Table


class KafkaSink(Sink):
    """A topic for each table that has one in the configuration."""

    settings = KafkaSinkSettings

    def prepare(self, tables: Sequence[Table], *, streaming: bool) -> list[str]:  # noqa: ARG002  # alike
        """Make the topics that do not exist."""
        from driftline.transforms.kafka_cluster import KafkaUnavailable
        from driftline.transforms.sinks.kafka.kafka_topics import ensure_topics

        written = {table.name for table in tables}
        topics = [topic for name, topic in self.configured.topics.items() if name in written]
        try:
            made = ensure_topics(self.configured.brokers, self.configured.options, topics)
        except KafkaUnavailable as error:
            raise ConfigError("sinks", [error.problem(self.key)]) from None
        return [f"topic {topic}" for topic in made]

    def write(self, table: Table, *, streaming: bool) -> beam.PTransform | None:  # noqa: ARG002  # alike
        """Write a message a row, if there is a topic for the table."""
        from driftline.transforms.sinks.kafka.write_kafka import WriteToKafka

        to = self.configured
        topic = to.topics.get(table.name)
        if topic is None:
            return None
        return WriteToKafka(to.brokers, topic, table.schema, to.format, to.options)

    def describe(self) -> str:
        """Name the topic of results."""
        return f"topic {self.configured.results}"

    def interrupted(self) -> str:
        """Name every topic."""
        topics = ", ".join(self.configured.topics.values())
        return f"rows written so far stay in {topics}, and the next job writes them again by the same row_id"
