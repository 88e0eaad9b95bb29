"""Row identities that are the same on every worker, replay and release."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS: Final = 32


def row_id(model: str, segment: str, feature: str, window_start: int, window_end: int) -> str:
    """Name a result for ever, so that a replay overwrites its row instead of adding one.

    The identity is the first 128 bits of SHA-256 over the five values as netstrings
    (``length:bytes,``, numbers in decimal): no two different tuples run together to the same text.
    The pane is not part of it: a late pane corrects the row of the first.

    Parameters
    ----------
    model, segment, feature : str
        As in the row's columns of that name.
    window_start, window_end : int
        Microseconds since the epoch, UTC.

    Returns
    -------
    str
        32 lower-case hexadecimal digits.

    Examples
    --------
    >>> row_id("flights", "origin=JFK", "distance", 0, 1_800_000_000)
    'bd3b577940bd95be39905faa7e17276d'
    """
    return _digest(model, segment, feature, str(int(window_start)), str(int(window_end)))


def dead_letter_id(model: str, source: str, position: str) -> str:
    """Name a dead letter for ever by where its message lies.

    Parameters
    ----------
    model, source, position : str
        As in the dead letter's columns of that name.

    Returns
    -------
    str
        32 lower-case hexadecimal digits.

    Examples
    --------
    >>> dead_letter_id("flights", "data/a.jsonl", "17")
    '9b154ec6f78435ef39a75bcb0c220245'
    """
    return _digest("dead letter", model, source, position)


def dead_letter_ids(model: str, sources: Sequence[str], positions: Sequence[str]) -> list[str]:
    """Name many dead letters, as `dead_letter_id` does.

    Parameters
    ----------
    model
        As in the dead letters' column of that name.
    sources, positions
        The same for each dead letter, n of each.

    Returns
    -------
    list of str
        n times 32 lower-case hexadecimal digits.

    Examples
    --------
    >>> dead_letter_ids("flights", ["data/a.jsonl"], ["17"])
    ['9b154ec6f78435ef39a75bcb0c220245']
    """
    begun = {source: _hash("dead letter", model, source) for source in set(sources)}
    ids = []
    for source, position in zip(sources, positions, strict=True):
        digest = begun[source].copy()
        digest.update(_netstring(position))
        ids.append(digest.hexdigest()[:_DIGITS])
    return ids


def performance_id(model: str, segment: str, window_start: int, window_end: int) -> str:
    """Name a row of the table `performance` for ever.

    Parameters
    ----------
    model, segment : str
        As in the row's columns of that name.
    window_start, window_end : int
        Microseconds since the epoch, UTC.

    Returns
    -------
    str
        32 lower-case hexadecimal digits; never those of a result, even of a feature named ``performance``.

    Examples
    --------
    >>> performance_id("flights", "origin=JFK", 0, 1_800_000_000)
    '43eaa40c2550022a402d2c2f16292cbf'
    """
    return _digest("table", "performance", model, segment, str(int(window_start)), str(int(window_end)))


def detection_id(model: str, segment: str, signal: str, detector: str, *, at: int, detected_at: int) -> str:
    """Name a detection for ever.

    Parameters
    ----------
    model, segment, signal, detector : str
        As in the row's columns of that name.
    at, detected_at : int
        Microseconds since the epoch, UTC.

    Returns
    -------
    str
        32 lower-case hexadecimal digits.

    Examples
    --------
    >>> detection_id("flights", "origin=JFK", "loss", "adwin", at=0, detected_at=1_800_000_000)
    'cbe63029c7624cccbdecb1aa121b0eed'
    """
    return _digest(
        "table", "detections", model, segment, signal, detector, str(int(at)), str(int(detected_at))
    )


def _digest(*parts: str) -> str:
    return _hash(*parts).hexdigest()[:_DIGITS]


def _hash(*parts: str) -> hashlib._Hash:
    return hashlib.sha256(b"".join(map(_netstring, parts)))


def _netstring(text: str) -> bytes:
    # A lone surrogate cannot be in Avro or Parquet text, but must not stop the job here.
    data = text.encode("utf-8", "surrogatepass")
    return b"%d:%b," % (len(data), data)
