"""Keys of the sink `kafka`: a topic for each table that is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, ValidationInfo, create_model, field_validator

from driftline.config.client_options import PRODUCER_OPTIONS, Options, checked_options
from driftline.config.kafka import Brokers, Topic
from driftline.config.registered import mark
from driftline.config.sink_settings import Place, SinkSettings
from driftline.config.value_types import OneOf, mistake
from driftline.tables import TABLES, all_tables

if TYPE_CHECKING:
    from driftline.tables import Table

RowFormat = Annotated[str, OneOf(("json", "avro"))]


def _topic(table: Table) -> tuple[Any, Any]:
    example = [f"drift-{table.name.replace('_', '-')}"]
    if table.name == "results":
        return Topic, Field(description=f"Topic for {table.holds}.", examples=example)
    description = f"Topic for {table.holds}. Without it these rows go to the other sinks only."
    extra = mark(TABLES, table.name)
    return Topic | None, Field(
        default=None, description=description, examples=example, json_schema_extra=extra
    )


class _Cluster(SinkSettings):
    brokers: Brokers = Field(
        description="Bootstrap brokers, each `host:port`.", examples=['["broker-1:9092", "broker-2:9092"]']
    )


# Any: a type checker cannot know the tables that are installed
_TOPICS: Final[Any] = {table.name: _topic(table) for table in all_tables()}
_Topics: Any = create_model("_Topics", __base__=_Cluster, **_TOPICS)


class KafkaSinkSettings(_Topics):
    """Kafka topics for rows, keyed by `row_id`."""

    format: RowFormat = Field(default="json", description="How a row is written.")
    options: Options = Field(
        default_factory=dict,
        description="Settings handed to librdkafka; never shown in messages.",
        examples=["{security.protocol: SASL_SSL, sasl.password: '${KAFKA_PASSWORD}'}"],
        repr=False,
    )

    @field_validator(*TABLES.names)
    @classmethod
    def _is_another_topic(cls, value: str | None, info: ValidationInfo) -> str | None:
        for table in TABLES.names:
            if value is not None and value == info.data.get(table):
                raise mistake(f"is the topic of the {table} too", "name another topic: their rows differ")
        return value

    @field_validator("options")
    @classmethod
    def _options_are_settings(cls, value: dict[str, Any]) -> dict[str, str]:
        return checked_options(value, PRODUCER_OPTIONS)

    @property
    def topics(self) -> dict[str, str]:
        """Topic by table, of those that are set."""
        return {table: getattr(self, table) for table in TABLES.names if getattr(self, table) is not None}

    @property
    def places(self) -> dict[str, Place]:
        """The topics, by the key that names each."""
        return {table: Place("topic", name, frozenset(self.brokers)) for table, name in self.topics.items()}
