"""How large data may become when it is decompressed, so that a few bytes cannot fill a worker."""

from __future__ import annotations

from typing import Final

MAX_MESSAGE: Final = 64 << 20
"""Bytes that a message may become, where `max_expanded_mb` does not say."""

MAX_BLOCK: Final = 1 << 30
"""Bytes that a block of an Avro file, or a record batch of an Arrow file, may become."""


class TooLargeError(ValueError):
    """What would become larger than is allowed."""


def check_size(size: int, limit: int) -> None:
    """Refuse what becomes larger than a limit.

    Parameters
    ----------
    size, limit : int
        Bytes.

    Raises
    ------
    TooLargeError
        If it does.

    Examples
    --------
    >>> check_size(8 << 30, 64 << 20)
    Traceback (most recent call last):
        ...
    driftline.decoding.limits.TooLargeError: becomes 8192 MB; 64 MB are allowed
    """
    if size > limit:
        raise TooLargeError(f"becomes {-(-size >> 20)} MB; {limit >> 20} MB are allowed")
