"""Columns of files as they are, before a configuration says what they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.config.errors import ConfigError, Problem
from driftline.config.file_suffixes import format_of
from driftline.config.files_source import CSV
from driftline.decoding.arrow_kinds import is_number
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.text_numbers import numbers_of_text
from driftline.feature_spec import FeatureSpec
from driftline.suggest.written_csv import dialect_of
from driftline.transforms.sources.files.read_files import (
    NoFilesError,
    batches_of_files,
    first_text,
    match_files,
    source_columns,
)
from driftline.transforms.sources.source import NotThereYetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.config.csv_dialect import CsvDialect

_FILES: Final = 8
_NO_NUMBER: Final = r"^\s*(0\d|true\s*$|false\s*$)"


def sample(
    pattern: str,
    file_format: str | None,
    rows: int,
    place: tuple[str, str],
    csv: CsvDialect | None = None,
) -> dict[str, Any]:
    """Read the first rows of some files, all columns as they are.

    Parameters
    ----------
    pattern
        File name or glob pattern.
    file_format
        By suffix if None.
    rows
        So many are read, about.
    place
        What names the pattern, for messages: a configuration and its key, or a command and its argument.
    csv
        How CSV is written.

    Returns
    -------
    dict of str to pyarrow.Array
        By name, in the order of the data. A column of CSV in which all text is a number is numbers.

    Raises
    ------
    ConfigError
        If there are no such files, or they cannot be read.
    """
    try:
        columns = source_columns(pattern, file_format, csv)
        tables = [] if columns is None else _tables(pattern, file_format, csv, _everything(columns), rows)
    except NoFilesError as error:
        refused = _refused(place, pattern, str(error), "name files of past requests")
        remark = f"files {pattern}: no such file yet, which columns are features is not known"
        raise NotThereYetError(refused, remark) from error
    except (OSError, ValueError) as error:
        raise _refused(place, pattern, str(error), "name files of past requests") from error
    if columns is None or not any(table.num_rows for table in tables):
        raise _refused(
            place, pattern, "holds no rows, or cannot be read", "name whole files with rows in them"
        )
    found = {name: _joined(tables, name) for name, _ in columns}
    if (file_format or format_of(pattern)) not in CSV:
        return found
    decimal = "." if csv is None else csv.decimal
    return {name: _numbers_if_all(column, decimal) for name, column in found.items()}


def csv_of(pattern: str) -> CsvDialect | None:
    """Tell how CSV files are written, by the first of them; None if they are of another format, or none."""
    kind = format_of(pattern)
    if kind not in CSV:
        return None
    with suppress(OSError, ValueError):
        return dialect_of(first_text(match_files(pattern)[0]), "\t" if kind == "tsv" else ",")
    return None


def _tables(
    pattern: str, file_format: str | None, csv: CsvDialect | None, schema: EventSchema, rows: int
) -> list[pa.Table]:
    tables: list[pa.Table] = []
    for batches in batches_of_files(pattern, file_format, schema, csv, most=_FILES):
        read = 0
        for records in records_of(batches):
            tables.append(records.slice(0, max(0, rows - sum(table.num_rows for table in tables))))
            read += records.num_rows
            if read >= rows:
                break
    return tables


def _refused(place: tuple[str, str], pattern: str, message: str, remedy: str) -> ConfigError:
    name, key = place
    return ConfigError(name, [Problem(key, message, remedy, pattern)])


def _everything(columns: list[tuple[str, Any]]) -> EventSchema:
    numeric = [name for name, kind in columns if is_number(kind) and not pa.types.is_boolean(kind)]
    return EventSchema(
        columns[0][0],
        segments=tuple(name for name, _ in columns if name not in numeric),
        features=tuple(FeatureSpec(name, "numeric", name) for name in numeric),
    )


def records_of(batches: Any) -> Iterator[pa.Table]:
    """Give the decoded records of batches of a file."""
    for batch in batches:
        for part in batch.decoded.parts:
            yield part.records


def _numbers_if_all(column: Any, decimal: str) -> Any:
    """Numbers where all text is one, which CSV does not tell apart; 007 is a code, true is no number."""
    if not pa.types.is_string(column.type):
        return column
    if pc.any(pc.match_substring_regex(column, _NO_NUMBER, ignore_case=True)).as_py():
        return column
    numbers = numbers_of_text(column, decimal)
    return column if pa.types.is_union(numbers.type) or not numbers.drop_null() else numbers


def _joined(tables: list[pa.Table], name: str) -> Any:
    """One column of all tables; those in which it has another type than in the first are left out."""
    columns = [flat(table.column(name)) for table in tables if name in table.column_names]
    kept = [column for column in columns if column.type == columns[0].type]
    return pa.concat_arrays(kept) if kept else pa.nulls(0)
