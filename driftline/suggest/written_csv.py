"""How the CSV of some data is written: what stands between fields, and before fractions."""

from __future__ import annotations

import csv
import re
from itertools import zip_longest
from typing import Final

from driftline.config.csv_dialect import CsvDialect

_DELIMITERS: Final = (",", ";", "\t", "|")
_LINES: Final = 1_000
_ENOUGH: Final = 0.9
_POINT: Final = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?")
_WHOLE: Final = re.compile(r"[+-]?\d+")
_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")


def dialect_of(text: bytes, usual: str = ",") -> CsvDialect:
    r"""Tell how CSV is written.

    Parameters
    ----------
    text
        The begin of a file, of which the first line names the columns.
    usual
        The delimiter if no other fits better.

    Returns
    -------
    CsvDialect
        The delimiter is a comma, semicolon, tab or vertical bar: that which cuts nine in ten lines into as
        many fields as the first, and into the most. The decimal is a comma if columns hold numbers with one
        and none with a point. ``1,234`` and ``1.234`` tell nothing, as they may be thousands.

    Examples
    --------
    >>> found = dialect_of(b"at;price\n1;2,5\n2;3,5\n")
    >>> found.delimiter, found.decimal
    (';', ',')
    >>> found = dialect_of(b'at,"a;b"\n1,"2,345"\n')
    >>> found.delimiter, found.decimal
    (',', '.')
    """
    whole = text.decode(errors="replace").removeprefix("\ufeff").splitlines(keepends=True)
    lines = whole[:_LINES]
    delimiters = dict.fromkeys((usual, *_DELIMITERS))
    tables = {delimiter: _rows(lines, delimiter) for delimiter in delimiters}
    best = max(delimiters, key=lambda delimiter: (_fit(tables[delimiter]), delimiter == usual))
    return CsvDialect(best, decimal=_decimal(tables[best][1:], semicolons=best != ","))


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _fit(rows: list[list[str]]) -> int:
    """Fields of a line, if lines have as many as the first."""
    if not rows or len(rows[0]) < 2:
        return 0
    alike = sum(len(row) == len(rows[0]) for row in rows) >= _ENOUGH * len(rows)
    return len(rows[0]) if alike else 1


def _decimal(rows: list[list[str]], *, semicolons: bool) -> str:
    found = {_kind(column, semicolons=semicolons) for column in zip_longest(*rows, fillvalue="")}
    return "," if "comma" in found and "point" not in found else "."


def _kind(column: tuple[str, ...], *, semicolons: bool) -> str:
    """Whether a column holds fractions behind a comma, behind a point, or neither for certain."""
    values = [value for value in map(str.strip, column) if value]
    for kind, pattern in (("comma", _COMMA), ("point", _POINT)):
        fractions = [value for value in values if pattern.fullmatch(value)]
        numbers = sum(bool(_WHOLE.fullmatch(value) or pattern.fullmatch(value)) for value in values)
        certain = any(not _GROUPED.fullmatch(value) for value in fractions)
        if fractions and numbers >= _ENOUGH * len(values) and (certain or (semicolons and kind == "comma")):
            return kind
    return ""
