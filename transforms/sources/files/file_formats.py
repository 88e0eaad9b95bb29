"""Readers of the file formats: from an open file to records with their places."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from driftline.config.csv_dialect import CsvDialect
from driftline.config.file_suffixes import SUFFIXES, format_of
from driftline.decoding.arrow_messages import checked, read_batches
from driftline.decoding.avro_container import AvroContainerError, ContainerReader
from driftline.decoding.avro_schema import arrow_columns
from driftline.decoding.column_paths import parquet_paths, root_of
from driftline.decoding.decoded import Decoded, Part
from driftline.decoding.decompressed import native
from driftline.decoding.duplicate_columns import DuplicateColumnError, check_single
from driftline.decoding.limits import MAX_BLOCK, TooLargeError, check_size
from driftline.decoding.partition_columns import constant, kind_of, partition_values
from driftline.decoding.plain_size import plain_bytes
from driftline.decoding.rejects import Reason
from driftline.transforms.sources.decode import SourceBatch
from driftline.transforms.sources.files.csv_files import csv_columns, read_csv
from driftline.transforms.sources.files.damage import damaged, is_damage
from driftline.transforms.sources.files.json_files import json_columns, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftline.decoding.event_schema import EventSchema

FILE_FORMATS: Final = ("avro", "parquet", "jsonl", "csv", "tsv", "arrow")

_ROWS: Final = 65_536
_BYTES: Final = 32 << 20


class UnreadableFileError(ValueError):
    """A file of which not even the columns can be read."""


def file_format(pattern: str) -> str:
    """Tell the format of files from their name.

    Parameters
    ----------
    pattern
        File name or pattern; JSON and CSV may be compressed, ``.jsonl.gz``.

    Returns
    -------
    str
        One of `FILE_FORMATS`.

    Raises
    ------
    ValueError
        If the suffix does not tell.

    Examples
    --------
    >>> file_format("gs://bucket/log-*.jsonl.zst")
    'jsonl'
    """
    found = format_of(pattern)
    if found is None:
        raise ValueError(
            f"{pattern}: the suffix does not tell the format (known: {', '.join(SUFFIXES)}); "
            f"set `format:` next to the pattern to one of {', '.join(FILE_FORMATS)}"
        )
    return found


def read_file(
    file: Any, path: str, kind: str, schema: EventSchema, csv: CsvDialect | None = None
) -> Iterator[SourceBatch]:
    """Read records of a file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, for positions, and for the columns that its folders name: ``day=2026-01-01/part.parquet``.
    kind
        One of `FILE_FORMATS`.
    csv
        How CSV is written.

    Yields
    ------
    SourceBatch
        At most 65,536 rows, about 32 MB; damage is a reject, and what is whole is read.
    """
    constants = {name: value for name, value in partition_values(path).items() if name in schema.columns}
    if kind == "jsonl":
        yield from read_json(file, path, schema, _as_numbers(constants, schema))
        return
    if kind in ("csv", "tsv"):
        batches = read_csv(file, path, schema, (csv or CsvDialect()).of_format(kind))
    else:
        readers = {"avro": _read_avro, "parquet": _read_parquet, "arrow": _read_arrow}
        batches = readers[kind](file, path, schema)
    for batch in batches:
        yield _completed(batch, constants, schema) if constants else batch


def columns_of(
    file: Any, path: str, kind: str, csv: CsvDialect | None = None
) -> list[tuple[str, Any]] | None:
    """Look at the columns of a file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, whose folders may name columns.
    kind
        One of `FILE_FORMATS`.
    csv
        How CSV is written.

    Returns
    -------
    list of (str, pyarrow.DataType) or None
        The columns; of JSON and CSV those of the first 1,000 rows. None if the file is empty.

    Raises
    ------
    UnreadableFileError
        If it is damaged, encrypted, or of another format.
    """
    try:
        found = _own_columns(file, path, kind, csv)
    except Exception as error:
        if not (is_damage(error) or isinstance(error, AvroContainerError)):
            raise
        if not _is_empty(file):
            raise UnreadableFileError(f"{path} cannot be read as {kind}: {error}") from error
        return None
    if found is None:
        return None
    own = {name for name, _ in found}
    return found + [
        (name, kind_of(value)) for name, value in partition_values(path).items() if name not in own
    ]


def _is_empty(file: Any) -> bool:
    file.seek(0)
    return not file.read(1)


def _own_columns(file: Any, path: str, kind: str, csv: CsvDialect | None) -> list[tuple[str, Any]] | None:
    if kind == "avro":
        return arrow_columns(ContainerReader(file).schema_text)
    if kind == "parquet":
        found = pq.ParquetFile(native(file)).schema_arrow
        return [(field.name, field.type) for field in found]
    if kind == "arrow":
        batch = next(read_batches(native(file)), None)
        return None if batch is None else [(field.name, field.type) for field in batch.schema]
    if kind == "jsonl":
        return json_columns(file, path)
    return csv_columns(file, path, (csv or CsvDialect()).of_format(kind))


def _completed(batch: SourceBatch, constants: Mapping[str, str | None], schema: EventSchema) -> SourceBatch:
    """Add the columns that folders name, where the file has none of the name."""
    parts = []
    for part in batch.decoded.parts:
        records = part.records
        for name in constants.keys() - set(records.schema.names):
            column = constant(constants[name], records.num_rows, numeric=name in schema.numbers)
            records = records.append_column(name, column)
        parts.append(replace(part, records=records))
    return replace(batch, decoded=Decoded(tuple(parts), batch.decoded.rejects))


def _as_numbers(constants: Mapping[str, str | None], schema: EventSchema) -> dict[str, Any]:
    return {
        name: constant(value, 1, numeric=name in schema.numbers)[0].as_py()
        for name, value in constants.items()
    }


def _read_avro(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    try:
        reader = ContainerReader(file)
    except AvroContainerError as error:
        yield damaged(path, "byte", 0, str(error), reason=error.reason)
        return
    own = {name for name, _ in arrow_columns(reader.schema_text)}
    for decoded in reader.records(schema):
        for part in decoded.parts:
            names = part.records.schema.names
            absent = [
                name for name in names if root_of(name, own) is None
            ]  # null where rows were made one by one
            records = part.records.drop_columns(absent) if len(absent) < len(names) else part.records
            for start in range(0, records.num_rows, _ROWS):
                piece = Part.of_rows(records.slice(start, _ROWS))
                positions = part.message[start : start + _ROWS].tolist()
                yield SourceBatch(Decoded((piece,)), path, positions, "row")
        for reject in decoded.rejects:
            yield damaged(path, "byte", reject.message, reject.detail, reason=reject.reason)


def _read_parquet(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    try:
        parquet = pq.ParquetFile(native(file), page_checksum_verification=True)
    except Exception as error:
        if not is_damage(error):
            raise
        yield damaged(path, "byte", 0, f"not a whole Parquet file: {error}")
        return
    names = parquet.schema_arrow.names
    try:
        check_single(names, {root_of(column, names) for column in schema.columns})
    except DuplicateColumnError as error:
        rows = parquet.metadata.num_rows
        yield damaged(path, "row", 0, str(error), reason=Reason.DUPLICATE_COLUMN, rows=rows)
        return
    columns = parquet_paths(parquet, schema.columns)
    first = 0
    for group in range(parquet.num_row_groups):
        row = first
        meta = parquet.metadata.row_group(group)
        first += meta.num_rows
        size = max(1, min(_ROWS, _BYTES * max(1, meta.num_rows) // max(1, meta.total_byte_size)))
        found = "a column chunk holds fewer rows than its row group"
        try:
            for batch in parquet.iter_batches(size, row_groups=[group], columns=columns, use_threads=False):
                yield SourceBatch.of_rows(pa.Table.from_batches([batch]), path, row)
                row += batch.num_rows
        except Exception as error:
            if not is_damage(error):
                raise
            found = str(error)
        if row < first:
            lost = f"damaged row group: rows {row} to {first - 1} cannot be read: {found}"
            yield damaged(path, "row group", group, lost, rows=first - row)


def _read_arrow(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    row = 0
    try:
        for batch in read_batches(native(file)):
            records = checked(batch, schema.columns)
            for start in range(0, records.num_rows, _ROWS):
                piece = records.slice(start, _ROWS)
                for plain in piece.to_batches():
                    check_size(plain_bytes(plain), MAX_BLOCK)
                yield SourceBatch.of_rows(piece, path, row + start)
            row += records.num_rows
    except TooLargeError as error:
        detail = f"a record batch behind {row} rows {error}; write smaller ones"
        yield damaged(path, "row", row, detail, reason=Reason.TOO_LARGE)
    except DuplicateColumnError as error:
        yield damaged(path, "row", row, str(error), reason=Reason.DUPLICATE_COLUMN)
    except Exception as error:
        if not is_damage(error):
            raise
        yield damaged(path, "row", row, f"Arrow IPC damaged behind {row} rows: {error}")
