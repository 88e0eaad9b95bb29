"""Avro object container files, block by block, past damaged ones."""

from __future__ import annotations

import io
import lzma
import zlib
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import fastavro
import numpy as np
import pyarrow as pa
import zstandard

from driftline.decoding.avro_canonical import AvroSchemaError
from driftline.decoding.avro_messages import decode_blocks
from driftline.decoding.avro_schema import WriterSchema, writer_schema
from driftline.decoding.bounded_decompression import CODECS, decompress
from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.limits import MAX_BLOCK, MAX_MESSAGE, TooLargeError, check_size
from driftline.decoding.plain_size import VALUE
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.decoding.event_schema import EventSchema

_MAGIC: Final = b"Obj\x01"
_HEADER: Final = fastavro.parse_schema(
    {
        "type": "record",
        "name": "header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
        ],
    }
)
_SYNC: Final = 16
_READ: Final = 1 << 20
_GROUP: Final = 16 << 20
_MAX_BLOCK: Final = 1 << 28
_MAX_RECORDS: Final = 1 << 31
_MAX_HEADER: Final = 1 << 24
_BAD_DATA: Final = (
    ValueError,
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    pa.ArrowException,
    zstandard.ZstdError,
    MemoryError,
)


class AvroContainerError(ValueError):
    """A file that is no Avro container, or one whose header is damaged or unknown.

    Parameters
    ----------
    reason
        Why its rows are rejected: damage, or a whole header that cannot be used.
    """

    def __init__(self, message: str, reason: Reason = Reason.TRUNCATED) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Block:
    """A block of records, or what is left of one.

    Parameters
    ----------
    offset
        Byte offset in the file.
    count
        Number of records.
    data
        The records, compressed.
    damage
        What is wrong with the bytes from `offset` on; then there are no records.
    """

    offset: int
    count: int
    data: bytes
    damage: str | None = None


@dataclass(frozen=True, eq=False)
class _Opened:
    """A block that is decompressed, or why it is not."""

    block: Block
    data: bytes
    reason: Reason | None = None
    detail: str = ""
    expanded: int = 0


class _Window:
    """The part of a stream that may have to be looked at again."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.data = bytearray()
        self.offset = 0

    def fill(self, size: int) -> bool:
        """Have at least `size` bytes at hand; say whether there are."""
        while len(self.data) < size:
            more = self._source.read(max(_READ, size - len(self.data)))
            if not more:
                return False
            self.data += more
        return True

    def drop(self, size: int) -> None:
        """Go on behind `size` bytes."""
        del self.data[:size]
        self.offset += size


class ContainerReader:
    """Reads the header of an Avro container, then its blocks.

    Parameters
    ----------
    source
        Read forwards only.
    limit : int
        Bytes that a block may become.

    Raises
    ------
    AvroContainerError
        If the header cannot be read.
    """

    def __init__(self, source: BinaryIO, limit: int = MAX_BLOCK) -> None:
        self._window = _Window(source)
        self._limit = limit
        self.expanded = 0
        """Bytes that the blocks read so far became."""
        header, size = self._header()
        self._window.drop(size)
        meta = {key: bytes(value) for key, value in header["meta"].items()}
        self.codec = meta.get("avro.codec", b"null").decode(errors="replace")
        if self.codec not in CODECS:
            message = f"unknown Avro codec {self.codec!r}; known: {', '.join(CODECS)}"
            raise AvroContainerError(message, Reason.UNDECODABLE)
        self._sync = bytes(header["sync"])
        try:
            self.schema_text = meta["avro.schema"].decode()
            self.writer: WriterSchema = writer_schema(self.schema_text)
        except (KeyError, UnicodeDecodeError, AvroSchemaError) as error:
            message = f"the container's schema cannot be used: {error}"
            raise AvroContainerError(message, Reason.UNDECODABLE) from error
        if self.writer.is_array:
            message = "the container's schema is an array; containers of records can be read"
            raise AvroContainerError(message, Reason.UNDECODABLE)

    def _header(self) -> tuple[Any, int]:
        window = self._window
        if not window.fill(len(_MAGIC)):
            raise AvroContainerError(
                "the file is empty" if not window.data else "the file ends in its header"
            )
        if window.data[:4] != _MAGIC:
            message = f"not an Avro container: it starts with {bytes(window.data[:4])!r}"
            raise AvroContainerError(message, Reason.UNDECODABLE)
        size = 1 << 16
        while True:
            more = window.fill(size)
            source = io.BytesIO(bytes(window.data[:_MAX_HEADER]))
            try:
                return fastavro.schemaless_reader(source, _HEADER, None), source.tell()
            except Exception as error:
                if not more or size > _MAX_HEADER:
                    raise AvroContainerError(
                        "the file ends in its header, or the header is damaged"
                    ) from error
            size *= 4

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks; a damaged stretch is one, and reading goes on behind the next sync marker."""
        window = self._window
        while window.fill(1):
            start = window.offset
            window.fill(20)
            try:
                count, used = _long(window.data, 0)
                size, used = _long(window.data, used)
            except IndexError:
                yield Block(start, 0, b"", "the file ends in the head of a block")
                return
            if not 0 <= count < _MAX_RECORDS or not 0 <= size <= _MAX_BLOCK:
                damage = f"impossible block of {count} records in {size} bytes"
            elif not window.fill(used + size + _SYNC):
                damage = f"the file ends in a block of {size} bytes"
            elif window.data[used + size : used + size + _SYNC] != self._sync:
                damage = f"no sync marker behind a block of {size} bytes"
            else:
                data = bytes(window.data[used : used + size])
                window.drop(used + size + _SYNC)
                yield Block(start, count, data)
                continue
            yield Block(start, 0, b"", damage)
            if not self._resync():
                return

    def _resync(self) -> bool:
        window = self._window
        while True:
            found = window.data.find(self._sync)
            if found >= 0:
                window.drop(found + _SYNC)
                return True
            window.drop(max(0, len(window.data) - _SYNC + 1))
            if not window.fill(len(window.data) + 1):
                return False

    def records(self, schema: EventSchema, size: int = _GROUP) -> Iterator[Decoded]:
        """Decode the blocks, many at a time.

        Parameters
        ----------
        schema
            The columns to keep, at least.
        size
            Bytes of blocks to decode at once, decompressed.

        Yields
        ------
        Decoded
            In its parts ``message`` is the row in the container, also counting blocks that could not be
            decoded. In its rejects, one per damaged stretch or block, it is the byte offset.
        """
        group: list[_Opened] = []
        first = weight = 0
        for block in self.blocks():
            opened = self._open(block, len(schema.columns))
            self.expanded += opened.expanded
            group.append(opened)
            weight += len(opened.data) + 1_000
            if weight >= size:
                yield self._decode(group, first, schema)
                first += sum(member.block.count for member in group)
                group, weight = [], 0
        if group:
            yield self._decode(group, first, schema)

    def _open(self, block: Block, columns: int) -> _Opened:
        """Decompress a block, if it and its records as columns of events stay within the limit."""
        if block.damage is not None:
            return _Opened(block, b"", Reason.TRUNCATED, f"damaged block: {block.damage}")
        try:
            rows = VALUE * columns * block.count
            check_size(rows, self._limit)
            data = decompress(self.codec, block.data, self._limit)
        except TooLargeError as error:
            detail = f"a block of {block.count} records in {len(block.data)} bytes {error}"
            return _Opened(block, b"", Reason.TOO_LARGE, detail)
        except _BAD_DATA as error:
            detail = f"damaged block: cannot be decompressed as {self.codec}: {error}"
            return _Opened(block, b"", Reason.TRUNCATED, detail)
        return _Opened(block, data, expanded=max(rows, len(data)))

    def _decode(self, group: Sequence[_Opened], first: int, schema: EventSchema) -> Decoded:
        faults = {
            opened.block.offset: Reject(opened.reason, opened.detail, opened.block.offset)
            for opened in group
            if opened.reason is not None
        }
        firsts = accumulate((opened.block.count for opened in group), initial=first)
        intact = [
            (opened, start) for opened, start in zip(group, firsts, strict=False) if opened.reason is None
        ]
        parts, bad = decode_blocks(
            self.writer, [(opened.block.count, opened.data) for opened, _ in intact], schema
        )
        for number, fault in bad:
            offset = intact[number][0].block.offset
            faults[offset] = Reject(Reason.TRUNCATED, f"damaged block: {fault}", offset)
        starts = np.array([start for _, start in intact], np.int64)
        return Decoded(
            join_parts(
                Part(part.records, starts[part.message] + part.event)
                for part in parts
                if part.event is not None and part.records.num_rows
            ),
            tuple(faults[offset] for offset in sorted(faults)),
        )


class AvroContainerDecoder:
    """Decodes messages that are Avro containers each.

    Parameters
    ----------
    limit : int
        Bytes that a message may become.
    """

    def __init__(self, schema: EventSchema, limit: int = MAX_MESSAGE) -> None:
        self._schema = schema
        self._limit = limit

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages; of a damaged one the whole blocks are kept, of one too large nothing."""
        parts: list[Part] = []
        rejects: list[Reject] = []
        for message, payload in enumerate(payloads):
            before = len(parts)
            faults: list[Reject] = []
            try:
                reader = ContainerReader(io.BytesIO(payload), self._limit)
                for decoded in reader.records(self._schema):
                    parts += [
                        Part(part.records, np.full(len(part.message), message, np.int64), part.message)
                        for part in decoded.parts
                    ]
                    faults += decoded.rejects
                    check_size(reader.expanded, self._limit)
            except AvroContainerError as error:
                rejects.append(Reject(Reason.UNDECODABLE, str(error), message))
            except TooLargeError as error:
                faults = [Reject(Reason.TOO_LARGE, f"a container that {error}", 0)]
            large = next((fault for fault in faults if fault.reason is Reason.TOO_LARGE), None)
            if large is not None:
                del parts[before:]
                rejects.append(Reject(Reason.TOO_LARGE, f"{large.detail}; see max_expanded_mb", message))
            elif faults:
                more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
                detail = f"at byte {faults[0].message}: {faults[0].detail}{more}"
                rejects.append(Reject(Reason.TRUNCATED, detail, message))
        return Decoded(join_parts(parts), tuple(rejects))


def _long(data: bytearray, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80 or shift > 56:
            return (value >> 1) ^ -(value & 1), position
        shift += 7
