"""Row identities that are the same on every worker, replay and release."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS: Final = 32


def identity(*parts: str) -> str:
    """Hash texts to a name.

    It is the first 128 bits of SHA-256 over the texts as netstrings (``length:bytes,``): no two different
    tuples run together to the same text.

    Returns
    -------
    str
        32 lower-case hexadecimal digits.

    Examples
    --------
    >>> identity("flights", "origin=JFK", "distance", "0", "1800000000")
    'bd3b577940bd95be39905faa7e17276d'
    """
    return _hash(*parts).hexdigest()[:_DIGITS]


def identities(shared: Sequence[str], firsts: Sequence[str], seconds: Sequence[str]) -> list[str]:
    """Hash many texts that begin alike, as `identity` does one by one.

    Parameters
    ----------
    shared : sequence of str
        What all begin with.
    firsts, seconds : sequence of str
        What each goes on with, n of each; among the first ones few differ.

    Returns
    -------
    list of str
        n times 32 lower-case hexadecimal digits.
    """
    begun = {first: _hash(*shared, first) for first in set(firsts)}
    names = []
    for first, second in zip(firsts, seconds, strict=True):
        digest = begun[first].copy()
        digest.update(_netstring(second))
        names.append(digest.hexdigest()[:_DIGITS])
    return names


def _hash(*parts: str) -> hashlib._Hash:
    return hashlib.sha256(b"".join(map(_netstring, parts)))


def _netstring(text: str) -> bytes:
    # A lone surrogate cannot be in Avro or Parquet text, but must not stop the job here.
    data = text.encode("utf-8", "surrogatepass")
    return b"%d:%b," % (len(data), data)
