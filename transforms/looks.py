"""When slices of event time are looked at: once they are over and all that is not late has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from driftline.transforms.timestamps import END_OF_TIME, LAST
from driftline.windows.slices import MILLISECOND

#: So long a piece of event time is looked at together, microseconds.
SLICE: Final = 60_000_000


@dataclass(frozen=True)
class Looks:
    """Looks at what a key holds.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.
    delay
        How long after its end a slice is looked at, microseconds; a multiple of a millisecond. None for
        bounded input, which is looked at once, when all of it is there.
    """

    slice_length: int
    delay: int | None

    def due(self, time: int, cut: int | None) -> int:
        """Say when to look at a row: after its slice, and after a later one than was looked at."""
        if self.delay is None:
            return LAST
        number = max(time, time if cut is None else cut) // self.slice_length + 1
        return number * self.slice_length + self.delay

    def cut(self, now: int) -> int:
        """Say up to which time rows are looked at."""
        return END_OF_TIME if self.delay is None else now - self.delay

    def stamp(self, latest: int, now: int) -> int:
        """Give the time of a look; of bounded input, the end of the slice of the latest row of an element."""
        if self.delay is not None:
            return now
        return min((latest // self.slice_length + 1) * self.slice_length, now)


def checked_slice(length: int) -> int:
    """Refuse slices that timers cannot end.

    Raises
    ------
    ValueError
        If the length is no whole number of milliseconds, in microseconds.
    """
    if length <= 0 or length % MILLISECOND:
        raise ValueError(f"slice_length {length!r}: give a whole number of milliseconds, in microseconds")
    return length
