"""Arrow IPC messages: a stream or a file, a batch of events each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.decoding.column_paths import root_of
from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.decoding.event_schema import EventSchema

FILE_MAGIC: Final = b"ARROW1"
ARROW_FAULTS: Final = (pa.ArrowException, OSError, ValueError, IndexError, KeyError, NotImplementedError)
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

    def __init__(self, schema: EventSchema) -> None:
        self._columns = schema.columns
        self._names: list[str] | None = None
        self._kept: list[int] = []

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages; of one cut short the whole batches are kept."""
        batches: list[_Batch] = []
        rejects: list[Reject] = []
        for message, payload in enumerate(payloads):
            first = 0
            try:
                for batch in read_batches(payload):
                    if batch.num_rows:
                        batches.append(_Batch(self._checked(batch), message, first))
                    first += batch.num_rows
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
        records.validate(full=True)
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


def read_batches(source: Any) -> Iterator[Any]:
    """Read the batches of an Arrow IPC stream or file, in order and unchecked.

    A file is read as the stream it contains, so that one without its footer still gives its batches.
    """
    file = source if isinstance(source, pa.NativeFile) else pa.BufferReader(source)
    head = file.read(8)
    if not head:
        raise pa.ArrowInvalid("no bytes at all")
    is_file = head.startswith(FILE_MAGIC)
    if not is_file:
        file.seek(0)
    with pa.ipc.open_stream(file) as reader:
        yield from reader
    if is_file:
        file.seek(max(0, file.size() - len(FILE_MAGIC)))
        if file.read() != FILE_MAGIC:
            raise pa.ArrowInvalid("the file ends without its footer")


def checked(batch: Any, columns: Sequence[str]) -> pa.Table:
    """Keep columns of a batch and check their buffers, so that no later step reads outside them.

    Raises
    ------
    pyarrow.ArrowInvalid
        If offsets, dictionary indices or text are invalid.
    """
    records = batch.select(kept_columns(batch.schema.names, columns))
    records.validate(full=True)
    return pa.Table.from_batches([records])


def kept_columns(names: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Places of the columns to keep; the first column, which tells the rows, where there are none.

    Examples
    --------
    >>> kept_columns(["a", "b", "c"], ["c", "b.x", "x"]), kept_columns(["a"], ["x"])
    ([2, 1], [0])
    """
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    roots = dict.fromkeys(root_of(column, places) for column in columns)
    return [places[name] for name in roots if name is not None] or list(range(min(1, len(names))))
