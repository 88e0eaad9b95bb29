"""Where the records of CSV text begin and end, so that a damaged one harms no other (RFC 4180, section 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.config.csv_dialect import CsvDialect

LONGEST_RECORD: Final = 16 << 20
"""Bytes that a quoted field may go on for, over many lines: a quote that is never closed ends there."""


@dataclass(frozen=True, eq=False)
class CsvRecords(Sequence[bytes]):
    """Records in a block of text; of each the bytes by index.

    Parameters
    ----------
    data
        The block.
    starts, stops : ndarray of int64, shape (records,)
        Where in it each begins, and ends with its line's end.
    lines : ndarray of int64, shape (records,)
        Number of each one's first line in the block, from 0.
    unclosed : ndarray of bool, shape (records,)
        Lines that open a quote which nothing closes.
    tall : ndarray of bool, shape (records,)
        Records of several lines; they are quoted as they should be.
    used
        Bytes of whole records; what is behind is to be read again with what follows.
    used_lines
        Lines among them.
    """

    data: bytes
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    lines: NDArray[np.int64]
    unclosed: NDArray[np.bool_]
    tall: NDArray[np.bool_]
    used: int
    used_lines: int

    def __len__(self) -> int:
        """Number of records."""
        return len(self.starts)

    def __getitem__(self, index: Any) -> Any:
        """Bytes of a record, without its line's end."""
        return self.data[self.starts[index] : self.stops[index]].rstrip(b"\r\n")

    def part(self, rows: Any) -> CsvRecords:
        """Take some records, by a slice or a mask."""
        return CsvRecords(
            self.data,
            self.starts[rows],
            self.stops[rows],
            self.lines[rows],
            self.unclosed[rows],
            self.tall[rows],
            self.used,
            self.used_lines,
        )

    def text(self) -> bytes:
        """Give all bytes, one record behind the other."""
        if not len(self):
            return b""
        if (self.starts[1:] == self.stops[:-1]).all():
            return self.data[self.starts[0] : self.stops[-1]]
        return b"".join(self.data[start:stop] for start, stop in zip(self.starts, self.stops, strict=True))


def split_records(data: bytes, dialect: CsvDialect, *, last: bool) -> CsvRecords:
    r"""Find the records of a block of CSV text.

    A line with an even number of quotes is a record. One with an odd number opens a field that the next
    such line closes, if together they are quoted as they should be; otherwise its quote is taken as text, or
    as one that is never closed. Empty lines are no records.

    Parameters
    ----------
    data
        Text that begins with a record.
    last
        Whether nothing follows.

    Examples
    --------
    >>> from driftline.config.csv_dialect import CsvDialect
    >>> records = split_records(b'1,"a\nb"\n2,c\n3,"d', CsvDialect(","), last=True)
    >>> list(records), records.unclosed.tolist()
    ([b'1,"a\nb"', b'2,c', b'3,"d'], [False, False, True])
    """
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == ord("\n")) + 1
    if last and len(text) and text[-1] != ord("\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64) if len(ends) else np.zeros(0, np.int64)
    begins = np.ones(len(ends), bool)
    unclosed = np.zeros(len(ends), bool)
    whole = len(ends)
    if dialect.quote is not None:
        quotes = np.flatnonzero(text == ord(dialect.quote))
        within = np.searchsorted(quotes, ends) - np.searchsorted(quotes, starts)
        odd = np.flatnonzero(within % 2).tolist()
        whole = _join(data, _Lines(starts, ends, begins, unclosed), odd, dialect, last=last)
    begins, unclosed = begins[:whole], unclosed[:whole]
    lines = np.flatnonzero(begins)
    heights = np.diff(np.append(lines, whole))
    stops = ends[lines + heights - 1].astype(np.int64)
    used = int(ends[whole - 1]) if whole else 0
    found = CsvRecords(data, starts[lines], stops, lines, unclosed[lines], heights > 1, used, whole)
    length, first = stops - starts[lines], text[starts[lines]]
    blank = ((length == 1) & (first == ord("\n"))) | ((length == 2) & (first == ord("\r")))
    return found.part(~blank) if blank.any() else found


class _Lines(NamedTuple):
    """Lines of a block: where they begin and end, and whether they begin a record or open one for good."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    begins: NDArray[np.bool_]
    unclosed: NDArray[np.bool_]


def _join(data: bytes, lines: _Lines, odd: list[int], dialect: CsvDialect, *, last: bool) -> int:
    """Join the lines of each record; tell how many lines are of whole records."""
    starts, ends, begins, unclosed = lines
    quoted = _quoted_as_it_should_be(dialect)
    at = 0
    while at < len(odd):
        line = odd[at]
        if quoted.fullmatch(data, starts[line], ends[line]):  # a quote inside a field without quotes
            at += 1
            continue
        closing = odd[at + 1] if at + 1 < len(odd) else None
        if closing is None and not last and len(data) - starts[line] <= LONGEST_RECORD:
            return line
        if (
            closing is not None
            and ends[closing] - starts[line] <= LONGEST_RECORD
            and quoted.fullmatch(data, starts[line], ends[closing])
        ):
            begins[line + 1 : closing + 1] = False
            at += 2
            continue
        unclosed[line] = True
        at += 1
    return len(ends)


def _quoted_as_it_should_be(dialect: CsvDialect) -> re.Pattern[bytes]:
    quote, delimiter = re.escape(str(dialect.quote).encode()), re.escape(str(dialect.delimiter).encode())
    plain = rb"(?!%b)[^%b\r\n]*" % (quote, delimiter)
    field = rb"(?:%b[^%b]*(?:%b%b[^%b]*)*%b|%b)" % (quote, quote, quote, quote, quote, quote, plain)
    return re.compile(rb"%b(?:%b%b)*\r?\n?" % (field, delimiter, field))
