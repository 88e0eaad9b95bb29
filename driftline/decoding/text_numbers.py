"""Numbers that are written as text, as CSV files and the names of folders have them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiles.number_text import numbers_in_text

MISSING: Final = ("", "na", "n/a", "#n/a", "null", "none", r"\n")
"""How programs write that a number is missing, in small letters."""

_GROUPED: Final = r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"
_TRUTH: Final = {"true": "1", "false": "0"}


def numbers_of_text(column: Any, decimal: str = ".") -> Any:
    """Read text as numbers, each value by itself.

    Parameters
    ----------
    column : pyarrow.StringArray
        Numbers; ``true`` and ``false`` are 1 and 0, ``nan`` and ``inf`` what they say. `MISSING` is null.
    decimal
        What stands before fractions. If it is a comma, points group thousands, or it is no number.

    Returns
    -------
    pyarrow.Array
        float64, or if some text is no number a dense union of float64 and that text.

    Examples
    --------
    >>> numbers_of_text(pa.array(["7", " 1e3", "NA", "True", None])).to_pylist()
    [7.0, 1000.0, None, 1.0, None]
    >>> numbers_of_text(pa.array(["7", "seven"])).to_pylist()
    [7.0, 'seven']
    >>> numbers_of_text(pa.array(["7,5", "1.234,5", "7.5"]), ",").to_pylist()
    [7.5, 1234.5, '7.5']
    """
    written = column if decimal == "." else _with_points(column)
    try:
        return written.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    small = pc.utf8_lower(pc.utf8_trim_whitespace(written))
    for word, number in _TRUTH.items():
        small = pc.if_else(pc.equal(small, word), number, small)
    small = pc.if_else(pc.is_in(small, pa.array(MISSING)), None, small)
    numbers, wrong = numbers_in_text(small)
    if not wrong.any():
        return numbers
    rows = np.arange(len(column), dtype=np.int32)
    offsets = np.where(wrong, np.cumsum(wrong) - 1, rows).astype(np.int32)
    text = column.filter(pa.array(wrong))
    return pa.UnionArray.from_dense(
        pa.array(wrong.astype(np.int8)), pa.array(offsets), [numbers, text], ["float", "text"]
    )


def _with_points(column: Any) -> Any:
    plain = pc.utf8_trim_whitespace(column)
    grouped = pc.match_substring_regex(plain, _GROUPED)
    plain = pc.if_else(grouped, pc.replace_substring(plain, ".", ""), plain)
    return pc.replace_substring(pc.replace_substring(plain, ".", "?"), ",", ".")
