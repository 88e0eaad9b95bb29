"""A 64-bit hash of text that never changes, computed over a whole Arrow array at once."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 0xC70F6907
"""With this seed the hash is the ``std::hash<std::string>`` of 64-bit libstdc++: an independent oracle."""

LONG = 1024
"""Text of more bytes than this is replaced by its 16-byte BLAKE2b digest before it is hashed."""

_M = np.uint64(0xC6A4A7935BD1E995)
_R = np.uint64(47)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hash_text(values: Any, seed: int = SEED) -> NDArray[np.uint64]:
    """Hash every value of an Arrow text array.

    Parameters
    ----------
    values
        `pyarrow.Array` of n strings (string or large_string), UTF-8; a null hashes as the empty string.
    seed
        64 bits; another seed gives an independent hash.

    Returns
    -------
    numpy.ndarray
        (n,) uint64, the same on every platform and for ever: it is stored in baselines and in running state.

    References
    ----------
    Appleby, MurmurHash2, 64-bit version for 64-bit platforms (MurmurHash64A),
    https://github.com/aappleby/smhasher, in its little-endian reading.

    Examples
    --------
    >>> import pyarrow as pa
    >>> [hex(code) for code in hash_text(pa.array(["JFK", "a"]))]
    ['0x8168860a4471cbf', '0x454ddee488c1ed6b']
    """
    data, starts, lengths = _buffers(values)
    if len(lengths) and lengths.max() > LONG:
        return _hash_with_digests(values, lengths > LONG, seed)
    # Every 8 bytes starting anywhere, as one integer: a view, not a copy.
    words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data, strides=(1,))
    with np.errstate(over="ignore"):
        hashes: NDArray[np.uint64] = np.uint64(seed) ^ (lengths.astype(np.uint64) * _M)
        order = np.argsort(-lengths, kind="stable")
        positions, whole = starts[order], lengths[order] // 8
        mixed = hashes[order]
        # Longest first, so the values that still have a word at this position are a prefix.
        for word in range(int(whole[0]) if len(whole) else 0):
            n = int(np.searchsorted(-whole, -word, side="left"))
            mixed[:n] = (mixed[:n] ^ _scramble(words[positions[:n] + 8 * word])) * _M
        tail = (lengths[order] % 8).astype(np.uint64)
        rest = words[positions + 8 * whole] & ((np.uint64(1) << (tail * np.uint64(8))) - np.uint64(1))
        mixed = np.where(tail > 0, (mixed ^ rest) * _M, mixed)
        mixed = (mixed ^ (mixed >> _R)) * _M
        hashes[order] = mixed ^ (mixed >> _R)
    return hashes


def bucket_of(hashes: NDArray[np.uint64], buckets: int) -> NDArray[np.int64]:
    """Spread hashes (n,) evenly over a number of buckets, a power of two; for ever, as `hash_text`.

    References
    ----------
    Knuth, The Art of Computer Programming 3, section 6.4 (multiplicative hashing by the golden ratio).
    """
    with np.errstate(over="ignore"):
        mixed = (hashes * _GOLDEN) >> np.uint64(32)
    return (mixed & np.uint64(buckets - 1)).astype(np.int64)


def _scramble(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = word * _M
    scrambled: NDArray[np.uint64] = (word ^ (word >> _R)) * _M
    return scrambled


def _buffers(values: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Give the bytes of the text with 8 zero bytes behind, and where each value starts and how long it is."""
    if len(values) == 0:
        return np.zeros(8, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64)
    values = values.cast(pa.large_binary())
    _, offsets, text = values.buffers()
    bounds = np.frombuffer(offsets, "<i8", len(values) + 1, 8 * values.offset).astype(np.int64)
    first, last = int(bounds[0]), int(bounds[-1])
    data = np.zeros(last - first + 8, np.uint8)
    if last > first:
        data[:-8] = np.frombuffer(text, np.uint8, last - first, first)
    lengths = np.diff(bounds)
    if values.null_count:
        lengths[values.is_null().to_numpy(zero_copy_only=False)] = 0
    return data, bounds[:-1] - first, lengths


def _hash_with_digests(values: Any, long: NDArray[np.bool_], seed: int) -> NDArray[np.uint64]:
    hashes = np.empty(len(values), np.uint64)
    hashes[~long] = hash_text(values.filter(pa.array(~long)), seed)
    digests = [blake2b(text.as_buffer(), digest_size=16).digest() for text in values.filter(pa.array(long))]
    hashes[long] = hash_text(pa.array(digests, pa.large_binary()), seed)
    return hashes
