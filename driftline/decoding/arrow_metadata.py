"""What Arrow IPC says of its record batches before they are read: where they lie, and how large they become.

The layouts are those of the Arrow columnar format: `Message.fbs` and `File.fbs`, in FlatBuffers' encoding.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

FILE_MAGIC: Final = b"ARROW1"
_TAIL: Final = 4 + len(FILE_MAGIC)
_BLOCK: Final = 24
_BUFFER: Final = 16
_CONTINUATION: Final = b"\xff" * 4
_DICTIONARY, _RECORDS = 2, 3


class Blocks(NamedTuple):
    """Where the messages of an IPC file begin: offsets in bytes."""

    dictionaries: list[int]
    records: list[int]


def file_blocks(file: Any) -> Blocks | None:
    """Read the footer of an IPC file.

    Parameters
    ----------
    file : pyarrow.NativeFile
        It can seek.

    Returns
    -------
    Blocks or None
        None if there is no whole footer.
    """
    size = file.size()
    if size < len(FILE_MAGIC) + _TAIL:
        return None
    tail = _read(file, size - _TAIL, _TAIL)
    length = int.from_bytes(tail[:4], "little", signed=True)
    if tail[4:] != FILE_MAGIC or not 0 < length <= size - _TAIL:
        return None
    try:
        footer = _Table.root(_read(file, size - _TAIL - length, length))
        return Blocks(footer.blocks(2), footer.blocks(3))
    except (struct.error, ValueError, IndexError):
        return None


class MessageHead(NamedTuple):
    """What is known of a message before it is read.

    Parameters
    ----------
    is_dictionary, is_records
        What it holds; neither for a schema.
    expanded : int
        Bytes of its buffers when they are decompressed.
    end : int
        Offset behind it.
    """

    is_dictionary: bool
    is_records: bool
    expanded: int
    end: int


def message_head(file: Any, offset: int) -> MessageHead | None:
    """Look at the message at an offset; only metadata and the sizes in front of compressed buffers are read.

    Parameters
    ----------
    file : pyarrow.NativeFile
        It can seek, and is somewhere else afterwards.

    Returns
    -------
    MessageHead or None
        None at the end of a stream.

    Raises
    ------
    pyarrow.ArrowInvalid
        If the metadata is not what the format says.
    """
    size = file.size()
    if not 0 <= offset <= size:
        raise pa.ArrowInvalid(f"a message at byte {offset}, which is outside the file")
    prefix = _read(file, offset, 8)
    marked = prefix[:4] == _CONTINUATION  # writers before Arrow 0.15 do not mark a message
    length = int.from_bytes(prefix[4:] if marked else prefix[:4], "little", signed=True)
    start = offset + (8 if marked else 4)
    if len(prefix) < start - offset or length == 0:
        return None
    if not 0 < length <= size - start:
        raise pa.ArrowInvalid(f"the metadata at byte {offset} goes beyond the file")
    try:
        head = _Table.root(_read(file, start, length))
        kind, body = head.byte(1), head.long(3)
        batch = head.table(2)
        batch = batch.table(1) if kind == _DICTIONARY and batch is not None else batch
        expanded = max(body, 0)
        if kind in (_DICTIONARY, _RECORDS) and batch is not None and batch.at(3):
            expanded = _decompressed(file, start + length, batch.structs(2, _BUFFER))
    except (struct.error, ValueError, IndexError) as error:
        raise pa.ArrowInvalid(f"damaged metadata at byte {offset}: {error}") from None
    return MessageHead(kind == _DICTIONARY, kind == _RECORDS, expanded, start + length + max(body, 0))


def _decompressed(file: Any, body: int, buffers: Any) -> int:
    """Sum up the sizes that stand in front of compressed buffers; -1 is one that was left as it is."""
    total = 0
    for offset, length in buffers.view("<i8").reshape(-1, 2).tolist():
        if length >= 8 and offset >= 0:
            size = int.from_bytes(_read(file, body + offset, 8), "little", signed=True)
            total += length if size < 0 else size
    return total


def _read(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    return bytes(file.read(size))


class _Table:
    """A table of FlatBuffers: fields are found by number, through the offsets that its vtable lists."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._vtable = position - self._read("<i", position)
        self._fields = (self._read("<H", self._vtable) - 4) // 2

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _read(self, form: str, position: int) -> int:
        if position < 0:
            raise ValueError("an offset before the metadata")
        return int(struct.unpack_from(form, self._data, position)[0])

    def at(self, field: int) -> int:
        """Position of a field; 0 if it is absent."""
        offset = self._read("<H", self._vtable + 4 + 2 * field) if field < self._fields else 0
        return self._position + offset if offset else 0

    def byte(self, field: int) -> int:
        position = self.at(field)
        return self._data[position] if position else 0

    def long(self, field: int) -> int:
        position = self.at(field)
        return self._read("<q", position) if position else 0

    def table(self, field: int) -> _Table | None:
        position = self.at(field)
        return _Table(self._data, position + self._read("<I", position)) if position else None

    def structs(self, field: int, size: int) -> Any:
        """The bytes of a vector of structs."""
        position = self.at(field)
        if not position:
            return np.zeros(0, np.uint8)
        start = position + self._read("<I", position)
        count = self._read("<I", start)
        return np.frombuffer(self._data, np.uint8, count * size, start + 4)

    def blocks(self, field: int) -> list[int]:
        found: list[int] = self.structs(field, _BLOCK).view("<i8").reshape(-1, 3)[:, 0].tolist()
        return found
