"""Gather the record batches of a bundle, so that what is made of them are few elements."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import apache_beam as beam
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator


class GatherBundle(beam.DoFn):
    """Gather record batches until they are many or the bundle ends, then make elements of all at once.

    An element of several batches needs a timestamp that is not after any of theirs, so that the watermark
    does not pass a row on its way.
    """

    MOST_ROWS: ClassVar[int] = 131_072
    """Rows that are gathered at most, and those of a batch."""

    MOST_BYTES: ClassVar[int] = 128 << 20
    """Bytes that are gathered at most, and those of a batch."""

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self._gathered: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def process(self, batch: pa.RecordBatch) -> Iterator[Any]:
        """Gather a batch."""
        yield from self.gather(batch)

    def finish_bundle(self) -> Iterator[Any]:
        """Make elements of what is left."""
        yield from self.flush()

    @abstractmethod
    def make(self, batch: pa.RecordBatch) -> Iterator[Any]:
        """Make elements, with timestamps, of what was gathered."""

    def gather(self, batch: pa.RecordBatch) -> Iterator[Any]:
        """Gather a batch; make elements of what is gathered when it is much, or before the columns change."""
        if self._gathered and batch.schema != self._gathered[0].schema:
            yield from self.flush()
        if batch.num_rows:
            self._gathered.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes
        if self._rows >= self.MOST_ROWS or self._bytes >= self.MOST_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[Any]:
        """Make elements of what is gathered, and begin with nothing."""
        gathered, self._gathered, self._rows, self._bytes = self._gathered, [], 0, 0
        for batch in pa.Table.from_batches(gathered).combine_chunks().to_batches() if gathered else ():
            yield from self.make(batch)
