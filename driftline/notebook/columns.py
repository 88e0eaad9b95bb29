"""Columns as notebooks have them: their kinds, and values that Arrow knows no plain type for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.decoding.arrow_kinds import is_bytes, is_text
from driftline.decoding.python_rows import column_of
from driftline.decoding.values import numeric_values

_REFUSED: Final = (
    pa.ArrowInvalid,
    pa.ArrowTypeError,
    pa.ArrowNotImplementedError,
    TypeError,
    OverflowError,
)
_CODES: Final = 50
"""Texts of no more different numbers are taken for codes."""
_CODE: Final = r"^\s*[+-]?0\d"


def column_in_memory(values: Any) -> Any:
    """Make an Arrow array of a numpy array, a pandas series or a list.

    Parameters
    ----------
    values
        Shape (rows,). NaN is missing. Of several types it becomes a union; what is no plain value, such as a
        complex number, counts as nested.

    Examples
    --------
    >>> column_in_memory(np.array([1 + 2j])).to_pylist()
    [['1+2j']]
    """
    values = _dense(values)
    dtype = getattr(values, "dtype", None)
    if getattr(dtype, "kind", "") == "c":
        return pa.array([[f"{each.real:g}{each.imag:+g}j"] for each in values], pa.list_(pa.string()))
    try:
        return _plain(pa.array(values, from_pandas=True))
    except _REFUSED:
        plain = [None if _is_missing(each) else each for each in values]
        return column_of(plain, numeric=False)


def plain_column(column: Any) -> Any:
    """Give durations as seconds, and what only another library knows as text or as what it is stored as."""
    return _plain(flat(column))


def _dense(values: Any) -> Any:
    """Undo what pandas packs: sparse columns, and categories that Arrow cannot have."""
    dtype = getattr(values, "dtype", None)
    if hasattr(dtype, "fill_value") and hasattr(values, "sparse"):
        return values.sparse.to_dense()
    of = getattr(getattr(dtype, "categories", None), "dtype", dtype)
    if hasattr(of, "subtype") or type(of).__name__ == "PeriodDtype":  # intervals and periods are words
        missing = np.asarray(values.isna())
        words = np.asarray(values.astype(str), object)
        words[missing] = None
        return words
    return values


def _plain(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind) and not (is_text(kind) or pa.types.is_null(kind.value_type)):
        words = pa.types.is_dictionary(kind) and not pa.types.is_nested(kind.value_type)
        if pa.types.is_duration(kind.value_type):
            return _plain(column.dictionary_decode())
        return column if words else column.dictionary_decode()
    if pa.types.is_duration(kind):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), float(per_second))
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(column.storage)
    return column


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def kind_of(column: Any) -> str:
    """Tell the kind of feature that a column is.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray

    Returns
    -------
    str
        ``numeric`` of numbers; of values of several types most of which are numbers; of text if all of it is
        numbers, of more than 50 values, and none begins with a 0 as codes do. Else ``categorical``.

    Examples
    --------
    >>> kind_of(pa.array([1], pa.int8())), kind_of(pa.array([True])), kind_of(pa.array(["1", "2"]))
    ('numeric', 'categorical', 'categorical')
    """
    column = flat(column)
    of = column.type
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "numeric"
    if pa.types.is_union(of):
        return "numeric" if _mostly_numbers(column) else "categorical"
    if is_text(of) and not is_bytes(of) and not pa.types.is_dictionary(of):
        return "numeric" if _numbers_as_text(column) else "categorical"
    return "categorical"


def _mostly_numbers(column: Any) -> bool:
    codes = np.asarray(column.type_codes)
    counted = np.bincount(codes, minlength=column.type.num_fields)
    numbers = others = 0
    for place in range(column.type.num_fields):
        of = column.type.field(place).type
        held = int(counted[place]) - int(column.field(place).null_count if counted[place] else 0)
        if pa.types.is_integer(of) or pa.types.is_floating(of):
            numbers += held
        else:
            others += held
    return numbers > others


def _numbers_as_text(column: Any) -> bool:
    text = column.cast(pa.large_string())
    if pc.any(pc.match_substring_regex(text, _CODE)).as_py():
        # 0.5 is a number and 007 is none
        return False
    values, wrong = numeric_values(column)
    return not wrong.any() and pc.count_distinct(values).as_py() > _CODES
