"""Write the rows of a job that never ends: a folder of whole files, on any Beam filesystem."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

import driftline.transforms.coders  # noqa: F401  # batches travel as Arrow IPC
from driftline.transforms.sinks.files.write_rows import json_lines, plain_records
from driftline.transforms.sinks.written import closed_windows, count_written
from driftline.transforms.write_file import is_folder, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.tables import RowSchema, Table

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_GROWS_TO: Final = 256 * 1024
_GROWS_FOR: Final = 60.0
_MOST_BYTES: Final = 32 << 20


@dataclass
class WriteStreamFiles(beam.PTransform):
    """Write record batches of one schema to the files of a folder while they come.

    Parameters
    ----------
    directory
        Where to write, on any Beam filesystem.
    table
        What the rows are; the folder has its name.
    file_format
        ``parquet``, ``avro`` or ``jsonl``; also the suffix of the folder and of the files in it.

    Notes
    -----
    Readers that open ``results.parquet`` find a folder where `WriteRows` leaves a file: pyarrow, pandas and
    DuckDB read both alike. Every file in it is whole: it is written under a name that they all leave out (it
    begins with a dot and has another suffix), then renamed.

    Rows with a ``window_end`` get a file a batch, named by window and content, so that a replay writes the
    same file again. All others come in ones and twos: they share a file, written anew with each bundle until
    it has 256 kB or is a minute old. After a replay a row may be in two files: `standing_rows` keeps one.
    """

    directory: str
    table: Table
    file_format: str

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Write the batches."""
        table = self.table
        folder = folder_of(self.directory, table.name, self.file_format)
        return batches | "WriteFiles" >> beam.ParDo(
            WriteFiles(folder, table.schema, told_apart_by(table), self.file_format)
        )


class WriteFiles(beam.DoFn):
    """Write batches to the files of a folder.

    Parameters
    ----------
    folder
        The folder; it is made if it is missing.
    versions
        As `told_apart_by` gives them.
    """

    def __init__(self, folder: str, schema: RowSchema, versions: tuple[str, ...], file_format: str) -> None:
        self._folder = folder
        self._schema = schema
        self._versions = versions
        self._format = file_format

    def setup(self) -> None:
        """Begin without a file that grows."""
        self._windowed = "window_end" in self._schema.names
        self._grown: list[pa.RecordBatch] = []
        self._path = ""
        self._began = 0.0

    def start_bundle(self) -> None:
        """Begin without rows."""
        self._new: list[pa.RecordBatch] = []

    def process(self, batch: pa.RecordBatch) -> None:
        """Write a batch of windows; keep others for the end of the bundle, unless they are many."""
        if not batch.num_rows:
            return
        if self._windowed:
            path = FileSystems.join(self._folder, f"{content_name(batch, self._versions)}.{self._format}")
            write_whole(path, [batch], self._schema, self._format)
            count_written(batch.num_rows, closed_windows(batch))
            return
        self._new.append(batch)
        if _bytes(self._new) > _MOST_BYTES:
            self._grow()

    def finish_bundle(self) -> None:
        """Write what was kept."""
        if self._new:
            self._grow()

    def _grow(self) -> None:
        now = time.time()
        if not self._path or now - self._began > _GROWS_FOR or _bytes(self._grown) > _GROWS_TO:
            name = f"{_time_name(int(now * 1e6))}-{uuid.uuid4().hex[:16]}"
            self._path = FileSystems.join(self._folder, f"{name}.{self._format}")
            self._grown, self._began = [], now
        batches = [*self._grown, *self._new]
        write_whole(self._path, batches, self._schema, self._format)
        count_written(sum(batch.num_rows for batch in self._new), [])
        self._grown, self._new = batches, []


def folder_of(directory: str, name: str, file_format: str) -> str:
    """Path of the folder that a table is written to."""
    return FileSystems.join(directory, f"{name}.{file_format}")


def make_folder(folder: str, schema: RowSchema, file_format: str) -> None:
    """Make a table's folder with a file that has the columns and no rows: readers can open it at once.

    Parameters
    ----------
    folder
        From `folder_of`. What is in it stays.

    Raises
    ------
    NotADirectoryError
        If a file has the name, which a backtest may have left there.
    """
    if FileSystems.exists(folder) and not is_folder(folder):
        raise NotADirectoryError(
            f"{folder} is a file, and a job that never ends writes a folder there: move the file away, or "
            "give the job another folder"
        )
    # The year 0001 sorts before all.
    path = FileSystems.join(folder, f"00010101T000000Z-{schema.name}.{file_format}")
    write_whole(path, [], schema, file_format)


def told_apart_by(table: Table) -> tuple[str, ...]:
    """Name what tells versions of a row apart, the same in every replay.

    Returns
    -------
    tuple of str
        The columns of its rank, but for the time at which it was written.
    """
    return tuple(name for name in table.rank if name != "emitted_at")


def content_name(batch: pa.RecordBatch, versions: tuple[str, ...]) -> str:
    """Name a batch of windows by what is in it: sorted by time, and the same in every replay.

    Parameters
    ----------
    batch
        Rows with ``row_id`` and ``window_end``.

    Returns
    -------
    str
        End of the last window, and a hash of every row's ``row_id`` and `versions` in any order.
    """
    parts = [batch.column(name).cast(pa.string()) for name in ("row_id", *versions)]
    rows = pc.binary_join_element_wise(*parts, "/", null_handling="replace")
    digest = hashlib.sha256("\n".join(sorted(rows.to_pylist())).encode())
    end = pc.max(batch.column("window_end").cast(pa.int64())).as_py()
    return f"{_time_name(end)}-{digest.hexdigest()[:16]}"


def write_whole(path: str, batches: Sequence[pa.RecordBatch], schema: RowSchema, file_format: str) -> None:
    """Write a file that no reader sees before it is complete.

    Parameters
    ----------
    path
        Where; a file there is replaced.
    """
    folder, name = FileSystems.split(path)
    # DuckDB reads every *.parquet, pyarrow whatever does not begin with a dot or underscore.
    unfinished = FileSystems.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.unfinished")
    try:
        with FileSystems.create(unfinished, compression_type="uncompressed") as file:
            file.write(_encoded(batches, schema, file_format))
        replace(unfinished, path)
    except BaseException:
        if FileSystems.exists(unfinished):
            FileSystems.delete([unfinished])
        raise


def _encoded(batches: Sequence[pa.RecordBatch], schema: RowSchema, file_format: str) -> bytes:
    if file_format == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_batches(batches, schema.arrow), sink, compression="zstd")
        return sink.getvalue().to_pybytes()
    if file_format == "avro":
        file = io.BytesIO()
        records = [record for batch in batches for record in plain_records(batch)]
        fastavro.writer(file, fastavro.parse_schema(schema.avro), records, codec="deflate")
        return file.getvalue()
    return b"".join(line + b"\n" for batch in batches for line in json_lines(batch))


def _bytes(batches: Sequence[pa.RecordBatch]) -> int:
    return sum(batch.get_total_buffer_size() for batch in batches)


def _time_name(micros: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=micros):%Y%m%dT%H%M%SZ}"
