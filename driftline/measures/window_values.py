"""How many distinct values windows have, and how many of their rows are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles import hyperloglog
from driftline.statistics.coincidence import coincidences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.profiles.categorical import CategoricalProfile


class WindowValues:
    """Merge what cannot be summed up from differences, with no more slices in memory than a window has.

    Parameters
    ----------
    begin, end
        First slice of each of W windows and the one behind its last, shape (W,), int64, neither decreasing.
    features
        F.

    Attributes
    ----------
    cardinality
        Distinct values, shape (W, F), float64; 0 without any.
    coincidences
        Ordered pairs of rows that are alike, shape (W, F), float64.
    """

    def __init__(self, begin: NDArray[np.int64], end: NDArray[np.int64], features: int) -> None:
        self.cardinality = np.zeros((len(begin), features))
        self.coincidences = np.zeros((len(begin), features))
        self._begin, self._end = begin, end
        self._next = 0
        self._recent: dict[int, CategoricalProfile] = {}

    def add(self, row: int, profile: CategoricalProfile) -> None:
        """Take the next slice, in time order."""
        self._recent[row] = profile
        while self._next < len(self._end) and self._end[self._next] <= row + 1:
            held = [self._recent[each] for each in range(self._begin[self._next], self._end[self._next])]
            if held:
                registers = np.maximum.reduce([each.registers for each in held])
                self.cardinality[self._next] = hyperloglog.estimate(registers)
                counts, buckets = (
                    np.sum([getattr(each, name) for each in held], axis=0) for name in ("counts", "buckets")
                )
                self.coincidences[self._next] = coincidences(counts, buckets)
            self._next += 1
        kept = self._begin[self._next] if self._next < len(self._begin) else row + 1
        self._recent = {each: profile for each, profile in self._recent.items() if each >= kept}
