"""The line of time that windows of days, weeks and months divide evenly, whatever clocks do.

Windows are cut and merged by whole numbers of equal steps. Days of a zone have 23, 24 or 25 hours, and months
28 to 31 days. So a job with such windows counts time on a *calendar line*: every local day is 24 hours long
there, or every month an average month. Event times are put on it when they are decoded, and the times in rows
are brought back to UTC when they are written. Both ways keep the order of times, so watermarks, slices and
lateness work on the line as they do in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

UTC: Final = "UTC"
DAY: Final = 86_400_000_000
MONTH: Final = 2_629_746_000_000
"""A month on the calendar line: a twelfth of the Gregorian year, microseconds."""

_MONDAY: Final = 4 * DAY  # from the epoch, a Thursday, to the first Monday
_SECOND: Final = 1_000_000
_FIRST, _LAST = (int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp()) for year in (1970, 2101))
_DAY_SECONDS: Final = 86_400
_UNITS: Final = ("", "day", "week", "month")


@dataclass(frozen=True)
class Calendar:
    """What the windows of a job follow.

    Parameters
    ----------
    unit : str
        ``day``: they begin at midnight; ``week``: those of whole weeks on Mondays besides; ``month``: with
        months. Empty: they follow the epoch in UTC, and the line is UTC.
    zone : str
        Whose midnight that is, by its name in the IANA database.

    Examples
    --------
    The day on which clocks in Berlin skip an hour has 23 hours, and 24 on the line:

    >>> berlin = Calendar("day", "Europe/Berlin")
    >>> day = berlin.on_line(1_774_738_800_000_000) // DAY  # 2026-03-29T00:00+01:00
    >>> (berlin.in_utc((day + 1) * DAY) - berlin.in_utc(day * DAY)) / 3_600_000_000
    23.0
    """

    unit: str = ""
    zone: str = UTC

    def __post_init__(self) -> None:
        """Check the unit."""
        if self.unit not in _UNITS:
            raise ValueError(f"calendar of {self.unit!r}: write one of {', '.join(_UNITS[1:])}, or nothing")

    @property
    def is_utc(self) -> bool:
        """Whether the line is UTC itself."""
        return not self.unit or (self.unit == "day" and self.zone == UTC)

    @property
    def text(self) -> str:
        """How a message calls it."""
        return f"windows of {self.unit}s in {self.zone}" if self.unit else "windows from the epoch in UTC"

    def to_line(self, times: Times) -> Times:
        """Put times on the line.

        Parameters
        ----------
        times : ndarray of int64, shape (n,)
            Microseconds since the epoch, UTC.

        Returns
        -------
        ndarray of int64, shape (n,)
            Microseconds on the line, in the same order.
        """
        if self.is_utc:
            return times
        local = _to_local(times, self.zone)
        if self.unit == "week":
            return local - _MONDAY
        return _months_to_line(local) if self.unit == "month" else local

    def from_line(self, line: Times) -> Times:
        """Bring times back; parameters and result of `to_line` swapped.

        Where clocks skip an hour, the line has times that never are: they become the time of the skip.
        """
        if self.is_utc:
            return line
        if self.unit == "month":
            return _to_utc(_months_from_line(line), self.zone)
        return _to_utc(line + _MONDAY if self.unit == "week" else line, self.zone)

    def on_line(self, time: int) -> int:
        """Put one time on the line."""
        return time if self.is_utc else int(self.to_line(np.array([time]))[0])

    def in_utc(self, time: int) -> int:
        """Bring one time back."""
        return time if self.is_utc else int(self.from_line(np.array([time]))[0])


IN_UTC: Final = Calendar()
"""The calendar of windows that follow the epoch in UTC."""


class _Clock(NamedTuple):
    """Stretches of time in which a zone's clock goes evenly: S of them.

    Parameters
    ----------
    utc, local
        (S,) int64, where each begins, microseconds; the first and the last go on for ever.
    slower
        (S,) int64, 1, or 2 where two hours of the same name are one on the line.
    """

    utc: Times
    local: Times
    slower: Times


def _to_local(times: Times, zone: str) -> Times:
    """Give what clocks say, but an hour that comes twice at half the speed, so that the order stays."""
    clock = _clock(zone)
    at = np.maximum(np.searchsorted(clock.utc, times, side="right") - 1, 0)
    local: Times = clock.local[at] + (times - clock.utc[at]) // clock.slower[at]
    return local


def _to_utc(local: Times, zone: str) -> Times:
    clock = _clock(zone)
    at = np.maximum(np.searchsorted(clock.local, local, side="right") - 1, 0)
    times = clock.utc[at] + (local - clock.local[at]) * clock.slower[at]
    ends = np.append(clock.utc[1:], np.iinfo(np.int64).max)
    found: Times = np.minimum(times, ends[at])
    return found


def local_to_utc(local: Times, zone: str) -> Times:
    """Read what clocks say.

    Parameters
    ----------
    local : ndarray of int64, shape (n,)
        Local date and time, as microseconds since 1970-01-01T00:00 on the same clock.
    zone : str
        Whose clock it is.

    Returns
    -------
    ndarray of int64, shape (n,)
        Microseconds since the epoch, UTC. What a clock says twice is the first of the two; what it skips is
        the time of the skip.

    Examples
    --------
    >>> local_to_utc(np.array([0, DAY]), "America/New_York") / 3_600_000_000
    array([ 5., 29.])
    """
    clock = _clock(zone)
    at = np.maximum(np.searchsorted(clock.local, local, side="right") - 1, 0)
    ends = np.append(clock.utc[1:], np.iinfo(np.int64).max)
    times: Times = np.minimum(clock.utc[at] + (local - clock.local[at]), ends[at])
    return times


@lru_cache(maxsize=8)
def _clock(name: str) -> _Clock:
    """Find out when a zone changes its clocks; before 1970 and after 2100 they stay as they are then."""
    zone = ZoneInfo(name)

    def offset(second: int) -> int:
        found = datetime.fromtimestamp(second, zone).utcoffset()
        assert found is not None
        return int(found.total_seconds())

    first = offset(_FIRST)
    stretches = [(_FIRST, _FIRST + first, 1)]
    days = ((day, offset(day)) for day in range(_FIRST, _LAST, _DAY_SECONDS))
    for (begin, before), (end, after) in pairwise(days):
        if before == after:
            continue
        low, high = begin, end  # the change is behind low, and at high at the latest
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        if after > before:
            stretches.append((high, high + after, 1))
        else:
            repeated = before - after
            stretches += [(high - repeated, high + after, 2), (high + repeated, high + repeated + after, 1)]
    utc, local, slower = np.array(stretches, np.int64).T
    return _Clock(utc * _SECOND, local * _SECOND, slower)


def _months_to_line(local: Times) -> Times:
    """Stretch or shrink every month to an average one."""
    month = local.view("datetime64[us]").astype("datetime64[M]")
    begin, length = _begins_and_lengths(month)
    return month.astype(np.int64) * MONTH + _scaled(local - begin, np.full_like(length, MONTH), length)


def _months_from_line(line: Times) -> Times:
    number, within = np.divmod(line, MONTH)
    begin, length = _begins_and_lengths(number.view("datetime64[M]"))
    # rounded up, so that a time that was rounded down comes back
    times: Times = np.subtract(begin, _scaled(-within, length, np.full_like(length, MONTH)))
    return times


def _begins_and_lengths(month: NDArray[np.datetime64]) -> tuple[Times, Times]:
    begin, end = (each.astype("datetime64[us]").astype(np.int64) for each in (month, month + 1))
    return begin, end - begin


def _scaled(part: Times, to: Times, of: Times) -> Times:
    """Give part * to // of in 64 bits; all are below 32 days, part may be negative."""
    seconds, rest = np.divmod(part, _SECOND)
    whole, left = np.divmod(seconds * to, of)
    return whole * _SECOND + np.floor_divide(left * _SECOND + rest * to, of)
