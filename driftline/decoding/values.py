"""Feature and segment values: any number as float64, anything plain as text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat, nulls, split_union
from driftline.decoding.arrow_kinds import is_bytes, is_number, is_text
from driftline.decoding.temporal_text import temporal_text
from driftline.profiles.number_text import float_text, nearest_doubles, numbers_in_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TEXT: Final = 256
"""Bytes of the longest category that is kept as it is."""

_KEPT: Final = 200


def numeric_values(column: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Read numbers.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Integers, floats, booleans (0 and 1), decimals, and text that is a number, blanks around it or not;
        blank text is null, anything else is of the wrong type. Each value is read by itself, so that what is
        wrong does not depend on which rows come together.

    Returns
    -------
    values : pyarrow.DoubleArray
        The numbers; null where the row is null or wrong. Integers beyond 2**53 and decimals become the
        nearest float64.
    wrong : ndarray of bool, shape (rows,)
        Rows that hold something else.

    Examples
    --------
    >>> values, wrong = numeric_values(pa.array([True, None]))
    >>> values.to_pylist(), wrong.tolist()
    ([1.0, None], [False, False])
    """
    column = flat(column)
    if pa.types.is_float64(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.float64()), np.zeros(len(column), bool)
    if pa.types.is_union(column.type):
        return _union(column, numeric_values, pa.float64())
    if is_text(column.type):
        text, wrong = _text(column)
        values, no_number = numbers_in_text(text)
        return values, wrong | no_number
    if not is_number(column.type):
        return pa.nulls(len(column), pa.float64()), ~nulls(column)
    if pa.types.is_decimal(column.type):
        return nearest_doubles(column), np.zeros(len(column), bool)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64(), safe=False), np.zeros(len(column), bool)


def text_values(column: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Read categories.

    Numbers and booleans become the same text whatever the source's format and type: 7, 7.0 and the decimal
    7.00 are ``7``, true is ``true``, other numbers are written as the nearest float32 is. Text longer than
    256 bytes becomes its first 200 characters, ``…#`` and a hash of all of it.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Text, bytes that are UTF-8, numbers, booleans, dates, times, or dictionaries of them.

    Returns
    -------
    values : pyarrow.StringArray
        The text; null where the row is null or wrong.
    wrong : ndarray of bool, shape (rows,)
        Rows that hold something else.

    Examples
    --------
    >>> text_values(pa.array([7.0, 2.5]))[0].to_pylist()
    ['7', '2.5']
    """
    column = flat(column)
    fine = np.zeros(len(column), bool)
    kind = column.type
    if pa.types.is_union(kind):
        return _union(column, text_values, pa.string())
    if is_text(kind):
        return _text(column)
    if pa.types.is_decimal(kind):
        column, kind = nearest_doubles(column), pa.float64()
    if pa.types.is_floating(kind):
        return float_text(column), fine
    if pa.types.is_temporal(kind):
        return temporal_text(column)
    if is_number(kind) or pa.types.is_null(kind):
        return column.cast(pa.string()), fine
    return pa.nulls(len(column), pa.string()), ~nulls(column)


def _union(column: Any, read: Any, kind: Any) -> tuple[Any, NDArray[np.bool_]]:
    wrong = np.zeros(len(column), bool)
    origin = np.full(len(column), -1)
    pieces = []
    length = 0
    for rows, values in split_union(column):
        piece, wrong[rows] = read(values)
        origin[rows] = np.arange(length, length + len(rows))
        length += len(rows)
        pieces.append(piece)
    joined = pa.concat_arrays(pieces) if pieces else pa.nulls(0, kind)
    return joined.take(pa.array(origin)), wrong


def _text(column: Any) -> tuple[Any, NDArray[np.bool_]]:
    wrong = np.zeros(len(column), bool)
    try:
        # through bytes and back: the one cast that checks that text is UTF-8
        if not is_bytes(column.type):
            column = column.cast(pa.binary())
        text = column.cast(pa.string())
    except (pa.ArrowInvalid, UnicodeDecodeError):
        column = column.cast(pa.large_binary())
        values = [_utf8_or_none(value.as_py()) for value in column]
        text = pa.array(values, pa.string())
        wrong = nulls(text) & ~nulls(column)
    return _shortened(text), wrong


def _utf8_or_none(value: bytes | None) -> str | None:
    try:
        return None if value is None else _short(value.decode())
    except UnicodeDecodeError:
        return None


def _shortened(text: Any) -> Any:
    lengths = pc.binary_length(text)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= MAX_TEXT:
        return text
    long = pc.fill_null(pc.greater(lengths, MAX_TEXT), False)
    replaced = pa.array([_short(value.as_py()) for value in text.filter(long)], pa.string())
    return pc.replace_with_mask(text, long, replaced)


def _short(value: str) -> str:
    """Cut a long category; two that differ only at the end stay two.

    Examples
    --------
    >>> len(_short("x" * 1000))
    218
    """
    whole = value.encode()
    if len(whole) <= MAX_TEXT:
        return value
    return f"{value[:_KEPT]}…#{hashlib.blake2b(whole, digest_size=8).hexdigest()}"
