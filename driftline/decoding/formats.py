"""Message formats by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline.decoding.arrow_messages import ArrowDecoder
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.confluent_messages import ConfluentAvroDecoder
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.limits import MAX_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.decoding.confluent_messages import SchemaResolver
    from driftline.decoding.decoded import Decoder
    from driftline.decoding.event_schema import EventSchema

MESSAGE_FORMATS: Final = ("avro", "confluent", "avro_container", "json", "arrow")


@dataclass(frozen=True)
class MessageFormat:
    """How the messages of a source are written; plain data, so that it travels to workers.

    Parameters
    ----------
    name
        ``avro`` (schemaless), ``confluent``, ``avro_container``, ``json`` or ``arrow``.
    avro_schema
        JSON text of the schema of ``avro``.
    avro_schemas
        JSON texts of the schemas of ``confluent``, by id.
    resolver
        What finds the schemas of ``confluent`` instead, when a worker first meets an id. It travels too.
    limit : int
        Bytes that a message may become when it is decompressed.
    """

    name: str
    avro_schema: str | None = None
    avro_schemas: Mapping[int, str] | None = None
    resolver: SchemaResolver | None = None
    limit: int = MAX_MESSAGE

    def decoder(self, schema: EventSchema) -> Decoder:
        """Make a decoder.

        Raises
        ------
        ValueError
            If the format is unknown, or its schema is missing or unusable.
        """
        if self.name == "json":
            return JsonDecoder(schema)
        if self.name == "arrow":
            return ArrowDecoder(schema, self.limit)
        if self.name == "avro_container":
            return AvroContainerDecoder(schema, self.limit)
        if self.name == "avro":
            if self.avro_schema is None:
                raise ValueError("format avro needs the writer's schema: schema: event.avsc")
            return AvroDecoder(schema, self.avro_schema)
        if self.name == "confluent":
            schemas = self.avro_schemas or self.resolver
            if not schemas:
                raise ValueError("format confluent needs the writers' schemas by id, or a schema registry")
            return ConfluentAvroDecoder(schema, schemas)
        raise ValueError(f"unknown message format {self.name!r}; known: {', '.join(MESSAGE_FORMATS)}")
