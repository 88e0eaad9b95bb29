"""Values of a column one by one, for people."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa

from driftline.arrays import flat


def value_at(column: Any, row: int) -> Any:
    """Read one value, also one that Python's types cannot hold.

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
    """Write a row as a JSON object for a dead letter; NaN and infinities are null, times and bytes text.

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
