"""Spread partitions evenly over Flink's subtasks, however many there are.

Flink hands an element of a splittable DoFn to the subtask that owns its *key group*: one of 128 numbers,
made from a hash of the element's bytes. Four partitions whose hashes fall as they may land on two subtasks as
3 and 1, or 4 and 0. So each element gets a salt that puts it into a chosen key group: partition `i` into the
place of `i` in the van der Corput sequence (0, 1/2, 1/4, 3/4, 1/8, ...), of which every beginning is spread
evenly. Runners that place elements otherwise lose nothing by it.
"""

from __future__ import annotations

from itertools import count, product
from typing import Final

KEY_GROUPS: Final = 128
_BITS: Final = 0xFFFFFFFF
_SALT: Final = b" \t\n\r"


def salted(element: bytes, number: int) -> bytes:
    """Add white space to an element so that Flink puts it into a key group of our choice.

    Parameters
    ----------
    element : bytes
        Of a format that does not mind white space at its end, such as JSON. Its bytes are hashed: the same
        element and number give the same bytes.
    number : int
        Place of the element among all that are spread: 0, 1, 2, ...

    Returns
    -------
    bytes
        The element and a few (seldom more than five) of the four kinds of JSON's white space.

    Examples
    --------
    >>> {key_group(salted(b'{"partition": %d}' % i, i)) for i in range(4)} == {0, 64, 32, 96}
    True
    """
    wanted = wanted_key_group(number)
    candidates = (element + bytes(salt) for length in count() for salt in product(_SALT, repeat=length))
    return next(candidate for candidate in candidates if key_group(candidate) == wanted)


def wanted_key_group(number: int) -> int:
    """Key group of the element with a number: its van der Corput place, base 2, times the key groups.

    >>> [wanted_key_group(i) for i in range(8)]
    [0, 64, 32, 96, 16, 80, 48, 112]
    """
    bits = KEY_GROUPS.bit_length() - 1
    return int(f"{number % KEY_GROUPS:0{bits}b}"[::-1], 2)


def key_group(element: bytes) -> int:
    """Key group in which Flink reads an element of a splittable DoFn whose coder is ``BytesCoder``.

    Parameters
    ----------
    element : bytes
        The element as the DoFn gets it. Flink sees it behind its length.

    Returns
    -------
    int
        From 0 to 127.

    Notes
    -----
    Flink's ``KeyGroupRangeAssignment.assignToKeyGroup`` of the ``ByteBuffer`` that Beam's
    ``SdfByteBufferKeySelector`` makes: the buffer's Java hash, mixed by murmur3's steps for one 32-bit word,
    modulo the key groups.
    """
    return _murmur(_buffer_hash(_length(len(element)) + element)) % KEY_GROUPS


def _length(number: int) -> bytes:
    """The base 128 varint that stands before a nested byte string."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _length(rest) if rest else bytes([low])


def _buffer_hash(data: bytes) -> int:
    """``java.nio.ByteBuffer.hashCode`` as 32 unsigned bits: bytes are signed, the last one comes first."""
    code = 1
    for byte in reversed(data):
        code = (31 * code + byte - ((byte & 0x80) << 1)) & _BITS
    return code


def _murmur(code: int) -> int:
    """Flink's ``MathUtils.murmurHash``."""
    code = _rotated(code * 0xCC9E2D51 & _BITS, 15) * 0x1B873593 & _BITS
    code = (_rotated(code, 13) * 5 + 0xE6546B64) & _BITS ^ 4
    code = (code ^ code >> 16) * 0x85EBCA6B & _BITS
    code = (code ^ code >> 13) * 0xC2B2AE35 & _BITS
    code ^= code >> 16
    # the absolute value of a signed number, and 0 for the one that has none
    return code if code < 1 << 31 else (1 << 32) - code if code > 1 << 31 else 0


def _rotated(code: int, by: int) -> int:
    return (code << by | code >> (32 - by)) & _BITS
