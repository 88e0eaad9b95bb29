"""An exponential histogram: the sums of a growing window, in O(log n) buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Level(NamedTuple):
    """Buckets of one size, oldest first.

    Parameters
    ----------
    totals
        Sum of each bucket's values.
    squares
        Sum of each bucket's squared deviations from its mean.
    """

    totals: list[float]
    squares: list[float]


class Buckets:
    """Buckets of 1, 2, 4, ... values; the oldest two of a size become one of the next when they are too many.

    Parameters
    ----------
    most
        Most buckets of one size.

    Attributes
    ----------
    levels
        Level i has the buckets of 2^i values; all but the first are never empty.

    References
    ----------
    Datar, Gionis, Indyk and Motwani, Maintaining Stream Statistics over Sliding Windows (2002); the variance
    after Babcock, Datar, Motwani and O'Callaghan, Maintaining Variance and k-Medians over Data Stream Windows
    (2003).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.levels = [Level([], [])]

    def add(self, x: float) -> None:
        """Add a value."""
        level = self.levels[0]
        level.totals.append(x)
        level.squares.append(0.0)
        size = 1.0
        for i in range(len(self.levels)):
            level = self.levels[i]
            if len(level.totals) <= self.most:
                return
            if i + 1 == len(self.levels):
                self.levels.append(Level([], []))
            first, second = level.totals[:2]
            apart = first / size - second / size
            above = self.levels[i + 1]
            above.totals.append(first + second)
            above.squares.append(level.squares[0] + level.squares[1] + size * 0.5 * apart * apart)
            del level.totals[:2], level.squares[:2]
            size *= 2.0

    def drop_oldest(self) -> tuple[float, float, float]:
        """Remove the oldest bucket; its size, total and squares."""
        last = self.levels[-1]
        size = 2.0 ** (len(self.levels) - 1)
        total, squares = last.totals.pop(0), last.squares.pop(0)
        if not last.totals and len(self.levels) > 1:
            self.levels.pop()
        return size, total, squares


class _Grown(NamedTuple):
    """A level through a number of additions: all buckets it ever had, and which of them at which time."""

    totals: NDArray[np.float64]
    squares: NDArray[np.float64]
    arrived: NDArray[np.int64]  # buckets that had come, at each of the times
    merged: NDArray[np.int64]  # buckets that had gone


class Growth:
    """Buckets through a number of additions, as arrays.

    Parameters
    ----------
    values
        What is added, shape (n,).
    times
        Numbers of values after which one wants to look, ascending, shape (m,).
    """

    def __init__(self, buckets: Buckets, values: NDArray[np.float64], times: NDArray[np.int64]) -> None:
        self._most = buckets.most
        self._levels: list[_Grown] = []
        totals, squares = values, np.zeros(len(values))
        new = times
        size = 1.0
        while True:
            i = len(self._levels)
            if i < len(buckets.levels):
                held = buckets.levels[i]
                totals = np.concatenate((held.totals, totals))
                squares = np.concatenate((held.squares, squares))
                arrived = len(held.totals) + new
            elif len(totals):
                arrived = new
            else:
                return
            pairs = np.maximum(0, (arrived - self._most + 1) // 2)
            self._levels.append(_Grown(totals, squares, arrived, 2 * pairs))
            count = max(0, (len(totals) - self._most + 1) // 2)
            first, second = totals[: 2 * count : 2], totals[1 : 2 * count : 2]
            apart = first / size - second / size
            squares = squares[: 2 * count : 2] + squares[1 : 2 * count : 2] + size * 0.5 * apart * apart
            totals = first + second
            new = pairs
            size *= 2.0

    def totals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Size and total of every bucket at all times, (k, m), oldest first; 0 where a level holds fewer."""
        m = len(self._levels[0].arrived)
        shape = (len(self._levels), self._most, m)
        sizes, totals = np.zeros(shape), np.zeros(shape)
        slots = np.arange(self._most)[:, None]
        for i, level in enumerate(self._levels):
            at = level.merged + slots
            there = at < level.arrived
            row = len(self._levels) - 1 - i
            sizes[row] = there * 2.0**i
            if len(level.totals):
                totals[row] = np.where(there, level.totals.take(at, mode="clip"), 0.0)
        return sizes.reshape(-1, m), totals.reshape(-1, m)

    def at(self, time: int) -> Buckets:
        """The buckets at one time, given by its index in `times`."""
        buckets = Buckets(self._most)
        buckets.levels = [
            Level(
                level.totals[level.merged[time] : level.arrived[time]].tolist(),
                level.squares[level.merged[time] : level.arrived[time]].tolist(),
            )
            for level in self._levels
            if level.arrived[time]
        ]
        return buckets
