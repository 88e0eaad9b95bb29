"""Times in a format of one's own, as microseconds since the epoch; a whole column at a time."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.arrays import numbers
from driftline.config.time_format import MONTHS, pieces_of

_DAY: Final = 86_400_000_000
_HOUR: Final = 3_600_000_000
_MINUTE: Final = 60_000_000
_SECOND: Final = 1_000_000
_FIRST_OF_LAST_CENTURY: Final = 69  # POSIX: 69 to 99 are 1969 to 1999

Micros = NDArray[np.int64]
Mask = NDArray[np.bool_]


def formatted_times(column: Any, time_format: str) -> tuple[Micros, Mask]:
    """Read text in a format.

    Parameters
    ----------
    column : pyarrow.StringArray
        The text, shape (rows,); blanks around it do not matter.
    time_format
        In the directives of ``strptime``. Names of months and days are English, whatever the locale.

    Returns
    -------
    times : ndarray of int64, shape (rows,)
        Microseconds since the epoch; UTC where the text has no offset. Finer parts are cut off.
    valid : ndarray of bool, shape (rows,)
        Rows whose whole text is in the format and is a time that exists.

    Examples
    --------
    >>> formatted_times(pa.array(["02.01.1970 00:00", "30.02.1970 00:00"]), "%d.%m.%Y %H:%M")
    (array([86400000000,           0]), array([ True, False]))
    """
    names, pattern = _pattern(time_format)
    parts = pc.extract_regex(column, pattern)
    matched = parts.is_valid().to_numpy(zero_copy_only=False)
    if not matched.any():
        return np.zeros(len(column), np.int64), matched
    rows = np.flatnonzero(matched)
    found = parts if matched.all() else parts.take(pa.array(rows))
    read = {name: pc.struct_field(found, [place]) for place, name in enumerate(names)}
    days, exists = _days(read)
    micros = days * _DAY + _clock(read) - _offsets(read)
    times, valid = np.zeros(len(column), np.int64), matched.copy()
    valid[rows] = exists
    times[rows] = np.where(exists, micros, 0)
    return times, valid


@cache
def _pattern(time_format: str) -> tuple[tuple[str, ...], str]:
    pieces = pieces_of(time_format)
    # group names differ by case for RE2 too, but a letter alone would hide which of two was meant
    text = "".join(
        f"(?P<{name}_{'l' if name.islower() else 'u'}>{what})" if name else what for name, what in pieces
    )
    return tuple(name for name, _ in pieces if name), rf"^\s*{text}\s*$"


def _days(read: dict[str, Any]) -> tuple[Micros, Mask]:
    """Days since the epoch, and whether the month has that day."""
    if "Y" in read:
        years = _whole(read["Y"])
    else:
        short = _whole(read["y"])
        years = short + np.where(short >= _FIRST_OF_LAST_CENTURY, 1900, 2000)
    name = read.get("b", read.get("B"))
    if name is not None:
        start = pc.utf8_lower(pc.utf8_slice_codeunits(name, 0, 3))
        months = pc.index_in(start, pa.array(MONTHS)).to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        months = _whole(read["m"]) - 1 if "m" in read else np.zeros(len(years), np.int64)
    month = ((years - 1970) * 12 + months).astype("M8[M]")
    first = month.astype("M8[D]")
    if "j" in read:
        inside, last = _whole(read["j"]), (first.astype("M8[Y]") + 1).astype("M8[D]")
    else:
        inside = _whole(read["d"]) if "d" in read else np.ones(len(years), np.int64)
        last = (month + 1).astype("M8[D]")
    day = first + (inside - 1)
    exists = (day < last) & (years >= 1) & (years <= 9999)
    return day.astype(np.int64), exists


def _clock(read: dict[str, Any]) -> Micros:
    """Microseconds since midnight."""
    hours: Any = np.int64(0)
    if "H" in read:
        hours = _whole(read["H"])
    elif "I" in read:
        after_noon = pc.starts_with(pc.utf8_lower(read["p"]), "p").to_numpy(zero_copy_only=False)
        hours = _whole(read["I"]) % 12 + 12 * after_noon
    total = hours * _HOUR
    for name, unit in (("M", _MINUTE), ("S", _SECOND)):
        if name in read:
            total = total + _whole(read[name]) * unit
    if "f" in read:
        digits = pc.utf8_slice_codeunits(pc.utf8_rpad(read["f"], 6, "0"), 0, 6)
        total = total + _whole(digits)
    result: Micros = total
    return result


def _offsets(read: dict[str, Any]) -> Any:
    """Microseconds that local time is ahead of UTC; none where the text does not say."""
    if "z" not in read:
        return np.int64(0)
    plain = pc.replace_substring_regex(read["z"], "^[Zz]$", "+00")
    digits = pc.utf8_rpad(pc.replace_substring_regex(plain, r"[:+-]", ""), 4, "0")
    value = _whole(digits)
    sign = np.where(pc.starts_with(plain, "-").to_numpy(zero_copy_only=False), -1, 1)
    return sign * (value // 100 * _HOUR + value % 100 * _MINUTE)


def _whole(text: Any) -> Micros:
    return numbers(pc.utf8_trim_whitespace(text).cast(pa.int64())).astype(np.int64)
