"""Times of the day and of the week as waves, and which of them the windows of a reference can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.windows.calendar import MONTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
"""Microseconds."""

_HARMONICS: Final = {DAY: 2, WEEK: 3}
_CYCLES: Final = {"day": (DAY,), "week": (DAY, WEEK)}
_FEWEST_CYCLES: Final = 3
_SEEN: Final = 2.9  # of these: a window at an end, and a few between, may lack
_ADJECTIVES: Final = {DAY: "daily", WEEK: "weekly"}


def waves(times: NDArray[np.int64], columns: int) -> Floats:
    """Give sines and cosines of the time of day and of the week, in UTC.

    Parameters
    ----------
    times : ndarray of int64, shape (N,)
        Microseconds since the epoch: the middles of windows.
    columns : int
        4 are two harmonics of a day, 6 are three of a week, 10 are both. What a baseline keeps tells by its
        length which it has.

    Returns
    -------
    ndarray of float64, shape (N, columns)
        Cosine and sine of each harmonic.

    Raises
    ------
    ValueError
        If there is no season of so many columns.

    Examples
    --------
    >>> waves(np.array([0, 6 * HOUR]), 4).round(3).tolist()
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0]]
    """
    cycles, turns = _harmonics_of(columns)
    angles = (times[:, None] % cycles) * turns
    both = np.empty((len(times), columns))
    both[:, ::2], both[:, 1::2] = np.cos(angles), np.sin(angles)
    return both


@cache
def _harmonics_of(columns: int) -> tuple[NDArray[np.int64], Floats]:
    """Give the cycle of every harmonic, and by how much its angle turns in a microsecond."""
    for cycles in ((DAY,), (WEEK,), (DAY, WEEK)):
        if _width(cycles) == columns:
            each = [(cycle, k + 1) for cycle in cycles for k in range(_HARMONICS[cycle])]
            return np.array([cycle for cycle, _ in each]), np.array(
                [2 * np.pi * k / cycle for cycle, k in each]
            )
    raise ValueError(f"no season has {columns} columns: rebuild the baseline with this release")


def _width(cycles: tuple[int, ...]) -> int:
    return sum(2 * _HARMONICS[cycle] for cycle in cycles)


@dataclass(frozen=True)
class Season:
    """The cycles that a reference is long enough for.

    Parameters
    ----------
    cycles : tuple of int
        Microseconds, the shortest first; not empty.
    chosen : bool
        Whether every statistic chooses how many of them it needs, none among the choices; else it has all.
    """

    cycles: tuple[int, ...]
    chosen: bool

    def of(self, starts: NDArray[np.int64], size: int) -> SeasonOfWindows:
        """Give the waves of windows that begin at `starts` (W,) and are `size` long, microseconds."""
        widths = tuple(accumulate(_width((cycle,)) for cycle in self.cycles))
        choices = (0, *widths) if self.chosen else widths[-1:]
        times = starts + size // 2
        found = waves(times, widths[-1])
        # waves that such windows cannot tell apart are zeros: no statistic learns a coefficient of them
        found[:, _beyond(self.cycles, size)] = 0.0
        return SeasonOfWindows(times, found, choices)


def _beyond(cycles: tuple[int, ...], size: int) -> NDArray[np.bool_]:
    """Tell which columns of the waves are of harmonics that windows of a size cannot tell apart."""
    each = [k >= _harmonics_at(size, cycle) for cycle in cycles for k in range(_HARMONICS[cycle])]
    return np.repeat(each, 2)


@dataclass(frozen=True, eq=False)
class SeasonOfWindows:
    """When the W windows of a reference were.

    Parameters
    ----------
    times : ndarray of int64, shape (W,)
        Middles of the windows, microseconds since the epoch.
    waves : ndarray of float64, shape (W, P)
        Of these.
    choices : tuple of int
        How many of the first columns a statistic may use.
    """

    times: NDArray[np.int64]
    waves: Floats
    choices: tuple[int, ...]

    def only(self, kept: NDArray[np.bool_]) -> SeasonOfWindows:
        """Keep some of the windows."""
        return SeasonOfWindows(self.times[kept], self.waves[kept], self.choices)


def season_for(asked: str, *, size: int, starts: NDArray[np.int64]) -> tuple[Season | None, str | None]:
    """Decide which cycles windows can be compared by.

    Parameters
    ----------
    asked : str
        ``none``, ``day``, ``week`` or ``auto``.
    size : int
        Length of a window, microseconds: at most a third of a cycle, to tell its phases apart.
    starts : ndarray of int64, shape (W,)
        Of the windows of the reference, microseconds. They must be three times as many as the fullest cycle
        has, all but a thirtieth of them: nights that never have windows are no gaps.

    Returns
    -------
    Season or None
        None if there is nothing to compare by.
    str or None
        What was asked for and cannot be.

    Examples
    --------
    >>> season_for("week", size=HOUR, starts=np.arange(9 * 24) * HOUR)[1]
    'the reference covers 9 days: too short for a weekly season, which takes 21; it has a daily one'
    >>> season_for("auto", size=DAY, starts=np.arange(63) * DAY)[0].cycles == (WEEK,)
    True
    """
    if asked == "none":
        return None, None
    cycles = _CYCLES["week" if asked == "auto" else asked]
    wanted = [cycle for cycle in cycles if _harmonics_at(size, cycle)]
    if not wanted:
        longest = "day" if cycles[-1] == DAY else "week"
        than = f"longer than a third of a {longest}" if size < cycles[-1] else f"not shorter than a {longest}"
        return None, f"windows of {_shown(size)} are {than}: there is no season to compare by"
    known = tuple(cycle for cycle in wanted if _cycles_seen(starts, cycle) >= _SEEN)
    season = Season(known, asked == "auto") if known else None
    if len(known) == len(wanted):
        only = asked == "week" and len(wanted) < len(cycles) and size < DAY
        return season, f"windows of {_shown(size)} are too long for a daily season" if only else None
    short = next(cycle for cycle in wanted if cycle not in known)
    span = int(starts.max() - starts.min()) + size if len(starts) else 0
    covers = f"the reference covers {span / DAY:.3g} days"
    need = f"a {_ADJECTIVES[short]} season, which takes {_FEWEST_CYCLES * short // DAY}"
    has = f"it has a {_ADJECTIVES[known[-1]]} one" if known else "it has none"
    if span >= _FEWEST_CYCLES * short:
        return season, f"{covers} with too many gaps for {need} without; {has}"
    return season, f"{covers}: too short for {need}; {has}"


def _harmonics_at(size: int, cycle: int) -> int:
    """Count the waves of a cycle that windows can tell apart: two numbers each, and an average."""
    return max(0, min(_HARMONICS[cycle], (cycle // size - 1) // 2))


def _cycles_seen(starts: NDArray[np.int64], cycle: int) -> float:
    """Count cycles by the windows of the fullest one."""
    if not len(starts):
        return 0.0
    held = np.unique((starts - starts.min()) // cycle, return_counts=True)[1]
    return float(len(starts) / held.max())


def _shown(size: int) -> str:
    """Write a length in the longest unit that it is a multiple of."""
    for unit, letter in ((MONTH, "mo"), (DAY, "d"), (HOUR, "h"), (HOUR // 60, "m"), (HOUR // 3600, "s")):
        if size % unit == 0:
            return f"{size // unit}{letter}"
    return f"{size // 1000}ms"
