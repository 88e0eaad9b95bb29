"""Readers of the file formats: from an open file to records with their places."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from driftline.config.file_suffixes import COMPRESSIONS, SUFFIXES, format_of
from driftline.decoding.arrow_messages import ARROW_FAULTS, checked, read_batches
from driftline.decoding.avro_container import AvroContainerError, ContainerReader
from driftline.decoding.avro_schema import arrow_columns
from driftline.decoding.column_paths import parquet_paths
from driftline.decoding.decoded import Decoded, Part
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.python_rows import column_of
from driftline.decoding.rejects import MAX_PAYLOAD, Reason, Reject
from driftline.transforms.sources.decode import SourceBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.decoding.event_schema import EventSchema

FILE_FORMATS: Final = ("avro", "parquet", "jsonl", "arrow")

_ROWS: Final = 65_536
_BYTES: Final = 32 << 20
_READ: Final = 4 << 20
_LONGEST_LINE: Final = 64 << 20
_PEEKED_ROWS: Final = 1_000


def file_format(pattern: str) -> str:
    """Tell the format of files from their name.

    Parameters
    ----------
    pattern
        File name or pattern; JSON lines may be compressed, ``.jsonl.gz``.

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


def read_file(file: Any, path: str, kind: str, schema: EventSchema) -> Iterator[SourceBatch]:
    """Read records of a file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, for positions.
    kind
        One of `FILE_FORMATS`.

    Yields
    ------
    SourceBatch
        At most 65,536 rows, about 32 MB; damage is a reject, and what is whole is read.
    """
    readers = {"avro": _read_avro, "parquet": _read_parquet, "jsonl": _read_jsonl, "arrow": _read_arrow}
    yield from readers[kind](file, path, schema)


def columns_of(file: Any, path: str, kind: str) -> list[tuple[str, Any]] | None:
    """Look at the columns of a file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    kind
        One of `FILE_FORMATS`.

    Returns
    -------
    list of (str, pyarrow.DataType) or None
        The columns; of JSON lines those of the first 1,000 rows. None if the file is empty or damaged.
    """
    try:
        if kind == "avro":
            return arrow_columns(ContainerReader(file).schema_text)
        if kind == "parquet":
            found = pq.ParquetFile(_native(file)).schema_arrow
            return [(field.name, field.type) for field in found]
        if kind == "arrow":
            batch = next(read_batches(_native(file)), None)
            return None if batch is None else [(field.name, field.type) for field in batch.schema]
        return _columns_of_lines(file, path)
    except Exception as error:
        if _is_damage(error) or isinstance(error, AvroContainerError):
            return None
        raise


def _native(file: Any) -> Any:
    return file if isinstance(file, pa.NativeFile) else pa.PythonFile(file, mode="r")


def _is_damage(error: BaseException) -> bool:
    """Tell what the bytes are to blame for from a file system that fails: that is tried again."""
    if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
        return False
    return isinstance(error, ARROW_FAULTS)


def _damage(path: str, unit: str, position: int, detail: str) -> SourceBatch:
    return SourceBatch(Decoded((), (Reject(Reason.TRUNCATED, detail, 0),)), path, (position,), unit)


def _read_avro(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    try:
        reader = ContainerReader(file)
    except AvroContainerError as error:
        yield _damage(path, "byte", 0, str(error))
        return
    for decoded in reader.records(schema):
        for part in decoded.parts:
            for start in range(0, part.records.num_rows, _ROWS):
                piece = Part.of_rows(part.records.slice(start, _ROWS))
                positions = part.message[start : start + _ROWS].tolist()
                yield SourceBatch(Decoded((piece,)), path, positions, "row")
        for reject in decoded.rejects:
            yield _damage(path, "byte", reject.message, reject.detail)


def _read_parquet(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    try:
        parquet = pq.ParquetFile(_native(file))
    except Exception as error:
        if not _is_damage(error):
            raise
        yield _damage(path, "byte", 0, f"not a whole Parquet file: {error}")
        return
    columns = parquet_paths(parquet, schema.columns)
    first = 0
    for group in range(parquet.num_row_groups):
        row = first
        meta = parquet.metadata.row_group(group)
        first += meta.num_rows
        size = max(1, min(_ROWS, _BYTES * max(1, meta.num_rows) // max(1, meta.total_byte_size)))
        try:
            for batch in parquet.iter_batches(size, row_groups=[group], columns=columns, use_threads=False):
                yield SourceBatch.of_rows(pa.Table.from_batches([batch]), path, row)
                row += batch.num_rows
        except Exception as error:
            if not _is_damage(error):
                raise
            lost = f"rows {row} to {first - 1} cannot be read"
            yield _damage(path, "row group", group, f"damaged row group: {lost}: {error}")


def _read_arrow(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    row = 0
    try:
        for batch in read_batches(_native(file)):
            records = checked(batch, schema.columns)
            for start in range(0, records.num_rows, _ROWS):
                yield SourceBatch.of_rows(records.slice(start, _ROWS), path, row + start)
            row += records.num_rows
    except Exception as error:
        if not _is_damage(error):
            raise
        yield _damage(path, "row", row, f"Arrow IPC damaged behind {row} rows: {error}")


def _read_jsonl(file: Any, path: str, schema: EventSchema) -> Iterator[SourceBatch]:
    decoder = JsonDecoder(schema)
    for lines, positions, fault in _lines(file, path):
        for start in range(0, len(lines), _ROWS):
            some = lines[start : start + _ROWS]
            yield SourceBatch(decoder.decode(some), path, positions[start : start + _ROWS], "line", some)
        if fault is not None:
            number, reject = fault
            yield SourceBatch(Decoded((), (reject,)), path, (number,), "line")


def _lines(file: Any, path: str) -> Iterator[tuple[list[bytes], list[int], tuple[int, Reject] | None]]:
    """Yield lines that are not blank with their numbers, and what is wrong behind them."""
    suffix = next((suffix for suffix in COMPRESSIONS if path.lower().endswith(suffix)), None)
    stream = file if suffix is None else pa.CompressedInputStream(_native(file), COMPRESSIONS[suffix])
    rest = b""
    number = 1
    while True:
        try:
            data = stream.read(_READ)
        except Exception as error:
            if not _is_damage(error):
                raise
            detail = f"the file cannot be decompressed from line {number} on: {error}"
            yield [], [], (number, Reject(Reason.TRUNCATED, detail, 0, payload=rest[:MAX_PAYLOAD]))
            return
        if number == 1 and not rest:
            data = data.removeprefix(b"\xef\xbb\xbf")
        chunk = rest + data
        pieces = chunk.split(b"\n")
        rest = pieces.pop() if data else b""
        kept = [(line, place) for place, line in enumerate(pieces, number) if line and not line.isspace()]
        number += len(pieces)
        fault = None
        if len(rest) > _LONGEST_LINE:
            detail = f"a line of more than {_LONGEST_LINE} bytes"
            fault = number, Reject(Reason.OVERSIZED, detail, 0, payload=rest[:MAX_PAYLOAD])
            rest = _skip_line(stream)
            number += 1
        yield [line for line, _ in kept], [place for _, place in kept], fault
        if not data:
            return


def _skip_line(stream: Any) -> bytes:
    while data := stream.read(_READ):
        _, newline, rest = data.partition(b"\n")
        if newline:
            return bytes(rest)
    return b""


def _columns_of_lines(file: Any, path: str) -> list[tuple[str, Any]] | None:
    rows: list[dict[str, Any]] = []
    lines = (line for some, _, _ in _lines(file, path) for line in some)
    for line in islice(lines, _PEEKED_ROWS):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        rows += [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict)]
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, _kind([row.get(name) for row in rows])) for name in names] or None


def _kind(values: list[Any]) -> Any:
    if all(value is None for value in values):
        return pa.null()
    if all(value is None or isinstance(value, (int, float)) for value in values):
        return column_of(values, numeric=not any(type(value) is bool for value in values)).type
    return column_of(values, numeric=False).type
