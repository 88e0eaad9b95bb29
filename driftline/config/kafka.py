"""Kafka as a source of events, and what names a topic and a cluster."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from driftline.config.client_options import CONSUMER_OPTIONS, Options, checked_options
from driftline.config.errors import did_you_mean
from driftline.config.messages import MessagesSource
from driftline.config.start import ONLY_TOPIC, StartError, StartPosition, parse_start
from driftline.config.value_types import Duration, Flag, OneOf, Shown, Text, mistake

TimeOf = Annotated[str, OneOf(("payload", "record"))]
_BROKER = re.compile(r"(?:\w+://)?(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):([0-9]{1,5})", re.ASCII)
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def _addresses(value: str) -> str:
    # one text may name several, as an environment variable does for librdkafka
    for each in value.split(","):
        match = _BROKER.fullmatch(each.strip())
        if match is None or not 0 < int(match[1]) < 1 << 16:
            raise mistake("is not the host and port of a broker", "add the port, for example broker-1:9092")
    return value


def _topic(value: str) -> str:
    if _TOPIC.fullmatch(value) is None or value in (".", ".."):
        raise mistake(
            "is not the name of a topic",
            "names have letters, digits, dots, _ and -; for several topics write a list or topic_pattern",
        )
    return value


def _one_or_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    # Not min_length, which does not count items that are wrong themselves and complains twice.
    if not value:
        raise mistake("is empty", "give at least one")
    return value


def _different(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise mistake("has a topic more than once", "name every topic once")
    return value


Broker = Annotated[Text, AfterValidator(_addresses)]
Brokers = Annotated[tuple[Broker, ...], AfterValidator(_some)]
Topic = Annotated[Text, AfterValidator(_topic)]
Topics = Annotated[
    tuple[Topic, ...],
    BeforeValidator(_one_or_several),
    AfterValidator(_some),
    AfterValidator(_different),
    Shown("topic, or list of topics"),
]
Start = Annotated[StartPosition, Shown("`latest`, `earliest`, `committed`, time, or mapping")]


class KafkaSource(MessagesSource):
    """Kafka topics: one, several, or those whose names match a pattern."""

    brokers: Brokers = Field(
        description="Bootstrap brokers, each `host:port`.", examples=['["broker-1:9092", "broker-2:9092"]']
    )
    topics: Topics = Field(
        default=(), alias="topic", description="Topic to read, or a list of them.", examples=["features"]
    )
    topic_pattern: Text | None = Field(
        default=None,
        description="Regular expression that the whole name of a topic must match, instead of `topic`; "
        "topics that appear later are found.",
        examples=[r"'features\..*'"],
    )
    group: Text | None = Field(
        default=None,
        description="Consumer group whose offsets are committed, for lag tools and `start: committed`.",
        examples=["driftline"],
    )
    start: Start = Field(
        default="latest",
        description="Where a new job begins to read; a restarted one goes on where it was. A time is ISO "
        "8601, UTC if it has no offset; offsets are `{partition: offset}` or `{topic: {partition: offset}}`.",
        examples=["2026-01-31T08:30"],
        validate_default=True,
    )
    disorder: Duration = Field(
        default="5s",
        description="How far event times within one partition may be out of order.",
        validate_default=True,
    )
    event_time: TimeOf = Field(
        default="payload",
        description="What the event time is: the column of the key `event_time` (`payload`), or the Kafka "
        "record's timestamp (`record`).",
    )
    idle_after: Duration = Field(
        default="20s",
        description="How long a partition must be known to be empty before it no longer holds up windows.",
        validate_default=True,
    )
    max_ahead: Duration = Field(
        default="1h",
        description="Rows whose event time is further ahead of the clock than this are dead letters "
        "(`future_event_time`).",
        validate_default=True,
    )
    deduplicate: Flag = Field(
        default=False,
        description="Whether events that repeat a `request_id` are dropped; needs the key `request_id`. "
        "Refused below `labels.source`.",
    )
    options: Options = Field(
        default_factory=dict,
        description="Settings handed to librdkafka; never shown in messages.",
        examples=["{security.protocol: SASL_SSL, sasl.password: '${KAFKA_PASSWORD}'}"],
        repr=False,
    )

    @field_validator("topic_pattern")
    @classmethod
    def _pattern_compiles(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if info.data.get("topics"):
            raise mistake("is there next to topic", "keep one of topic and topic_pattern")
        try:
            re.compile(value)
        except re.error as error:
            # Not the error's own text, which may quote a value from the environment.
            place = "" if error.pos is None else f" (character {error.pos + 1})"
            remedy = r"write for example 'features\..*', in quotes"
            raise mistake(f"is not a regular expression{place}", remedy) from None
        except (RecursionError, OverflowError):
            raise mistake("is too large a regular expression", "write a shorter one") from None
        return value

    @field_validator("start", mode="plain")
    @classmethod
    def _start_fits_the_topics(cls, value: Any, info: ValidationInfo) -> StartPosition:
        try:
            start = parse_start(value)
        except StartError as error:
            raise mistake(error.message, error.remedy) from None
        if start.kind == "committed" and info.data.get("group", "") is None:
            raise mistake(
                "needs a consumer group, whose offsets they are", "add for example `group: driftline`"
            )
        topics, pattern = info.data.get("topics", ()), info.data.get("topic_pattern")
        if ONLY_TOPIC in start.offsets and (len(topics) > 1 or pattern is not None):
            raise mistake("does not say of which topic", "write {topic: {partition: offset}}")
        for topic in start.offsets:
            if topic == ONLY_TOPIC or not (topics or pattern):
                continue
            if topic not in topics and (pattern is None or re.fullmatch(pattern, topic) is None):
                close = did_you_mean(topic, topics)
                remedy = f"did you mean `{close}`?" if close else "name topics that are read"
                raise mistake(f"has offsets for topic {topic}, which is not read", remedy)
        return start

    @field_validator("idle_after", "max_ahead")
    @classmethod
    def _is_positive(cls, value: int) -> int:
        if value == 0:
            raise mistake("must be longer than 0", "write a duration such as 20s or 1h")
        return value

    @field_validator("options")
    @classmethod
    def _options_are_settings(cls, value: dict[str, Any]) -> dict[str, str]:
        return checked_options(value, CONSUMER_OPTIONS)

    @model_validator(mode="after")
    def _names_topics(self) -> KafkaSource:
        if not self.topics and self.topic_pattern is None:
            raise mistake("names no topic", "add `topic: features`, or a topic_pattern")
        return self

    @property
    def drops_duplicates(self) -> bool:
        """Whether the key `deduplicate` is set."""
        return self.deduplicate

    @property
    def has_record_times(self) -> bool:
        """Whether times are those that Kafka keeps of its records."""
        return self.event_time == "record"

    def reads(self, place: str) -> bool:
        """Say whether a topic is one of the source's.

        Returns
        -------
        bool
            Whether it is listed, or matches the pattern as a whole.
        """
        if self.topic_pattern is None:
            return place in self.topics
        return re.fullmatch(self.topic_pattern, place) is not None
