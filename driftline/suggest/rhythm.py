"""Windows of the data's own rhythm: how long they may be for enough rows in each, and enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.config.durations import parse_length
from driftline.windows.calendar import DAY, Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZES: Final = (
    *("15m", "30m", "1h", "3h", "6h", "12h"),
    *("1d", "2d", "1w", "2w", "1mo", "2mo", "3mo", "6mo", "12mo", "24mo", "60mo", "120mo"),
)
_WANTED: Final = 30
_LEAST: Final = 10
_ROWS: Final = 200
_FEWEST_ROWS: Final = 5  # below it nothing is judged
_MOST_WINDOWS: Final = 1_000_000
_LEARNED: Final = 2 / 3
_FEW: Final = 0.25  # share of the windows that may have fewer rows: weekends are two days in seven


@dataclass(frozen=True)
class Rhythm:
    """How long windows are to be, and which past they are learned from.

    Parameters
    ----------
    size
        Length of a window, as the configuration has it: ``1d``, ``1w``, ``3mo``.
    length
        The same in microseconds on the calendar line.
    rows
        Rows that three in four windows have.
    windows
        Whole windows of the reference that hold rows.
    split, end
        End of the reference and of the last window, microseconds since the epoch.
    """

    size: str
    length: int
    rows: int
    windows: int
    split: int
    end: int

    @property
    def min_n(self) -> int | None:
        """Rows that a window must have: half of what most have; None if the default will do."""
        return None if self.rows >= 2 * _ROWS else max(_FEWEST_ROWS, self.rows // 2)

    @property
    def few(self) -> str | None:
        """What the data have too little of for p-values; None if they have enough."""
        if self.rows < _FEWEST_ROWS:
            return f"windows of fewer than {_FEWEST_ROWS} rows are not judged"
        return "too few for p-values" if self.windows < _LEAST else None


def rhythm_of(times: NDArray[np.int64]) -> Rhythm | None:
    """Choose windows.

    Parameters
    ----------
    times : ndarray of int64, shape (rows,)
        Event times, microseconds since the epoch, in any order. Single ones far from all others do not count.

    Returns
    -------
    Rhythm or None
        The shortest windows of which three in four hold 200 rows, and of which the first two thirds of the
        time have at least 30; days, weeks and months before parts of a day and pairs of days, as they are
        alike. In smaller tables the windows that come nearest to that. Never shorter than the step from one
        time to the next, a day where there are only dates. None if all events have one time.

    Examples
    --------
    >>> often = np.arange(0, 120 * DAY, DAY // 2_000)
    >>> found = rhythm_of(often)
    >>> found.size, found.rows, found.windows
    ('1d', 2000, 80)
    """
    times = _without_strays(np.sort(times))
    first, last = int(times[0]), int(times[-1])
    if first == last:
        return None
    lengths = [(size, *parse_length(size)) for size in _SIZES]
    found = [
        _with(size, length, Calendar(unit), times)
        for size, length, unit in lengths
        if length <= last - first + DAY and last - first <= length * _MOST_WINDOWS
    ]
    return max(filter(None, found), key=_worth, default=None)


def _without_strays(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out what lies further from the bulk of sorted times than the bulk is long."""
    few = len(times) // 1_000
    low, high = int(times[few]), int(times[-1 - few])
    span = high - low
    return times[np.searchsorted(times, low - span) : np.searchsorted(times, high + span, side="right")]


def _worth(rhythm: Rhythm) -> tuple[float, ...]:
    """Enough windows and rows first, then days. Else what can be judged, in ten windows or more."""
    if rhythm.windows >= _WANTED and rhythm.rows >= _ROWS:
        return (3, rhythm.length >= DAY, rhythm.size != "2d", -rhythm.length)
    windows, rows = min(1.0, rhythm.windows / _WANTED), min(1.0, rhythm.rows / _ROWS)
    some = (rhythm.rows >= _FEWEST_ROWS) * (1 + (rhythm.windows >= _LEAST))
    return (some, windows * rows**0.5, rhythm.length >= DAY, -rhythm.length)


def _with(size: str, length: int, calendar: Calendar, times: NDArray[np.int64]) -> Rhythm | None:
    line = calendar.to_line(times)
    step = int(np.median(np.diff(np.unique(line))))
    if step > length:
        return None
    first, last = int(line[0]), int(line[-1])
    starts = np.arange(first // length * length, last + 1, length)
    counts = np.diff(np.searchsorted(line, np.append(starts, starts[-1] + length)))
    split = int(starts[min(len(starts) - 1, max(1, round(_LEARNED * len(starts))))])
    edge = max(step, length // 10)
    whole = (starts > first - edge) & (starts + length <= last + edge)
    good = whole & (counts > 0)
    rows = int(np.quantile(counts[good], _FEW, method="lower")) if good.any() else 0
    learned = int(np.sum(good & (starts + length <= split)))
    end = calendar.in_utc(int(starts[-1]) + length)
    return Rhythm(size, length, rows, learned, calendar.in_utc(split), end)
