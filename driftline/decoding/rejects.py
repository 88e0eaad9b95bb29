"""What could not be used, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

MAX_PAYLOAD: Final = 1_000_000
"""Bytes of a payload that a dead letter keeps."""

MAX_VALUE: Final = 80
"""Characters of a value that a detail shows."""


class Reason(str, Enum):
    """Why a message or row was rejected."""

    UNDECODABLE = "undecodable"
    NOT_A_RECORD = "not_a_record"
    MISSING_EVENT_TIME = "missing_event_time"
    INVALID_EVENT_TIME = "invalid_event_time"
    WRONG_TYPE = "wrong_type"
    OVERSIZED = "oversized"
    TOO_LARGE = "too_large"
    DUPLICATE_COLUMN = "duplicate_column"
    TRUNCATED = "truncated"
    NO_VALUE = "no_value"
    FUTURE_EVENT_TIME = "future_event_time"
    INVALID_SCORE = "invalid_score"
    MISSING_LABEL = "missing_label"
    UNKNOWN_CLASS = "unknown_class"
    AFTER_DEADLINE = "after_deadline"
    NO_PREDICTION = "no_prediction"


@dataclass(frozen=True)
class Reject:
    """One message, or one event of a message, that could not be used.

    Parameters
    ----------
    detail
        What exactly was wrong, for a person.
    message
        Index of the message among those decoded together.
    event
        Index of the event in its message; -1 if the message as a whole is meant.
    payload
        The message, or the event as JSON where the message holds several.
    rows
        Rows that are lost with it, where that is known: one reject may stand for many.
    """

    reason: Reason
    detail: str
    message: int
    event: int = -1
    payload: bytes = b""
    rows: int = 1


def shorten(value: object) -> str:
    """Show a value in at most 80 characters; text is quoted, the cut is an ellipsis.

    Examples
    --------
    >>> shorten("abc")
    "'abc'"
    >>> len(shorten("x" * 1000))
    80
    """
    if isinstance(value, (str, bytes)):
        value = value[:MAX_VALUE]  # a representation of 10 MB is not built to be thrown away
    text = repr(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def keep_payload(payload: bytes, detail: str) -> tuple[bytes, str]:
    """Cut a payload to the `MAX_PAYLOAD` bytes a dead letter keeps, and say so in the detail.

    Examples
    --------
    >>> payload, detail = keep_payload(bytes(2_000_000), "no time")
    >>> len(payload), detail
    (1000000, 'no time (payload cut from 2000000 to 1000000 bytes)')
    """
    if len(payload) <= MAX_PAYLOAD:
        return payload, detail
    cut = f"payload cut from {len(payload)} to {MAX_PAYLOAD} bytes"
    return payload[:MAX_PAYLOAD], f"{detail} ({cut})"
