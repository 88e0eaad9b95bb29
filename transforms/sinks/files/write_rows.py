"""Write result rows and dead letters to files, on any Beam filesystem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import orjson
import pyarrow as pa
from apache_beam.io import WriteToAvro, WriteToText
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.parquetio import WriteToParquetBatched

import driftline.transforms.coders  # noqa: F401  # tables travel as Arrow IPC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.tables import RowSchema


@dataclass
class WriteRows(beam.PTransform):
    """Write record batches of one schema to one file.

    Parameters
    ----------
    directory
        Where to write, on any Beam filesystem.
    name
        Name of the file, without suffix.
    file_format
        ``parquet``, ``avro`` or ``jsonl``; also the suffix.

    Notes
    -----
    One file a table, also where there are no rows: results are few, and every reader opens a file under its
    name. Beam writes to a temporary name first, so a file under its final name is complete.
    """

    directory: str
    name: str
    schema: RowSchema
    file_format: str

    def expand(self, batches: beam.PCollection) -> Any:
        """Write the batches."""
        path = FileSystems.join(self.directory, f"{self.name}.{self.file_format}")
        if self.file_format == "parquet":
            return (
                batches
                | "ToTable" >> beam.Map(_table).with_output_types(pa.Table)
                | "Write"
                >> WriteToParquetBatched(
                    path, self.schema.arrow, codec="zstd", num_shards=1, shard_name_template=""
                )
            )
        if self.file_format == "avro":
            return (
                batches
                | "ToRecords" >> beam.FlatMap(plain_records)
                | "Write" >> WriteToAvro(path, self.schema.avro, num_shards=1, shard_name_template="")
            )
        return (
            batches
            | "ToLines" >> beam.FlatMap(json_lines).with_output_types(bytes)
            | "Write"
            >> WriteToText(path, num_shards=1, shard_name_template="", coder=beam.coders.BytesCoder())
        )


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def plain_records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Make records of plain numbers, text and bytes: Beam would pickle a datetime on the way to the file.

    Returns
    -------
    list of dict
        What fastavro writes; times are microseconds.
    """
    plain = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(plain, names=batch.schema.names).to_pylist()


def json_lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Write each row as a JSON object, without a line break.

    Yields
    ------
    bytes
        One object; the bytes of a dead letter are shown as text.
    """
    for record in batch.to_pylist():
        yield orjson.dumps(record, default=_text)


def _text(value: object) -> str:
    """Show the bytes of a dead letter as text: JSON has no bytes."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    msg = f"cannot write {type(value).__name__} as JSON"
    raise TypeError(msg)
