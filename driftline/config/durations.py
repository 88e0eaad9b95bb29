"""Durations as people write them (``90s``, ``30m``, ``6h``, ``7d``) and as the code counts them."""

from __future__ import annotations

import re

from driftline.windows.calendar import MONTH

WEEK = 7 * 86_400_000_000
"""Microseconds. `7d` in any other way of counting: only windows make a difference."""

MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
"""Microseconds in each unit, the longest first."""

LONGEST = 36_500 * MICROSECONDS["d"]
"""A century: event times and sums of durations then stay far inside 64 bits."""

_DURATION = re.compile(r"([0-9]{1,18})\s*([smhd])")
_LENGTH = re.compile(r"([0-9]{1,18})\s*(w|mo)")


def parse_duration(text: str) -> int:
    """Read a duration.

    Parameters
    ----------
    text : str
        A whole number and a unit: ``s``, ``m``, ``h`` or ``d``.

    Returns
    -------
    int
        Microseconds, not negative.

    Raises
    ------
    ValueError
        If the text is not a duration or longer than a century. The message does not repeat the text.

    Examples
    --------
    >>> parse_duration("30m")
    1800000000
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a duration: write a whole number and a unit, such as 90s, 30m, 6h or 7d")
    duration = int(match[1]) * MICROSECONDS[match[2]]
    if duration > LONGEST:
        raise ValueError(f"is too long: the longest duration is {format_duration(LONGEST)}")
    return duration


def parse_length(text: str) -> tuple[int, str]:
    """Read the length of a window: a duration, weeks or months.

    Parameters
    ----------
    text : str
        As for `parse_duration`; or a whole number and ``w`` for calendar weeks, ``mo`` for calendar months.

    Returns
    -------
    int
        Microseconds on the calendar line.
    str
        What they are counted in: ``week``, ``month``, or nothing for a duration.

    Raises
    ------
    ValueError
        If the text is no length or longer than a century.

    Examples
    --------
    >>> parse_length("1w"), parse_length("7d"), parse_length("3mo") == (3 * MONTH, "month")
    ((604800000000, 'week'), (604800000000, ''), True)
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        try:
            return parse_duration(text), ""
        except ValueError as error:
            message = str(error).replace("6h or 7d", "6h, 7d, 1w or 1mo")
            raise ValueError(message) from None
    unit, size = ("week", WEEK) if match[2] == "w" else ("month", MONTH)
    length = int(match[1]) * size
    if length > LONGEST:
        raise ValueError(f"is too long: the longest duration is {format_duration(LONGEST)}")
    return length, unit


def format_duration(microseconds: int) -> str:
    """Write a duration, or the length of a window, in the longest unit that divides it.

    Parameters
    ----------
    microseconds : int
        Microseconds, not negative.

    Returns
    -------
    str
        What `parse_length` reads back; parts of a second, which it does not read, are written in ``us``.

    Examples
    --------
    >>> format_duration(5_400_000_000), format_duration(0), format_duration(604_800_000_000)
    ('90m', '0s', '7d')
    """
    if microseconds == 0:
        return "0s"
    if microseconds % MONTH == 0:
        return f"{microseconds // MONTH}mo"
    for unit, size in MICROSECONDS.items():
        if microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    return f"{microseconds}us"
