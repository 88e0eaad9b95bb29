"""The bytes around everything this package serialises: tag, version, JSON head, raw arrays."""

from __future__ import annotations

import json
import struct
from typing import Any

_HEAD = struct.Struct("<3sBI")  # tag, format version, length of the JSON head


def frame(tag: bytes, version: int, head: dict[str, Any], payload: bytes) -> bytes:
    """Write a tagged, versioned message.

    Parameters
    ----------
    tag
        Three bytes that say what the message is.
    version
        Format version, 1 to 255.
    head
        What describes the payload; JSON types only.
    payload
        Raw little-endian arrays, one after the other.

    Returns
    -------
    bytes
        Tag, version, head, payload.

    Examples
    --------
    >>> unframe(b"dlx", 1, "example", frame(b"dlx", 1, {"n": 2}, b"ab"))
    ({'n': 2}, b'ab')
    """
    text = json.dumps(head, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return _HEAD.pack(tag, version, len(text)) + text + payload


def check_tag(tag: bytes, version: int, what: str, data: bytes) -> None:
    """Refuse bytes that are something else, or of a version this release cannot read.

    Parameters
    ----------
    tag
        The three bytes expected.
    version
        The newest version that can be read.
    what
        Name of the thing, for the message.
    data
        The message.

    Raises
    ------
    ValueError
        If the tag or the version does not fit.
    """
    if len(data) < _HEAD.size or data[:3] != tag:
        raise ValueError(
            f"not a {what}: the bytes start with {bytes(data[:4])!r}, expected {tag!r}; "
            "check which file or state they come from"
        )
    if not 1 <= data[3] <= version:
        raise ValueError(
            f"{what} of format version {data[3]}: this release reads versions up to {version}; "
            "upgrade driftline or write it again with this release"
        )


def unframe(tag: bytes, version: int, what: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    """Read what `frame` wrote; other bytes raise ValueError.

    Parameters
    ----------
    tag
        The three bytes expected.
    version
        The newest version that can be read.
    what
        Name of the thing, for messages.
    data
        The message.

    Returns
    -------
    dict, bytes
        Head and payload.
    """
    check_tag(tag, version, what, data)
    length = _HEAD.unpack_from(data)[2]
    end = _HEAD.size + length
    if end > len(data):
        raise ValueError(
            f"{what} cut short: {len(data)} bytes, its head alone needs {end}; write or copy it again"
        )
    try:
        head = json.loads(data[_HEAD.size : end])
    except ValueError as error:
        raise ValueError(f"{what} with a damaged head ({error}); write or copy it again") from None
    if not isinstance(head, dict):
        raise ValueError(f"{what} with a damaged head (no object); write or copy it again")  # noqa: TRY004
    return head, data[end:]
