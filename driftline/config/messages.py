"""What Kafka and Pub/Sub have in common: messages, their format, and the schemas they were written with."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from driftline.config.client_options import REGISTRY_OPTIONS, Options, checked_options
from driftline.config.source_settings import SourceSettings
from driftline.config.value_types import Count, OneOf, Section, Shown, Text, mistake

Format = Annotated[str, OneOf(("avro", "confluent", "avro_container", "json", "arrow"))]
Schema = Annotated[str | dict[int, str] | None, Shown("path, or mapping of schema id to path")]

_NEED_SCHEMA = {"avro", "confluent"}


class Registry(Section):
    """A Confluent schema registry, or one that speaks its protocol; needs the extra `driftline[registry]`."""

    url: Text = Field(
        description="Where it answers; several of one cluster separated by commas.",
        examples=["https://registry.example.com:8081"],
    )
    options: Options = Field(
        default_factory=dict,
        description="Settings handed to `confluent_kafka.schema_registry.SchemaRegistryClient`; never "
        "shown in messages.",
        examples=["{basic.auth.user.info: '${REGISTRY_USER}:${REGISTRY_PASSWORD}'}"],
        repr=False,
    )

    @field_validator("url")
    @classmethod
    def _is_a_plain_url(cls, value: str) -> str:
        for url in value.split(","):
            try:
                parts = urlsplit(url.strip())
                named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                named = False
            if not named:
                raise mistake(
                    "is not a URL", "write for example https://registry.example.com:8081", shown=False
                )
            if "@" in parts.netloc or parts.query:
                raise mistake(
                    "holds more than scheme, host, port and path",
                    "put credentials below it: options: {basic.auth.user.info: '${REGISTRY_LOGIN}'}",
                    shown=False,
                )
        return value

    @field_validator("options")
    @classmethod
    def _options_are_settings(cls, value: dict[str, Any]) -> dict[str, str]:
        return checked_options(value, REGISTRY_OPTIONS)


class MessagesSource(SourceSettings):
    """Messages of one format."""

    model_config = ConfigDict(validate_by_name=False)  # our names differ where the user's say too little

    format: Format = Field(
        description="What a message is: `avro` (schemaless, needs `schema`), `confluent` (Avro behind a "
        "magic byte and a schema id, needs `schema` or `registry`), `avro_container`, `json` or `arrow` (IPC "
        "stream). A message holds one event or a batch of them.",
        examples=["json"],
    )
    registry: Registry | None = Field(
        default=None,
        description="Schema registry that knows the schemas of format `confluent`.",
        examples=["{url: 'https://registry.example.com:8081'}"],
    )
    schema_: Schema = Field(
        default=None,
        alias="schema",
        description="Avro schema file; for `confluent` a mapping of schema id to file, instead of "
        "`registry`.",
        examples=["event.avsc"],
        validate_default=True,
    )

    max_expanded_mb: Count = Field(
        default=64,
        le=2048,
        description="What a message may become when it is decompressed and its repeated values are written "
        "out, in MB of 1,048,576 bytes. One that becomes larger is a dead letter, `too_large`, and is not "
        "read. Formats `avro_container` and `arrow`.",
        examples=["256"],
    )

    @field_validator("registry")
    @classmethod
    def _registry_fits_the_format(cls, value: Registry | None, info: ValidationInfo) -> Registry | None:
        message_format = info.data.get("format")
        if value is not None and message_format not in (None, "confluent"):
            raise mistake(f"is not used by format {message_format}", "remove it, or write format: confluent")
        return value

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
        if "registry" not in info.data:  # wrong itself, which is said already
            return None
        if info.data["registry"] is not None:
            if value is not None:
                raise mistake("is there next to registry", "keep one: the files, or the registry")
            return None
        return _schemas_by_id(value)


def _schemas_by_id(value: Any) -> dict[int, str]:
    remedy = "write the file of every schema id, such as schema: {1: v1.avsc, 2: v2.avsc}"
    if value is None:
        raise mistake("is missing: format confluent needs it", f"{remedy}, or registry: {{url: ...}}")
    if not isinstance(value, dict) or not value:
        raise mistake("must be a mapping of schema id to path", remedy)
    for key, path in value.items():
        if not (str(key).isascii() and str(key).isdigit() and int(key) < 2**31):
            raise mistake("has a key that is no schema id", remedy)
        if not isinstance(path, str) or not path.strip():
            raise mistake(f"has no path for schema id {key}", remedy)
    return {int(key): path.strip() for key, path in value.items()}
