"""Numbers as text and text as numbers, the same whatever type a source gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import nulls

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT: Final = float(2**53)
_LEAST, _MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)

_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:nan|inf|infinity)$"

_PLAIN: Final = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
"""A number as a program writes it: no plus, no zeros in front, which codes such as 007 have."""

_WHOLE: Final = r"^(0|-?[1-9]\d*)$"


def float_text(column: Any) -> Any:
    """Write floats as every source would write them.

    Whole numbers are written as integers are: JSON and Avro disagree on what 7 is. All others are written
    with the fewest digits that tell the nearest float32, so that .1, its float32 and .1 + 1e-12 are one.

    Parameters
    ----------
    column : pyarrow.Array
        Floats.

    Returns
    -------
    pyarrow.StringArray

    Examples
    --------
    >>> float_text(pa.array([7.0, 0.1 + 0.2, 0.10000000149011612])).to_pylist()
    ['7', '0.3', '0.1']
    """
    values = column.cast(pa.float64())
    magnitude = pc.abs(values)
    whole = pc.and_(pc.less_equal(magnitude, _EXACT), pc.equal(pc.trunc(values), values))
    integers = pc.if_else(whole, values, None).cast(pa.int64()).cast(pa.string())
    within = pc.and_(pc.greater_equal(magnitude, _LEAST), pc.less_equal(magnitude, _MOST))
    short = pc.if_else(within, values, None).cast(pa.float32(), safe=False).cast(pa.string())
    return pc.if_else(whole, integers, pc.coalesce(short, values.cast(pa.string())))


def nearest_doubles(column: Any) -> Any:
    """Read decimals (`pyarrow.Array`) as the nearest float64, which Arrow's own cast misses by a step."""
    return column.cast(pa.string()).cast(pa.float64())


def numbers_in_text(text: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Read text that is numbers.

    Parameters
    ----------
    text : pyarrow.StringArray
        Blanks around a number do not matter; blank text is null.

    Returns
    -------
    values : pyarrow.DoubleArray
        Null where the text is null, blank or no number.
    wrong : ndarray of bool, shape (rows,)
        Rows that hold something else.

    Examples
    --------
    >>> values, wrong = numbers_in_text(pa.array([" 12.5", "", "abc"]))
    >>> values.to_pylist(), wrong.tolist()
    ([12.5, None, None], [False, False, True])
    """
    try:
        return text.cast(pa.float64()), np.zeros(len(text), bool)
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(text)
    number = pc.match_substring_regex(trimmed, _NUMBER)
    values = pc.if_else(number, trimmed, None).cast(pa.float64())
    blank = pc.fill_null(pc.equal(trimmed, ""), True).to_numpy(zero_copy_only=False)
    return values, nulls(values) & ~blank


def canonical_text(text: Any) -> Any:
    """Write text that is a plain number as `float_text` does, and leave all else.

    Parameters
    ----------
    text : pyarrow.StringArray
        Text without nulls.

    Returns
    -------
    pyarrow.StringArray

    Examples
    --------
    >>> canonical_text(pa.array(["1.000000", "0.10", "007", "a"])).to_pylist()
    ['1', '0.1', '007', 'a']
    """
    # whole numbers are as they should be, and may be longer than a float64 can tell
    number = pc.and_not(pc.match_substring_regex(text, _PLAIN), pc.match_substring_regex(text, _WHOLE))
    if not pc.any(number).as_py():
        return text
    return pc.replace_with_mask(text, number, float_text(text.filter(number).cast(pa.float64())))
