"""Where events come from: files, Kafka or Pub/Sub; exactly one of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator, model_validator

from driftline.config.file_suffixes import SUFFIXES, format_of
from driftline.config.kafka import KafkaSource
from driftline.config.messages import MessagesSource
from driftline.config.value_types import OneOf, Section, Text, mistake

__all__ = ["FilesSource", "KafkaSource", "MessagesSource", "PubSubSource", "Source"]

FileFormat = Annotated[str, OneOf(("avro", "parquet", "jsonl", "arrow"))]


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
    kafka: KafkaSource | None = Field(default=None, description="Kafka topics.")
    pubsub: PubSubSource | None = Field(
        default=None,
        description="A Pub/Sub subscription. No command of this release reads it; a later one will.",
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
