"""Tables out of Python rows, for the formats that arrive as such."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.decoding.column_paths import is_path, value_at_path
from driftline.decoding.shown_values import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.decoding.event_schema import EventSchema

_REFUSED = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError)
_CHILDREN = (
    ("bool", pa.bool_()),
    ("int", pa.int64()),
    ("uint", pa.uint64()),
    ("float", pa.float64()),
    ("text", pa.string()),
    ("bytes", pa.binary()),
    ("nested", pa.list_(pa.string())),
)
_BOOL, _INT, _UINT, _FLOAT, _TEXT, _BYTES, _NESTED = range(len(_CHILDREN))


def table_of_rows(rows: Sequence[Mapping[str, Any]], schema: EventSchema) -> pa.Table:
    """Make a table of the configured columns of rows.

    Parameters
    ----------
    rows
        Records as JSON and fastavro give them.

    Returns
    -------
    pyarrow.Table
        The columns; numeric ones are float64 if all their values are numbers, a column of several
        types is a dense union.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> table_of_rows([{"t": 1, "u": 5}, {"t": 2}], EventSchema("t")).to_pylist()
    [{'t': 1}, {'t': 2}]
    """
    names = schema.columns
    values: Sequence[Sequence[Any]]
    try:
        get = itemgetter(*names)
        values = list(zip(*map(get, rows), strict=True)) if len(names) > 1 else [[get(row) for row in rows]]
    except KeyError:
        values = [_column(rows, name) for name in names]
    if not rows:
        values = [[] for _ in names]
    numeric = schema.numeric_columns
    arrays = [column_of(column, numeric=name in numeric) for name, column in zip(names, values, strict=True)]
    return pa.table(arrays, names=list(names))


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    if is_path(name):
        return [value_at_path(row, name) for row in rows]
    return [row.get(name) for row in rows]


def column_of(values: Sequence[Any], *, numeric: bool) -> Any:
    """Make an array of Python values.

    Parameters
    ----------
    values
        None, booleans, integers, floats, text, bytes, decimals, lists and mappings.
    numeric
        Whether numbers are wanted, so that integers may become floats.

    Returns
    -------
    pyarrow.Array
        Of one type, or a dense union where values of several types meet.
    """
    try:
        if numeric:
            return pa.array(values, pa.float64())
        kinds = set(map(type, values)) - {type(None)}
        if kinds <= {str}:
            return pa.array(values, pa.string())
        if len(kinds) == 1 and not kinds & {dict, list, tuple}:
            return pa.array(values)
    except _REFUSED:
        pass
    return _union(values)


def _union(values: Sequence[Any]) -> Any:
    codes = np.empty(len(values), np.int8)
    offsets = np.empty(len(values), np.int32)
    children: list[list[Any]] = [[] for _ in _CHILDREN]
    for row, value in enumerate(values):
        code, stored = _typed(value)
        codes[row] = code
        offsets[row] = len(children[code])
        children[code].append(stored)
    arrays = [pa.array(child, kind) for child, (_, kind) in zip(children, _CHILDREN, strict=True)]
    names = [name for name, _ in _CHILDREN]
    return pa.UnionArray.from_dense(pa.array(codes), pa.array(offsets), arrays, names)


def _typed(value: Any) -> tuple[int, Any]:  # noqa: PLR0911  # one return a type
    if value is None:
        return _TEXT, None
    if isinstance(value, bool):
        return _BOOL, value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return _INT, value
        return (_UINT, value) if 0 <= value < 2**64 else (_FLOAT, _as_float(value))
    if isinstance(value, float):
        return _FLOAT, value
    if isinstance(value, str):
        return _TEXT, value
    if isinstance(value, bytes):
        return _BYTES, value
    if isinstance(value, (dict, list, tuple)):
        return _NESTED, [to_json(value).decode()]
    try:
        return _FLOAT, float(value)
    except (TypeError, ValueError):
        return _TEXT, str(value)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
