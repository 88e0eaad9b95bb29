"""Coders of what moves between steps: Arrow batches travel as Arrow IPC, never as pickle."""

from __future__ import annotations

import pyarrow as pa
from apache_beam.coders import Coder, registry


class _ArrowCoder(Coder):
    """What coders of Arrow values share: no parameters, and equal values may differ in bytes."""

    def encode(self, value: pa.RecordBatch | pa.Table) -> bytes:
        """Encode a value with its schema."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema) as writer:
            writer.write(value)
        return sink.getvalue().to_pybytes()

    def is_deterministic(self) -> bool:
        """Say that equal values may have different bytes."""
        return False

    def __eq__(self, other: object) -> bool:
        """Compare: the coder has no parameters."""
        return type(self) is type(other)

    def __hash__(self) -> int:
        """Hash: the coder has no parameters."""
        return hash(type(self))


class RecordBatchCoder(_ArrowCoder):
    """Codes a `pyarrow.RecordBatch` as an Arrow IPC stream of one batch."""

    def decode(self, encoded: bytes) -> pa.RecordBatch:
        """Decode a batch."""
        with pa.ipc.open_stream(encoded) as reader:
            return reader.read_next_batch()

    def to_type_hint(self) -> type:
        """Name the type this codes."""
        return pa.RecordBatch


class TableCoder(_ArrowCoder):
    """Codes a `pyarrow.Table` as an Arrow IPC stream."""

    def decode(self, encoded: bytes) -> pa.Table:
        """Decode a table."""
        with pa.ipc.open_stream(encoded) as reader:
            return reader.read_all()

    def to_type_hint(self) -> type:
        """Name the type this codes."""
        return pa.Table


registry.register_coder(pa.RecordBatch, RecordBatchCoder)
registry.register_coder(pa.Table, TableCoder)
