"""CSV files: from text to records with their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from driftline.decoding.csv_records import LONGEST_RECORD, CsvRecords, split_records
from driftline.decoding.csv_text import CsvDecoder, header_of
from driftline.decoding.duplicate_columns import DuplicateColumnError, check_single
from driftline.decoding.rejects import MAX_PAYLOAD, Reason
from driftline.decoding.text_numbers import numbers_of_text
from driftline.transforms.sources.decode import SourceBatch
from driftline.transforms.sources.files.damage import cut_short, damaged
from driftline.transforms.sources.files.text_blocks import CutShortError, TextBlocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.config.csv_dialect import CsvDialect
    from driftline.decoding.event_schema import EventSchema

_ROWS: Final = 65_536
_PEEKED_ROWS: Final = 1_000
_WIDE: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_csv(file: Any, path: str, schema: EventSchema, dialect: CsvDialect) -> Iterator[SourceBatch]:
    """Read records of a CSV file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, for positions and the compression.
    dialect
        With a delimiter.

    Yields
    ------
    SourceBatch
        At most 65,536 rows of 4 MB; a line that is none is a reject, and so is what is damaged.
    """
    decoder: CsvDecoder | None = None
    for records, line, fault in _blocks(TextBlocks(file, path), path, dialect):
        first = 0
        if decoder is None and len(records):
            try:
                names = _names(records, dialect)
                check_single(names, schema.columns)
                decoder = CsvDecoder(dialect, names, schema)
            except ValueError as error:
                twice = isinstance(error, DuplicateColumnError)
                yield damaged(
                    path,
                    "line",
                    line,
                    str(error),
                    reason=Reason.DUPLICATE_COLUMN if twice else Reason.UNDECODABLE,
                    payload=records[0][:MAX_PAYLOAD],
                )
                return
            first = int(dialect.header)
        for start in range(first, len(records), _ROWS):
            some = records.part(slice(start, start + _ROWS))
            assert decoder is not None
            yield SourceBatch(decoder.decode(some), path, (some.lines + line).tolist(), "line", some)
        if fault is not None:
            yield fault


def csv_columns(file: Any, path: str, dialect: CsvDialect) -> list[tuple[str, Any]] | None:
    """Look at the columns of a CSV file.

    Returns
    -------
    list of (str, pyarrow.DataType) or None
        The columns: text, or null where the first 1,000 rows hold numbers or nothing, which only their use
        can tell from text. None if there is no line of names.

    Raises
    ------
    ValueError
        If that line cannot be read.
    """
    for records, _, _ in _blocks(TextBlocks(file, path), path, dialect):
        if len(records):
            break
    else:
        return None
    names = _names(records, dialect)
    rows = records.part(slice(int(dialect.header), _PEEKED_ROWS))
    decoder = CsvDecoder(dialect, names)
    found = [part.records for part in decoder.decode(rows).parts]
    if not found:
        return [(name, pa.null()) for name in names]
    return [(name, _kind(found[0].column(place), dialect.decimal)) for place, name in enumerate(names)]


def _kind(column: Any, decimal: str) -> Any:
    values = numbers_of_text(column.combine_chunks(), decimal)
    return pa.string() if pa.types.is_union(values.type) else pa.null()


def _names(records: CsvRecords, dialect: CsvDialect) -> tuple[str, ...]:
    first = records[0]
    wide = _WIDE.get(first[:2])
    if wide is not None:
        raise ValueError(f"the file is {wide}, not UTF-8 text; convert it, as by iconv -f {wide} -t UTF-8")
    return dialect.names or header_of(first, dialect)


def _blocks(
    blocks: TextBlocks, path: str, dialect: CsvDialect
) -> Iterator[tuple[CsvRecords, int, SourceBatch | None]]:
    """Yield records, the line on which their block begins, and what is wrong behind them."""
    rest, line = b"", 1
    while True:
        try:
            data = blocks.read()
        except CutShortError as error:
            yield (
                split_records(b"", dialect, last=True),
                line,
                cut_short(path, line, error, rest[:MAX_PAYLOAD]),
            )
            return
        rest += data
        records = split_records(rest, dialect, last=not data)
        fault = None
        number = line
        rest, line = rest[records.used :], line + records.used_lines
        if len(rest) > 2 * LONGEST_RECORD:
            detail = f"a line of more than {2 * LONGEST_RECORD} bytes"
            fault = damaged(path, "line", line, detail, reason=Reason.OVERSIZED, payload=rest[:MAX_PAYLOAD])
            rest = blocks.skip_line()
            line += 1
        yield records, number, fault
        if not data:
            return
