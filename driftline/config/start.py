"""Where a Kafka source begins to read, and how that is written."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # pydantic reads the annotation
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from driftline.config.errors import did_you_mean
from driftline.config.times import REMEDY, parse_time

WORDS: Final = ("latest", "earliest", "committed")
"""Starts that are one word."""

ONLY_TOPIC: Final = ""
"""Stands for the only topic in offsets that were written without one."""

_FORMS: Final = "latest, earliest, committed, a time or offsets"
_OFFSETS_REMEDY: Final = "write {partition: offset}, or {topic: {partition: offset}}, in whole numbers from 0"
_MAX_PARTITION: Final = 2**31 - 1
_MAX_OFFSET: Final = 2**63 - 2


class StartError(ValueError):
    """A start that cannot be used.

    Parameters
    ----------
    message : str
        What is wrong, without the value.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class StartPosition:
    """Where a new job begins to read; a restarted one goes on where it was.

    Parameters
    ----------
    kind : str
        ``latest``, ``earliest``, ``committed``, ``time`` or ``offsets``.
    time_us : int, optional
        Of kind ``time``: microseconds since the epoch.
    offsets : mapping of str to mapping of int to int
        Of kind ``offsets``: first offset by topic and partition. The topic is `ONLY_TOPIC` where none was
        written, which is possible only for a source of one topic.
    """

    kind: Literal["latest", "earliest", "committed", "time", "offsets"]
    time_us: int | None = None
    offsets: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def offset(self, topic: str, partition: int) -> int | None:
        """Look up the offset written for a partition."""
        return self.offsets.get(topic, self.offsets.get(ONLY_TOPIC, {})).get(partition)


def parse_start(value: Any) -> StartPosition:
    """Read a start.

    Parameters
    ----------
    value : str, date, datetime or mapping
        A word, a time (ISO 8601, UTC if it has no offset), or offsets by partition or by topic and partition.

    Raises
    ------
    StartError
        If it is none of these.

    Examples
    --------
    >>> parse_start("earliest").kind, parse_start("1970-01-01T01:00:00+01:00").time_us
    ('earliest', 0)
    >>> parse_start({"0": 17}).offset("features", 0), parse_start({"other": {"0": 17}}).offset("features", 0)
    (17, None)
    """
    if isinstance(value, StartPosition):
        return value
    if isinstance(value, dict):
        return StartPosition("offsets", offsets=_offsets(value))
    if isinstance(value, date):  # YAML makes these of unquoted times
        return StartPosition("time", time_us=_microseconds(value))
    if not isinstance(value, str):
        raise StartError(f"is not one of {_FORMS}", f"{REMEDY}; or {_OFFSETS_REMEDY}")
    for word in WORDS:
        if value == word:
            return StartPosition(word)
    if value[:1].isdigit():
        return StartPosition("time", time_us=_microseconds(value))
    close = did_you_mean(value, WORDS)
    raise StartError(f"is not one of {_FORMS}", f"did you mean `{close}`?" if close else REMEDY)


def _microseconds(value: str | date) -> int:
    try:
        elapsed = parse_time(value)
    except ValueError as error:
        raise StartError(str(error), REMEDY) from None
    if elapsed < 0:
        raise StartError("lies before 1970, when Kafka's times begin", REMEDY)
    return elapsed


def _offsets(value: dict[str, Any]) -> dict[str, dict[int, int]]:
    if not value:
        raise StartError("has no offsets", _OFFSETS_REMEDY)
    nested = [isinstance(item, dict) for item in value.values()]
    if all(nested):
        return {str(topic): _of_partitions(item, f" of topic {topic}") for topic, item in value.items()}
    if any(nested):
        raise StartError("mixes offsets of partitions with offsets of topics", _OFFSETS_REMEDY)
    return {ONLY_TOPIC: _of_partitions(value, "")}


def _of_partitions(value: dict[Any, Any], where: str) -> dict[int, int]:
    if not value:
        raise StartError(f"has no offsets{where}", _OFFSETS_REMEDY)
    partitions = {key: _whole(key, _MAX_PARTITION) for key in value}
    wrong = [str(key) for key, partition in partitions.items() if partition is None]
    if wrong:
        raise StartError(f"has a key{where} that is no partition", _OFFSETS_REMEDY)
    offsets: dict[int, int] = {}
    for key, item in value.items():
        partition, offset = partitions[key], _whole(item, _MAX_OFFSET)
        assert partition is not None
        if offset is None:
            found = f"has no offset from 0 up for partition {partition}{where}"
            raise StartError(found, _OFFSETS_REMEDY)
        offsets[partition] = offset
    return offsets


def _whole(value: Any, largest: int) -> int | None:
    """A whole number from 0, also as text: keys are text, and values may come from the environment."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 20 else -1
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest
    return value if fits else None
