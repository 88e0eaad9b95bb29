"""CSV text to records: fields are text, and numbers where numbers are configured."""

from __future__ import annotations

import csv
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from driftline.arrays import flat
from driftline.decoding.bisection import bisect_good
from driftline.decoding.column_paths import root_of
from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.rejects import Reason, Reject
from driftline.decoding.text_numbers import numbers_of_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.config.csv_dialect import CsvDialect
    from driftline.decoding.csv_records import CsvRecords
    from driftline.decoding.event_schema import EventSchema

_UNCLOSED: Final = "a quote is opened and not closed"
_NOT_UTF8: Final = "not UTF-8 text; convert the file, as by iconv -f LATIN1 -t UTF-8"


class _MisreadError(Exception):
    """Text that is not read as the records it is made of."""


def header_of(line: bytes, dialect: CsvDialect) -> tuple[str, ...]:
    """Read the names of the columns.

    Parameters
    ----------
    line
        The first record.

    Raises
    ------
    ValueError
        If it is not UTF-8 text, or not quoted as it should be.

    Examples
    --------
    >>> from driftline.config.csv_dialect import CsvDialect
    >>> header_of(b'at, "price, net",n', CsvDialect(","))
    ('at', 'price, net', 'n')
    """
    try:
        [names] = csv.reader(
            [line.decode()],
            delimiter=str(dialect.delimiter),
            quotechar=dialect.quote,
            quoting=csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL,
            skipinitialspace=True,
        )
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ValueError(f"the line of column names cannot be read: {error}") from error
    return tuple(name.strip() for name in names)


class CsvDecoder:
    """Decodes records of one CSV file.

    An empty field is missing; one in quotes is empty text.

    Parameters
    ----------
    names
        The columns of the file, all of them.
    schema
        The columns to keep; without it all, as text.
    """

    def __init__(self, dialect: CsvDialect, names: Sequence[str], schema: EventSchema | None = None) -> None:
        kept = list(range(len(names)))
        if schema is not None:
            roots = (root_of(column, names) for column in schema.columns)
            kept = list(dict.fromkeys(names.index(root) for root in roots if root is not None)) or [0]
        self._names = [names[place] for place in kept]
        self._numbers = frozenset() if schema is None else schema.numbers
        self._decimal = dialect.decimal
        self._width = len(names)
        columns = [str(place) for place in range(self._width)]
        self._columns = columns
        self._parse: dict[str, Any] = {
            "delimiter": dialect.delimiter,
            "quote_char": False if dialect.quote is None else dialect.quote,
            "newlines_in_values": True,
        }
        self._convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            include_columns=[columns[place] for place in kept],
        )

    def decode(self, records: CsvRecords) -> Decoded:
        """Decode records; one with too many or too few fields, or not in UTF-8, is a reject."""
        wrong = {int(row): _UNCLOSED for row in np.flatnonzero(records.unclosed)}
        if not _is_text(records.text()):
            wrong |= {row: _NOT_UTF8 for row in range(len(records)) if not _is_text(records[row])}
        rows = np.setdiff1d(np.arange(len(records)), np.fromiter(wrong, np.int64, len(wrong)))
        parts = []
        # a damaged line may swallow others, which their number shows unless one of them holds line ends
        for some in (rows[~records.tall[rows]], rows[records.tall[rows]]):
            good, bad = bisect_good(len(some), partial(self._read, records, some), (_MisreadError,))
            wrong |= {int(some[row]): str(error) for row, error in bad}
            for start, (table, kept, unlike) in good:
                parts.append(Part(table, some[start + kept]))
                wrong |= {int(some[start + row]): said for row, said in unlike.items()}
        rejects = [Reject(Reason.UNDECODABLE, wrong[row], row) for row in sorted(wrong)]
        return Decoded(join_parts(parts), tuple(rejects))

    def _read(
        self, records: CsvRecords, rows: NDArray[np.int64], start: int, stop: int
    ) -> tuple[pa.Table, NDArray[np.int64], dict[int, str]]:
        some = records if len(rows) == len(records) == stop - start else records.part(rows[start:stop])
        text = some.text()
        unlike: dict[int, str] = {}
        misread = []

        def remember(row: Any) -> str:
            at = row.number - 1
            if at >= len(some) or some[at].decode() != row.text:
                misread.append(at)
            unlike[at] = f"{row.actual_columns} fields, not {row.expected_columns}"
            return "skip"

        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(text),
                pyarrow.csv.ReadOptions(
                    use_threads=False, block_size=len(text) + 16, column_names=self._columns
                ),
                pyarrow.csv.ParseOptions(invalid_row_handler=remember, **self._parse),
                self._convert,
            )
        except pa.ArrowInvalid as error:
            raise _MisreadError(f"not CSV: {error}") from error
        if misread or table.num_rows + len(unlike) != len(some):
            raise _MisreadError("a quote or a line's end within the line, not in a quoted field")
        kept = np.setdiff1d(np.arange(len(some)), np.fromiter(unlike, np.int64, len(unlike)))
        arrays = [
            numbers_of_text(flat(column), self._decimal) if name in self._numbers else column
            for name, column in zip(self._names, table.columns, strict=True)
        ]
        return pa.Table.from_arrays(arrays, names=self._names), kept, unlike


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
