"""Arrow IPC messages: a stream or a file, a batch of events each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.decoding.arrow_checks import check_structure
from driftline.decoding.arrow_metadata import FILE_MAGIC, Blocks, file_blocks, message_head
from driftline.decoding.column_paths import root_of
from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.duplicate_columns import DuplicateColumnError, check_single
from driftline.decoding.limits import MAX_BLOCK, MAX_MESSAGE, TooLargeError, check_size
from driftline.decoding.plain_size import VALUE, plain_bytes
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.decoding.event_schema import EventSchema

ARROW_FAULTS: Final = (
    pa.ArrowException,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    NotImplementedError,
    MemoryError,
)
"""What pyarrow raises over damaged IPC bytes; its file errors are OSError."""


class ArrowDecoder:
    """Decodes Arrow IPC streams and files.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> sink = pa.BufferOutputStream()
    >>> with pa.ipc.new_stream(sink, pa.schema([("at", pa.int64())])) as writer:
    ...     writer.write_table(pa.table({"at": [1, 2]}))
    >>> decoded = ArrowDecoder(EventSchema("at")).decode([sink.getvalue().to_pybytes(), b"?"])
    >>> decoded.parts[0].records.to_pylist(), decoded.rejects[0].reason.value
    ([{'at': 1}, {'at': 2}], 'undecodable')
    """

    def __init__(self, schema: EventSchema, limit: int = MAX_MESSAGE) -> None:
        self._columns = schema.columns
        self._limit = limit
        self._names: list[str] | None = None
        self._kept: list[int] = []

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages; of one cut short the whole batches are kept, of one too large nothing."""
        batches: list[_Batch] = []
        rejects: list[Reject] = []
        for message, payload in enumerate(payloads):
            first = size = 0
            before = len(batches)
            try:
                for batch in read_batches(payload, self._limit):
                    if batch.num_rows:
                        check_size(VALUE * batch.num_rows, self._limit)
                        records = self._checked(batch)
                        size += plain_bytes(records)
                        check_size(size, self._limit)
                        batches.append(_Batch(records, message, first))
                    first += batch.num_rows
            except TooLargeError as error:
                del batches[before:]
                rejects.append(
                    Reject(Reason.TOO_LARGE, f"Arrow IPC that {error}; see max_expanded_mb", message)
                )
            except DuplicateColumnError as error:
                rejects.append(Reject(Reason.DUPLICATE_COLUMN, str(error), message))
            except ARROW_FAULTS as error:
                reason = Reason.TRUNCATED if first else Reason.UNDECODABLE
                behind = f" behind {first} good rows" if first else ""
                rejects.append(Reject(reason, f"not Arrow IPC{behind}: {error}", message))
        return Decoded(join_parts(_part(run) for run in _runs(batches)), tuple(rejects))

    def _checked(self, batch: Any) -> pa.RecordBatch:
        names = batch.schema.names
        if names != self._names:  # most messages have the columns of the one before
            self._names, self._kept = names, kept_columns(names, self._columns)
        records = batch.select(self._kept)
        check_structure(records)
        return records


class _Batch(NamedTuple):
    """A checked batch, and the place of its first event in its message."""

    records: pa.RecordBatch
    message: int
    first: int


def _runs(batches: Sequence[_Batch]) -> Iterator[Sequence[_Batch]]:
    """Stretches of batches with the same schema: to put them together is costly one by one."""
    start = 0
    for stop in range(1, len(batches) + 1):
        if stop == len(batches) or batches[stop].records.schema != batches[start].records.schema:
            yield batches[start:stop]
            start = stop


def _part(run: Sequence[_Batch]) -> Part:
    rows = np.array([batch.records.num_rows for batch in run], np.int64)
    message = np.repeat(np.array([batch.message for batch in run], np.int64), rows)
    begin = np.repeat(np.cumsum(rows) - rows, rows)
    event = np.arange(len(message)) - begin + np.repeat(np.array([batch.first for batch in run]), rows)
    return Part(pa.Table.from_batches([batch.records for batch in run]), message, event.astype(np.int64))


def read_batches(source: Any, limit: int = MAX_BLOCK) -> Iterator[Any]:
    """Read the batches of an Arrow IPC stream or file, in order and unchecked.

    A file is read by its footer; one without is read as the stream that most writers put into it.

    Parameters
    ----------
    source : bytes or pyarrow.NativeFile
        It can seek.
    limit : int
        Bytes that a batch and the dictionaries before it may become.

    Raises
    ------
    TooLargeError
        Before a batch is read that becomes larger.
    """
    file = source if isinstance(source, pa.NativeFile) else pa.BufferReader(source)
    head = file.read(8)
    if not head:
        raise pa.ArrowInvalid("no bytes at all")
    if not head.startswith(FILE_MAGIC):
        yield from _stream(file, 0, limit)
        return
    blocks = file_blocks(file)
    if blocks is not None:
        yield from _file(file, blocks, limit)
        return
    yield from _stream(file, 8, limit)
    raise pa.ArrowInvalid("the file ends without its footer")


def _stream(file: Any, start: int, limit: int) -> Iterator[Any]:
    file.seek(start)
    spent = 0
    with pa.ipc.open_stream(file) as reader:
        while True:
            here = offset = file.tell()
            while (head := message_head(file, offset)) is not None:
                spent += head.expanded if head.is_dictionary else 0
                check_size(spent + (0 if head.is_dictionary else head.expanded), limit)
                offset = head.end
                if head.is_records:
                    break
            file.seek(here)
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            yield batch


def _file(file: Any, blocks: Blocks, limit: int) -> Iterator[Any]:
    spent = 0
    for offset in blocks.dictionaries:
        spent += _expanded(file, offset)
        check_size(spent, limit)
    file.seek(0)
    reader = pa.ipc.open_file(file)
    for number, offset in enumerate(blocks.records):
        check_size(spent + _expanded(file, offset), limit)
        yield reader.get_batch(number)


def _expanded(file: Any, offset: int) -> int:
    head = message_head(file, offset)
    return 0 if head is None else head.expanded


def checked(batch: Any, columns: Sequence[str]) -> pa.Table:
    """Keep columns of a batch and check their buffers, so that no later step reads outside them.

    Raises
    ------
    pyarrow.ArrowInvalid
        If offsets or dictionary indices are invalid.
    DuplicateColumnError
        If a column to keep is there more than once.
    """
    records = batch.select(kept_columns(batch.schema.names, columns))
    check_structure(records)
    return pa.Table.from_batches([records])


def kept_columns(names: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Places of the columns to keep; the first column, which tells the rows, where there are none.

    Raises
    ------
    DuplicateColumnError
        If a column to keep is there more than once.

    Examples
    --------
    >>> kept_columns(["a", "b", "c"], ["c", "b.x", "x"]), kept_columns(["a"], ["x"])
    ([2, 1], [0])
    """
    check_single(names, {root_of(column, names) for column in columns})
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    roots = dict.fromkeys(root_of(column, places) for column in columns)
    return [places[name] for name in roots if name is not None] or list(range(min(1, len(names))))
