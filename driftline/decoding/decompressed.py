"""Compressed text, read as far as it is whole."""

from __future__ import annotations

import bz2
import zlib
from typing import Any, Final

import pyarrow as pa
import zstandard

_READ: Final = 1 << 16
_ZSTD_READ: Final = 1 << 10  # its decompressor has no limit of its own: 1 kB becomes 32 MB at most
_BAD_DATA: Final = (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError)


class DecompressedFile:
    """A compressed file of one or more members, read forwards; it ends where it is damaged.

    Parameters
    ----------
    file
        Binary file, compressed.
    compression
        ``gzip``, ``bz2``, ``zstd`` or ``lz4``.

    Notes
    -----
    Zeros behind the last member are padding, as tapes and block copies leave it. All else there is damage.

    Examples
    --------
    >>> import gzip, io
    >>> whole = gzip.compress(b"one two three")
    >>> file = DecompressedFile(io.BytesIO(whole[:-9] + bytes(100)), "gzip")
    >>> file.read(100), file.damage is None
    (b'one two three', False)
    """

    def __init__(self, file: Any, compression: str) -> None:
        self.damage: str | None = None
        """What is wrong behind the last byte that was read; None if nothing is, or not yet."""
        self._file = file
        self._lz4 = pa.CompressedInputStream(native(file), "lz4") if compression == "lz4" else None
        self._make = _MAKERS.get(compression)
        self._size = _ZSTD_READ if compression == "zstd" else _READ
        self._rest = b""
        self._given = 0
        self._begin(bytewise_from=None, skip=0)

    def _begin(self, *, bytewise_from: int | None, skip: int) -> None:
        self._bytewise_from = bytewise_from
        self._skip = skip
        self._offset = self._chunk = 0
        self._member: Any = None
        self._input = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Read at most so many bytes; none are left where there is none."""
        pieces = [self._rest] if self._rest else []
        length = len(self._rest)
        self._rest = b""
        while length < size and self.damage is None:
            piece = self._piece(size - length) if self._lz4 is None else self._arrow_piece(size - length)
            if piece is None:
                break
            pieces.append(piece)
            length += len(piece)
        data = b"".join(pieces)
        self._rest = data[size:]
        return data[:size]

    def _piece(self, size: int) -> bytes | None:
        """Decompress some more; None at the end."""
        if not self._input and not self._ended:
            self._fill()
        if self._member is None:
            return self._between()
        try:
            data = self._step(size)
        except _BAD_DATA as error:
            return self._again(str(error))
        if not data and self._ended and self._member is not None:
            self.damage = "the file ends before its compressed data does"
            return None
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._given += len(data) - skipped
        return data[skipped:]

    def _fill(self) -> None:
        bytewise = self._bytewise_from is not None and self._offset >= self._bytewise_from
        self._chunk = self._offset
        self._input = bytes(self._file.read(1 if bytewise else self._size))
        self._offset += len(self._input)
        self._ended = not self._input

    def _between(self) -> bytes | None:
        """Begin the next member, past zeros if nothing else follows."""
        if not self._input:
            return None
        self._input = self._input.lstrip(b"\0")
        if self._input:
            assert self._make is not None
            self._member = self._make()
        return b""

    def _step(self, size: int) -> bytes:
        member = self._member
        if isinstance(member, _ZLIB):
            data = member.decompress(self._input, size)
            self._input = member.unconsumed_tail
        else:
            limits = (size,) if isinstance(member, bz2.BZ2Decompressor) else ()
            data = member.decompress(self._input, *limits)
            self._input = b""
        if member.eof:
            self._input = member.unused_data
            self._member = None
        return bytes(data)

    def _again(self, damage: str) -> bytes | None:
        """Read the damaged chunk byte by byte: what a call gave before it failed is lost with it."""
        if self._bytewise_from is not None:
            self.damage = damage
            return None
        self._file.seek(0)
        self._begin(bytewise_from=self._chunk, skip=self._given)
        return b""

    def _arrow_piece(self, size: int) -> bytes | None:
        """Read LZ4 through Arrow; how much came before damage only the zeros tell, which text has none of."""
        assert self._lz4 is not None
        buffer = bytearray(size)
        try:
            length = self._lz4.readinto(buffer)
        except OSError as error:
            if error.errno is not None:
                raise
            self.damage = str(error)
            return bytes(buffer.rstrip(b"\0"))
        return bytes(buffer[:length]) if length else None


def native(file: Any) -> Any:
    """Make a file one that Arrow reads."""
    return file if isinstance(file, pa.NativeFile) else pa.PythonFile(file, mode="r")


_ZLIB: Final = type(zlib.decompressobj())
_MAKERS: Final[dict[str, Any]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj(),
}
