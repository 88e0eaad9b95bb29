"""The codecs of Avro containers, none of which may become larger than is allowed."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Final

import pyarrow as pa
import zstandard

from driftline.decoding.limits import check_size

CODECS: Final = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")
"""The codecs that can be read."""

_XZ_MEMORY: Final = 128 << 20
_ZSTD_WINDOW: Final = 128 << 20
_ZSTD_READ: Final = 1 << 10  # its decompressor has no limit of its own: 1 kB becomes 32 MB at most


def decompress(codec: str, data: bytes, limit: int) -> bytes:
    r"""Decompress a block.

    Parameters
    ----------
    codec
        One of `CODECS`.
    limit : int
        Bytes that it may become.

    Raises
    ------
    TooLargeError
        If it becomes more; no more than that is ever held.
    ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, pyarrow.ArrowException, zstandard.ZstdError
        If it is damaged.

    Examples
    --------
    >>> decompress("bzip2", bz2.compress(bytes(5)), 10)
    b'\x00\x00\x00\x00\x00'
    """
    if codec == "null":
        check_size(len(data), limit)
        return data
    if codec == "snappy":
        return _snappy(data, limit)
    if codec == "zstandard":
        return _zstandard(data, limit)
    if codec == "deflate":
        inflate = zlib.decompressobj(-15)
        return _whole(inflate, inflate.decompress(data, limit + 1), limit)
    if codec == "bzip2":
        return _members(bz2.BZ2Decompressor, data, limit)
    return _members(lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), data, limit)


def _whole(decompressor: Any, raw: bytes, limit: int) -> bytes:
    check_size(len(raw), limit)
    if not decompressor.eof:
        raise EOFError("the compressed data is cut short")
    return raw


def _members(make: Any, data: bytes, limit: int) -> bytes:
    """Decompress streams that stand one behind the other."""
    raw = b""
    while data or not raw:
        member = make()
        raw += member.decompress(data, limit + 1 - len(raw))
        _whole(member, raw, limit)
        if not member.unused_data:
            break
        data = member.unused_data
    return raw


def _zstandard(data: bytes, limit: int) -> bytes:
    raw = bytearray()
    frame: Any = None
    for start in range(0, len(data), _ZSTD_READ):
        rest = data[start : start + _ZSTD_READ]
        while rest:
            frame = frame or zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
            raw += frame.decompress(rest)
            check_size(len(raw), limit)
            rest, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    if frame is not None:
        raise EOFError("the compressed data is cut short")
    return bytes(raw)


def _snappy(data: bytes, limit: int) -> bytes:
    body, checksum = data[:-4], data[-4:]
    size = _snappy_size(body)
    check_size(size, limit)
    raw = pa.Codec("snappy").decompress(body, size, asbytes=True)
    if zlib.crc32(raw).to_bytes(4, "big") != checksum:
        raise ValueError("wrong checksum")
    return bytes(raw)


def _snappy_size(data: bytes) -> int:
    size = 0
    for shift, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            break
    return size
