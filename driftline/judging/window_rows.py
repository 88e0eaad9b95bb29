"""What is judged of one window and remembered while it can still change, as versioned bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from driftline.framing import Head, refuses_damage
from driftline.profiles.coverage import Coverage
from driftline.tables import RESULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD = Head(b"dWR", 1, "part of a window's rows", "I")  # length of the coverage
# parts are small: threads would cost more than they save
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READ = pa.ipc.IpcReadOptions(use_threads=False)


@dataclass(frozen=True)
class WindowRows:
    """Rows of one model and window.

    Parameters
    ----------
    coverage
        Units of event time with rows of the model, None where this part knows nothing of it.
    """

    batches: tuple[pa.RecordBatch, ...] = ()
    coverage: Coverage | None = None

    @staticmethod
    def merge(parts: Sequence[WindowRows]) -> WindowRows:
        """Join parts of one window."""
        coverages = [part.coverage for part in parts if part.coverage is not None]
        return WindowRows(
            tuple(batch for part in parts for batch in part.batches),
            Coverage.merge_all(coverages) if coverages else None,
        )

    def split(self, most: int) -> Iterator[WindowRows]:
        """Take apart what is too large for one message, into parts of `most` rows at most.

        Yields
        ------
        WindowRows
            The rows in their order; the coverage comes with the first.
        """
        coverage = self.coverage
        for batch in self.batches:
            for start in range(0, batch.num_rows, most):
                yield WindowRows((batch.slice(start, most),), coverage)
                coverage = None

    def to_bytes(self) -> bytes:
        """Encode.

        Returns
        -------
        bytes
            A head and the coverage, then the rows as an Arrow stream, which carries its schema and is
            compressed: most of a row is counts.
        """
        coverage = self.coverage.to_bytes() if self.coverage is not None else b""
        sink = pa.BufferOutputStream()
        sink.write(_HEAD.pack(len(coverage)) + coverage)
        if self.batches:
            with pa.ipc.new_stream(sink, RESULT.arrow, options=_COMPRESSED) as writer:
                for batch in self.batches:
                    writer.write_batch(batch)
        return bytes(sink.getvalue().to_pybytes())

    @staticmethod
    @refuses_damage("rows of a window")
    def from_bytes(data: bytes) -> WindowRows:
        """Decode what `to_bytes` gave, in this or an earlier version.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, or a newer release wrote them.
        """
        (length,), rest = _HEAD.unpack(data)
        known = rest.take("u1", length).tobytes()
        coverage = Coverage.from_bytes(known) if length else None
        rows = data[rest.at :]
        batches: tuple[pa.RecordBatch, ...] = ()
        if rows:
            with pa.ipc.open_stream(rows, options=_READ) as reader:
                batches = tuple(_with_every_column(batch) for batch in reader)
        return WindowRows(batches, coverage)


def _with_every_column(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Give rows of an earlier release the columns that came later, as nulls."""
    if batch.schema.equals(RESULT.arrow):
        return batch
    names = set(batch.schema.names)
    arrays = [
        batch[column.name] if column.name in names else pa.nulls(batch.num_rows, column.type)
        for column in RESULT.arrow
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT.arrow)
