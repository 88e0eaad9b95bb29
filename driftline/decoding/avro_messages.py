"""Schemaless Avro: messages of one record or an array of records, the schema known."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import fastavro
import numpy as np
import pyarrow as pa
import pyruhvro

from driftline.arrays import flat
from driftline.decoding.avro_native import END, END_FIELD
from driftline.decoding.avro_schema import WriterSchema, writer_schema
from driftline.decoding.bisection import bisect_good
from driftline.decoding.column_paths import at_paths, root_of
from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.python_rows import table_of_rows
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.decoding.avro_native import NativeSchemas
    from driftline.decoding.event_schema import EventSchema

_END_BITS: Final = int.from_bytes(END, "little")
_LEFT_OVER: Final = "bytes are left over behind the record; was it written with another schema?"
_CHUNK: Final = 5_000


class AvroDataError(ValueError):
    """Bytes that are not what the schema says."""


class AvroDecoder:
    """Decodes schemaless Avro.

    Parameters
    ----------
    avro_schema
        What the messages were written with: a record, or an array of records.

    Raises
    ------
    AvroSchemaError
        If the Avro schema cannot be used.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> avro = {"type": "record", "name": "Event", "fields": [{"name": "at", "type": "long"}]}
    >>> decoded = AvroDecoder(EventSchema("at"), avro).decode([bytes([2]), b"", bytes([4, 0])])
    >>> decoded.parts[0].records.to_pylist()
    [{'at': 1}]
    >>> [(reject.message, reject.reason.value) for reject in decoded.rejects]
    [(1, 'undecodable'), (2, 'undecodable')]
    """

    def __init__(self, schema: EventSchema, avro_schema: str | Mapping[str, Any] | WriterSchema) -> None:
        self._schema = schema
        self._writer = avro_schema if isinstance(avro_schema, WriterSchema) else writer_schema(avro_schema)

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages."""
        if self._writer.native is None:
            return self._decode_complete(payloads)
        parts: list[Part] = []
        rejects: list[Reject] = []
        for start in range(0, len(payloads), _CHUNK):
            self._decode_fast(self._writer.native, payloads[start : start + _CHUNK], start, parts, rejects)
        return Decoded(join_parts(parts), tuple(rejects))

    def _decode_fast(
        self,
        native: NativeSchemas,
        payloads: Sequence[bytes],
        first: int,
        parts: list[Part],
        rejects: list[Reject],
    ) -> None:
        writer = self._writer
        schema = native.many if writer.is_array else native.one
        ended = [payload + END for payload in payloads]
        good, bad = bisect_good(
            len(ended), lambda start, stop: _deserialize(ended[start:stop], schema), (AvroDataError,)
        )
        rejects += [
            Reject(Reason.UNDECODABLE, f"not Avro of the schema: {error}", first + row) for row, error in bad
        ]
        for start, decoded in good:
            complete = _complete(decoded)
            message = np.arange(first + start, first + start + len(complete), dtype=np.int64)
            rejects += [Reject(Reason.UNDECODABLE, _LEFT_OVER, int(row)) for row in message[~complete]]
            batch = decoded if complete.all() else decoded.filter(pa.array(complete))
            message = message[complete]
            if writer.is_array:
                records, origin, event = _flatten(batch.column(0), writer.columns)
                parts.append(Part(self._keep(records), message[origin], event))
            else:
                records = pa.Table.from_arrays(batch.columns[: len(writer.columns)], list(writer.columns))
                parts.append(Part(self._keep(records), message))

    def _keep(self, records: pa.Table) -> pa.Table:
        present = set(records.schema.names)
        roots = dict.fromkeys(root_of(column, present) for column in self._schema.columns)
        kept = records.select([name for name in roots if name is not None])
        if not kept.num_columns:  # a table without columns has no rows either
            kept = records.select([0])
        return self._writer.with_times(at_paths(kept, self._schema.columns))

    def _decode_complete(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode one by one with fastavro, which knows every type."""
        rows: list[Mapping[str, Any]] = []
        messages: list[int] = []
        events: list[int] = []
        rejects: list[Reject] = []
        schema = self._writer.parsed_array if self._writer.is_array else self._writer.parsed
        for message, payload in enumerate(payloads):
            source = io.BytesIO(payload)
            try:
                value = fastavro.schemaless_reader(source, schema, None)
            except Exception as error:  # noqa: BLE001 - whatever the bytes make of fastavro, it is their fault
                rejects.append(Reject(Reason.UNDECODABLE, f"not Avro of the schema: {error!r}", message))
                continue
            if source.tell() != len(payload):
                rejects.append(Reject(Reason.UNDECODABLE, _LEFT_OVER, message))
                continue
            batch = value["items"] if self._writer.is_array else [value]
            rows += batch
            messages += [message] * len(batch)
            events += range(len(batch))
        if not rows:
            return Decoded((), tuple(rejects))
        records = self._writer.with_times(table_of_rows(rows, self._schema))
        event = np.array(events, np.int64) if self._writer.is_array else None
        return Decoded((Part(records, np.array(messages, np.int64), event),), tuple(rejects))


def decode_blocks(
    writer: WriterSchema, blocks: Sequence[tuple[int, bytes]], schema: EventSchema
) -> tuple[list[Part], list[tuple[int, str]]]:
    """Decode blocks of a container, in which records stand one behind the other.

    Parameters
    ----------
    blocks
        Number of records and decompressed bytes of each block.
    schema
        The columns to keep, where rows are made one by one or a column is named by a path. Otherwise all
        columns are returned.

    Returns
    -------
    parts : list of Part
        The records; ``message`` is the block, ``event`` the record in it.
    bad : list of (int, str)
        Blocks whose bytes are not that many records of the schema, and why.
    """
    bad = [
        (n, f"{count} records in {len(data)} bytes")
        for n, (count, data) in enumerate(blocks)
        if count > len(data)
    ]
    possible = [n for n, (count, data) in enumerate(blocks) if count <= len(data)]
    if writer.native is None:
        return _decode_blocks_complete(writer, blocks, possible, bad, schema)
    # a block is an Avro array but for its count and its end
    arrays = [
        (_zigzag(count) + data if count else data) + b"\x00" + END
        for count, data in (blocks[n] for n in possible)
    ]
    native = writer.native.many
    good, faults = bisect_good(
        len(arrays), lambda start, stop: _deserialize(arrays[start:stop], native), (AvroDataError,)
    )
    bad += [(possible[row], str(error)) for row, error in faults]
    parts = []
    for start, batch in good:
        complete = _complete(batch)
        block = np.array(possible[start : start + len(complete)], np.int64)
        bad += [(int(number), _LEFT_OVER) for number in block[~complete]]
        records, origin, event = _flatten(batch.column(0).filter(pa.array(complete)), writer.columns)
        records = writer.with_times(at_paths(records, schema.columns))
        parts.append(Part(records, block[complete][origin], event))
    return parts, bad


def _decode_blocks_complete(
    writer: WriterSchema,
    blocks: Sequence[tuple[int, bytes]],
    possible: Sequence[int],
    bad: list[tuple[int, str]],
    schema: EventSchema,
) -> tuple[list[Part], list[tuple[int, str]]]:
    parts: list[Part] = []
    for block in possible:
        count, data = blocks[block]
        source = io.BytesIO(data)
        try:
            rows = [fastavro.schemaless_reader(source, writer.parsed, None) for _ in range(count)]
        except Exception as error:  # noqa: BLE001  # whatever the bytes make of fastavro, it is their fault
            bad.append((block, repr(error)))
            continue
        if source.tell() != len(data):
            bad.append((block, _LEFT_OVER))
            continue
        records = writer.with_times(table_of_rows(rows, schema))
        event = np.arange(len(rows), dtype=np.int64)
        parts.append(Part(records, np.full(len(rows), block, np.int64), event))
    return parts, bad


def _deserialize(messages: Sequence[bytes], schema: str) -> Any:
    try:
        return pyruhvro.deserialize_array(messages, schema)
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise AvroDataError(str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust raises when it gives up, not an Exception
            raise
        raise AvroDataError(str(error)) from error


def _complete(batch: Any) -> NDArray[np.bool_]:
    """Say of each message whether its end was where the schema says."""
    ends = batch.column(batch.schema.get_field_index(END_FIELD)).to_numpy(zero_copy_only=False)
    result: NDArray[np.bool_] = ends.view(np.uint64) == np.uint64(_END_BITS)
    return result


def _flatten(column: Any, names: Sequence[str]) -> tuple[pa.Table, NDArray[np.int64], NDArray[np.int64]]:
    """Make a table of lists of records, and say which list, and where in it, each came from."""
    column = flat(column)
    offsets = column.offsets.to_numpy().astype(np.int64)
    lengths = np.diff(offsets)
    origin = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    event = np.arange(offsets[0], offsets[-1], dtype=np.int64) - np.repeat(offsets[:-1], lengths)
    structs = column.flatten()
    return pa.Table.from_arrays(structs.flatten(), list(names)), origin, event


def _zigzag(value: int) -> bytes:
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
