"""Which rows of a partition are too late: decided once, at the source, row by row.

The watermark of a row is that of its own partition just before the row. It is a function of the rows before
it and so the same however a replay cuts them into batches, and it does not depend on other partitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FOR_EVER: Final = 100 * 365 * 86_400_000_000  # microseconds


@dataclass(frozen=True)
class LateRule:
    """When a row is too late for every window it belongs to.

    Parameters
    ----------
    size : int
        Length of a window, microseconds.
    slice : int
        Length of a slice, microseconds.
    allowed_lateness : int
        How long after its end a window still accepts rows, microseconds.
    """

    size: int
    slice: int
    allowed_lateness: int

    @classmethod
    def never(cls, allowed_lateness: int) -> LateRule:
        """Make the rule by which no row is too late: what comes late by nature is judged further on.

        Parameters
        ----------
        allowed_lateness : int
            How long after its end a window still accepts rows, microseconds.
        """
        return cls(_FOR_EVER, MILLISECOND, allowed_lateness)

    def too_late(self, times: NDArray[np.int64], watermarks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell the rows whose last window has been closed for longer than the allowed lateness.

        Parameters
        ----------
        times : ndarray of int64, shape (n,)
            Event times, microseconds since the epoch.
        watermarks : ndarray of int64, shape (n,)
            The partition's watermark before each row, microseconds.

        Returns
        -------
        ndarray of bool, shape (n,)
            True for rows to drop.

        Examples
        --------
        >>> rule = LateRule(size=30, slice=1, allowed_lateness=10)
        >>> rule.too_late(np.array([4, 4]), np.array([43, 44]))
        array([False,  True])
        """
        slice_end = (times // self.slice + 1) * self.slice
        late: NDArray[np.bool_] = slice_end + (self.size - self.slice + self.allowed_lateness) <= watermarks
        return late


def watermarks_before(
    times: NDArray[np.int64], watermark: int, *, disorder: int, now: int
) -> tuple[NDArray[np.int64], int]:
    """Follow the watermark of a partition through rows in the order of their offsets.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        Event times, microseconds since the epoch.
    watermark : int
        Watermark before the first row, microseconds.
    disorder : int
        How far event times within the partition may be out of order, microseconds.
    now : int
        The clock, microseconds: a row ahead of it, whose producer's clock is wrong, moves the watermark no
        further than the clock would.

    Returns
    -------
    ndarray of int64, shape (n,)
        The watermark before each row.
    int
        The watermark after the last.

    Examples
    --------
    >>> before, after = watermarks_before(np.array([10, 30, 20, 99]), 0, disorder=5, now=50)
    >>> before.tolist(), after
    ([0, 5, 25, 25], 45)
    """
    reached = np.minimum(times, now) - disorder
    running = np.maximum.accumulate(np.concatenate([np.array([watermark], np.int64), reached]))
    return running[:-1], int(running[-1])
