"""Plain arrays out of whatever a column is, and its values one by one for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def flat(column: Any) -> Any:
    """Make one plain array of a column: no chunks, dictionaries, runs or extension types.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Any column.

    Returns
    -------
    pyarrow.Array
        The same values.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # more text than 32-bit offsets reach
        column = pc.cast(column, pa.large_string()).combine_chunks()
    if isinstance(column.type, pa.BaseExtensionType):
        return flat(column.storage)
    if pa.types.is_dictionary(column.type):
        return flat(column.dictionary_decode())
    if pa.types.is_run_end_encoded(column.type):
        return flat(pc.run_end_decode(column))
    return column


def nulls(column: Any) -> NDArray[np.bool_]:
    """Mark the null rows of an array."""
    if column.null_count == 0 and not pa.types.is_union(column.type):
        return np.zeros(len(column), bool)
    result: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return result


def split_union(column: Any) -> Iterator[tuple[NDArray[np.intp], Any]]:
    """Take a union apart by type.

    Parameters
    ----------
    column : pyarrow.UnionArray
        Values of several types, from Avro or from JSON.

    Yields
    ------
    tuple of ndarray and pyarrow.Array
        The rows that hold one of the types, and their values.
    """
    codes = column.type_codes.to_numpy(zero_copy_only=False)
    dense = column.type.mode == "dense"
    for position, code in enumerate(column.type.type_codes):
        rows = np.flatnonzero(codes == code)
        if rows.size:
            taken = column.offsets.to_numpy(zero_copy_only=False)[rows] if dense else rows
            yield rows, flat(column.field(position).take(pa.array(taken)))


def value_at(column: Any, row: int) -> Any:
    """Read one value, also one that Python's types cannot hold.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Any column.
    row : int
        The row.

    Returns
    -------
    object
        The value, or its text where Python has no such value (a time in the year 20000,
        text that is not UTF-8).
    """
    try:
        return column[row].as_py()
    except (ValueError, OverflowError, TypeError, LookupError, NotImplementedError, pa.ArrowException):
        one = flat(column.slice(row, 1))
    try:
        return bytes(one.view(pa.binary())[0].as_py()).decode(errors="replace")
    except (ValueError, TypeError, NotImplementedError, pa.ArrowException):
        pass
    try:
        return f"{one.view(pa.int64())[0].as_py()} ({one.type})"
    except (ValueError, TypeError, NotImplementedError, pa.ArrowException):
        return f"({one.type})"


def row_json(records: Any, row: int) -> bytes:
    """Write a row as JSON, for a dead letter.

    Parameters
    ----------
    records : pyarrow.Table or pyarrow.RecordBatch
        The records.
    row : int
        The row.

    Returns
    -------
    bytes
        A JSON object; NaN and infinities are null, times and bytes are text.

    Examples
    --------
    >>> row_json(pa.table({"x": [1.5, float("nan")], "s": ["a", None]}), 1)
    b'{"x":null,"s":null}'
    """
    values = {name: value_at(records.column(index), row) for index, name in enumerate(records.schema.names)}
    return to_json(values)


def to_json(value: Any) -> bytes:
    """Write any value as JSON, what JSON lacks as text."""
    try:
        return orjson.dumps(value, default=_as_text, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bits, or nested too deeply
        return orjson.dumps(repr(value)[:100_000])


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)
