"""Numbers, times and lists as a person writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from driftline.windows.calendar import MONTH

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY = 86_400_000_000


def number(value: float) -> str:
    """Write a number with three significant digits, thousands apart.

    Examples
    --------
    >>> [number(x) for x in (1234567, 1234.5, 1.2345, 0.012345, 0, 1e-7)]
    ['1,234,567', '1,234', '1.23', '0.0123', '0', '1e-07']
    """
    if value == 0:
        return "0"
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """Write a share as a percentage that is never rounded to none or all.

    Examples
    --------
    >>> [percent(x) for x in (0, 1, 0.5, 0.0123, 0.00001, 0.9999)]
    ['0%', '100%', '50%', '1.2%', '<0.1%', '>99.9%']
    """
    if share in {0, 1}:
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    if share > 0.999:
        return ">99.9%"
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.1f}%"


def rate(share: float) -> str:
    """Write a share to a tenth of a percent, so that two that are near can be told apart.

    Examples
    --------
    >>> [rate(x) for x in (0, 0.1213, 0.00001, 0.9999, 1)]
    ['0%', '12.1%', '<0.1%', '>99.9%', '100%']
    """
    if share in {0, 1} or not 0.001 <= share <= 0.999:
        return percent(share)
    return f"{100 * share:.1f}%"


def moment(micros: int, *, daily: bool, year: bool) -> str:
    """Write an instant (UTC).

    Parameters
    ----------
    micros : int
        Microseconds since the epoch.
    daily : bool
        Leave out the time of day.
    year : bool
        Name the year.

    Examples
    --------
    >>> moment(1_363_046_400_000_000, daily=True, year=False)
    '12 Mar'
    >>> moment(1_363_046_400_000_000, daily=False, year=True)
    '12 Mar 2013 00:00'
    """
    when = _EPOCH + timedelta(microseconds=micros)
    day = f"{when.day} {when:%b}" + (f" {when.year:04d}" if year else "")
    return day if daily else f"{day} {when:%H:%M}"


def period(start: int, end: int, *, daily: bool, year: bool) -> str:
    """Write the time from an instant to before another; whole days by their first and last.

    Parameters
    ----------
    start, end : int
        Microseconds since the epoch.
    daily, year : bool
        As for `moment`.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> period(0, day, daily=True, year=False), period(0, 7 * day, daily=True, year=False)
    ('1 Jan', '1 Jan to 7 Jan')
    >>> period(0, day // 48, daily=False, year=False)
    '1 Jan 00:00 to 00:30'
    """
    first, last = (moment(at, daily=daily, year=year) for at in (start, end - daily))
    if not daily and start // _DAY == end // _DAY:
        last = last[-len("00:00") :]
    return first if first == last else f"{first} to {last}"


def span(micros: int) -> str:
    """Write a duration.

    Examples
    --------
    >>> [span(x) for x in (86_400_000_000, 604_800_000_000, 1_800_000_000, 3 * MONTH, 60 * MONTH)]
    ['1 day', '7 days', '30 minutes', '3 months', '5 years']
    """
    for unit, size in (
        ("year", 12 * MONTH),
        ("month", MONTH),
        ("day", _DAY),
        ("hour", _DAY // 24),
        ("minute", 60_000_000),
        ("second", 1_000_000),
    ):
        if micros and micros % size == 0:
            return plural(micros // size, unit)
    return f"{micros / 1e6:g} seconds"


def plural(count: int, noun: str) -> str:
    """Write a count and its noun.

    Examples
    --------
    >>> plural(1, "window"), plural(1200, "window")
    ('1 window', '1,200 windows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listing(names: Sequence[str], most: int = 5) -> str:
    """Join names; beyond `most`, count the rest.

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b"]), listing(list("abcdef"), most=3)
    ('a', 'a and b', 'a, b, c and 3 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def calendar(starts: Sequence[int], ends: Sequence[int], size: int) -> tuple[bool, bool]:
    """Choose how instants are written: without the time of day, and with the year.

    The year is named where a day and month alone would be ambiguous, or nearly so.

    Parameters
    ----------
    starts, ends : sequence of int
        The windows, microseconds since the epoch.
    size : int
        Length of a window, microseconds.

    Returns
    -------
    tuple of bool
        ``daily`` and ``year`` of `moment`.
    """
    daily = all(int(start) % _DAY == 0 for start in starts) and (size % _DAY == 0 or size % MONTH == 0)
    return daily, not len(starts) or int(ends[-1]) - int(starts[0]) > 330 * _DAY
