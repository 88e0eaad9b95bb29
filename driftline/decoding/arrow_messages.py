"""Arrow IPC messages: a stream or a file, a batch of events each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

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

    Parameters
    ----------
    schema : EventSchema
        The columns to keep.

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
        self._schema = schema

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages; of one cut short the whole batches are kept."""
        parts: list[Part] = []
        rejects: list[Reject] = []
        for message, payload in enumerate(payloads):
            first = 0
            try:
                for batch in read_batches(payload):
                    records = checked(batch, self._schema.columns)
                    if records.num_rows:
                        event = np.arange(first, first + records.num_rows, dtype=np.int64)
                        parts.append(Part(records, np.full(records.num_rows, message, np.int64), event))
                    first += records.num_rows
            except ARROW_FAULTS as error:
                reason = Reason.TRUNCATED if first else Reason.UNDECODABLE
                behind = f" behind {first} good rows" if first else ""
                rejects.append(Reject(reason, f"not Arrow IPC{behind}: {error}", message))
        return Decoded(join_parts(parts), tuple(rejects))


def read_batches(source: Any) -> Iterator[Any]:
    """Read the batches of an Arrow IPC stream or file, in order.

    A file is read as the stream it contains, so that one without its footer still gives its batches.

    Parameters
    ----------
    source : bytes or pyarrow.NativeFile
        The bytes.

    Yields
    ------
    pyarrow.RecordBatch
        The batches, unchecked.
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

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        A batch from outside.
    columns : sequence of str
        The columns to keep, where present.

    Returns
    -------
    pyarrow.Table
        The columns.

    Raises
    ------
    pyarrow.ArrowInvalid
        If offsets, dictionary indices or text are invalid.
    """
    names = batch.schema.names
    kept = [names.index(name) for name in columns if name in names] or list(range(min(1, len(names))))
    records = batch.select(kept)
    records.validate(full=True)
    return pa.Table.from_batches([records])
