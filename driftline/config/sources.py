"""Where events come from: files, Kafka or Pub/Sub; exactly one of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from driftline.config.formats import SUFFIXES, format_of
from driftline.config.values import Duration, OneOf, Section, Shown, Text, mistake

FileFormat = Annotated[str, OneOf(("avro", "parquet", "jsonl", "arrow"))]
MessageFormat = Annotated[str, OneOf(("avro", "confluent", "avro_container", "json", "arrow"))]
Start = Annotated[str, OneOf(("latest", "earliest"))]
Schema = Annotated[str | dict[int, str] | None, Shown("path, or mapping of schema id to path")]

_NEED_SCHEMA = {"avro", "confluent"}


class FilesSource(Section):
    """Files of the feature log, on the local disk or any file system that Beam reads."""

    pattern: Text = Field(
        description="File name or glob pattern; a relative one starts at the working directory.",
        examples=["data/*.parquet"],
    )
    format: FileFormat | None = Field(
        default=None,
        description="File format; taken from the suffix (" + ", ".join(SUFFIXES) + ") if absent.",
        examples=["jsonl"],
        validate_default=True,
    )

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        pattern = info.data.get("pattern")
        if value is None and pattern is not None and format_of(pattern) is None:
            raise mistake(
                "is missing, and the suffix of the pattern does not tell it",
                "add format: avro, parquet, jsonl or arrow",
            )
        return value

    def format_for(self, pattern: str) -> str | None:
        """Tell the format of files: the configured pattern's, or of others by suffix first.

        Parameters
        ----------
        pattern : str
            The pattern to read, which may come from the command line.

        Returns
        -------
        str or None
            ``avro``, ``parquet``, ``jsonl``, ``arrow``, or None if nothing tells.
        """
        if pattern == self.pattern and self.format is not None:
            return self.format
        return format_of(pattern) or self.format


class MessagesSource(Section):
    """What Kafka and Pub/Sub have in common: messages of one format."""

    format: MessageFormat = Field(
        description="What a message is: `avro` (schemaless, needs `schema`), `confluent` (Avro behind a "
        "magic byte and a schema id, needs `schema`), `avro_container`, `json` or `arrow` (IPC stream). "
        "A message holds one event or a batch of them.",
        examples=["json"],
    )
    schema_: Schema = Field(
        default=None,
        alias="schema",
        description="Avro schema file; for `confluent` a mapping of schema id to file.",
        examples=["event.avsc"],
        validate_default=True,
    )

    @field_validator("schema_", mode="plain")
    @classmethod
    def _schema_fits_the_format(cls, value: Any, info: ValidationInfo) -> str | dict[int, str] | None:
        message_format = info.data.get("format")
        if message_format is None:
            return None
        if message_format not in _NEED_SCHEMA:
            if value is not None:
                raise mistake(f"is not used by format {message_format}", "remove it")
            return None
        if message_format == "avro":
            if isinstance(value, str) and value.strip():
                return value.strip()
            found = "is missing: format avro needs it" if value is None else "must be one path"
            raise mistake(found, "write the path of the Avro schema, such as schema: event.avsc")
        return _schemas_by_id(value)


def _schemas_by_id(value: Any) -> dict[int, str]:
    remedy = "write the file of every schema id, such as schema: {1: v1.avsc, 2: v2.avsc}"
    if value is None:
        raise mistake("is missing: format confluent needs it", remedy)
    if not isinstance(value, dict) or not value:
        raise mistake("must be a mapping of schema id to path", remedy)
    for key, path in value.items():
        if not (str(key).isascii() and str(key).isdigit() and int(key) < 2**31):
            raise mistake("has a key that is no schema id", remedy)
        if not isinstance(path, str) or not path.strip():
            raise mistake(f"has no path for schema id {key}", remedy)
    return {int(key): path.strip() for key, path in value.items()}


class KafkaSource(MessagesSource):
    """A Kafka topic."""

    brokers: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Bootstrap brokers.", examples=['["broker-1:9092", "broker-2:9092"]']
    )
    topic: Text = Field(description="Topic to read.", examples=["features"])
    start: Start = Field(
        default="latest", description="Where a new job begins to read; a restarted one goes on where it was."
    )
    group: Text | None = Field(
        default=None, description="Consumer group that offsets are shown under.", examples=["driftline"]
    )
    disorder: Duration = Field(
        default="5s",
        description="How far event times within one partition may be out of order.",
        validate_default=True,
    )
    options: Annotated[dict[str, Any], Shown("mapping")] = Field(
        default_factory=dict,
        description="Settings handed to librdkafka; never shown in messages.",
        examples=["{security.protocol: SASL_SSL, sasl.password: '${KAFKA_PASSWORD}'}"],
        repr=False,
    )

    @field_validator("options")
    @classmethod
    def _options_are_settings(cls, value: dict[str, Any]) -> dict[str, str]:
        for theirs, ours in {"bootstrap.servers": "brokers", "group.id": "group"}.items():
            if theirs in value:
                raise mistake(f"sets {theirs}", f"use the key `{ours}` of kafka instead")
        nested = [key for key, item in value.items() if not isinstance(item, str | int | float)]
        if nested:
            raise mistake(
                f"has no plain value for {', '.join(nested)}", "write text, a number or true or false"
            )
        return {
            key: str(item).lower() if isinstance(item, bool) else str(item) for key, item in value.items()
        }


class PubSubSource(MessagesSource):
    """A Pub/Sub subscription."""

    subscription: Text = Field(
        description="Full name of the subscription.", examples=["projects/PROJECT/subscriptions/NAME"]
    )

    @field_validator("subscription")
    @classmethod
    def _is_a_full_name(cls, value: str) -> str:
        parts = value.split("/")
        if len(parts) != 4 or parts[0] != "projects" or parts[2] != "subscriptions" or not all(parts):
            raise mistake("is not a full name", "write projects/PROJECT/subscriptions/NAME")
        return value


class Source(Section):
    """Where events come from: exactly one of these."""

    files: FilesSource | None = Field(default=None, description="Files, for backtests and baselines.")
    kafka: KafkaSource | None = Field(
        default=None, description="A Kafka topic. Checked by this release, read by a later one."
    )
    pubsub: PubSubSource | None = Field(
        default=None, description="A Pub/Sub subscription. Checked by this release, read by a later one."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        kinds = [kind for kind in ("files", "kafka", "pubsub") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            found = "names " + " and ".join(kinds) if kinds else "names no place to read from"
            raise mistake(found, "give exactly one of files, kafka and pubsub")
        return self

    @property
    def kind(self) -> str:
        """``files``, ``kafka`` or ``pubsub``."""
        return next(kind for kind in ("files", "kafka", "pubsub") if getattr(self, kind) is not None)
