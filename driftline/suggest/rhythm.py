"""Windows of the data's own rhythm: how long they may be for enough rows in each, and enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
_SIZES: Final = (
    *(minutes * _MINUTE for minutes in (15, 30, 60, 180, 360, 720)),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820, 3640)),
)
_WANTED: Final = 30
_LEAST: Final = 10
_ROWS: Final = 200
_PLENTY: Final = 500
_FEWEST_ROWS: Final = 3
_MOST_WINDOWS: Final = 1_000_000
_LEARNED: Final = 2 / 3


@dataclass(frozen=True)
class Rhythm:
    """How long windows are to be, and which past they are learned from.

    Parameters
    ----------
    size
        Length of a window, microseconds.
    rows
        Median rows of a window.
    windows
        Windows of the reference with enough rows and enough of their time covered.
    split
        End of the reference, microseconds since the epoch.
    first, last
        First and last event, microseconds since the epoch.
    """

    size: int
    rows: int
    windows: int
    split: int
    first: int
    last: int

    @property
    def min_n(self) -> int | None:
        """Rows that a window of so small a table must have; None if the default will do."""
        return None if self.rows >= _ROWS else max(_FEWEST_ROWS, self.rows // 2)


def rhythm_of(times: NDArray[np.int64]) -> Rhythm | None:
    """Choose windows.

    Parameters
    ----------
    times : ndarray of int64, shape (rows,)
        Event times, microseconds since the epoch, in any order.

    Returns
    -------
    Rhythm or None
        The shortest windows that hold 500 rows, else 200, and are at least 30 in the first two thirds of
        the time; whole days before parts of a day, as days are alike. With less, whatever gives most. None if
        all events have one time.

    Examples
    --------
    >>> hourly = np.arange(0, 120 * _DAY, _DAY // 2_000)
    >>> found = rhythm_of(hourly)
    >>> found.size // _DAY, found.rows, found.windows
    (1, 2000, 80)
    """
    times = np.sort(times)
    first, last = int(times[0]), int(times[-1])
    if first == last:
        return None
    found = [_with(size, times) for size in _SIZES if size <= last - first <= size * _MOST_WINDOWS]
    if not found:
        return None
    return max(found, key=_worth)


def _worth(rhythm: Rhythm) -> tuple[float, ...]:
    """Enough windows and rows first; then days, and many rows. Else ten windows, then rows in each."""
    enough = (rhythm.windows >= _LEAST) + (rhythm.windows >= _WANTED)
    rows = min(rhythm.rows, _ROWS)
    whole_days = rhythm.size % _DAY == 0
    if enough == 2 and rows == _ROWS:
        return (2, whole_days, min(rhythm.rows, _PLENTY), -rhythm.size)
    return (0, min(rhythm.windows, _LEAST), rows, rhythm.windows)


def _with(size: int, times: NDArray[np.int64]) -> Rhythm:
    first, last = int(times[0]), int(times[-1])
    starts = np.arange(first // size * size, last + 1, size)
    edges = np.searchsorted(times, np.append(starts, starts[-1] + size))
    counts = np.diff(edges)
    quarters = np.unique(times // (size // 4))
    covered = np.bincount(
        np.searchsorted(starts, quarters * (size // 4), side="right") - 1, minlength=len(starts)
    )
    whole = (starts >= first) & (starts + size <= last + 1)
    good = whole & (covered >= 2) & (counts > 0)
    split = int(starts[min(len(starts) - 1, max(1, round(_LEARNED * len(starts))))])
    rows = int(np.median(counts[good])) if good.any() else 0
    learned = int(np.sum(good & (starts + size <= split)))
    return Rhythm(size, rows, learned, split, first, last)
