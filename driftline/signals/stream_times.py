"""The event times of a growing stream: when a value long ago was can be told from little memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import UnreadableBytesError, refuses_damage

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEWEST: Final = 1024
"""So many of the newest times are kept, all of them. It decides what is in running state: never change it."""

_A_LEVEL: Final = 128  # times kept of each level
_FIRST_LEVEL: Final = 4  # level l has the time of every 2^l-th value; _A_LEVEL << 3 are kept anyway
_LEVELS: Final = range(_FIRST_LEVEL, 36)

_NO_TIMES: Final = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Times:
    """Times of the values a detector has taken.

    It keeps the newest `NEWEST`, and of the others every 16th, 32nd, 64th and so on, 128 of each. The time of
    a value k values ago is exact for k up to `NEWEST`; beyond, it is that of a value at most k / 63 newer. A
    million values take 20 kB, and no stream takes more than 41 kB.

    Parameters
    ----------
    newest
        Times of the newest of them, oldest first.
    levels
        For each level the times of values whose number, from 0, is a multiple of 2^level; oldest first.
    """

    n: int = 0
    newest: NDArray[np.int64] = field(default_factory=lambda: _NO_TIMES)
    levels: tuple[NDArray[np.int64], ...] = (_NO_TIMES,) * len(_LEVELS)

    def extended(self, times: NDArray[np.int64]) -> Times:
        """Add the times, (m,) int64, microseconds since the epoch, of the values that came next."""
        if not len(times):
            return self
        return Times(
            self.n + len(times),
            np.concatenate((self.newest, times[-NEWEST:]))[-NEWEST:],
            tuple(
                np.concatenate((kept, times[-self.n % (1 << level) :: 1 << level]))[-_A_LEVEL:]
                for level, kept in zip(_LEVELS, self.levels, strict=True)
            ),
        )

    def ago(self, k: int) -> int:
        """Say when the k-th newest value was.

        Parameters
        ----------
        k
            1 for the newest, at most `n`.

        Returns
        -------
        int
            Microseconds since the epoch: its time, or that of the first value after it that is remembered.

        Examples
        --------
        >>> times = Times().extended(np.arange(5000))
        >>> times.ago(1), times.ago(1024), times.ago(2000)
        (4999, 3976, 3008)
        """
        if not 1 <= k <= self.n:
            raise ValueError(f"value {k} ago, but there were {self.n}: the state is damaged; start anew")
        if k <= len(self.newest):
            return int(self.newest[-k])
        for level, kept in zip(_LEVELS, self.levels, strict=True):
            number = -(-(self.n - k) >> level)  # of the first multiple of 2^level from there on
            place = number - ((self.n - 1 >> level) + 1 - len(kept))
            if place >= 0:
                return int(kept[place])
        return int(self.levels[-1][0])

    def to_bytes(self) -> bytes:
        """Write all times, little-endian; how many there are follows from `n`."""
        return np.concatenate((self.newest, *self.levels)).astype("<i8").tobytes()

    @classmethod
    @refuses_damage("times of a signal")
    def from_bytes(cls, n: int, data: bytes) -> Times:
        """Read what `to_bytes` of `n` values wrote; ValueError if there are more or fewer times."""
        counts = [min(n, NEWEST), *(min(-(-n >> level), _A_LEVEL) for level in _LEVELS)]
        if len(data) != 8 * sum(counts):
            raise UnreadableBytesError(
                f"{len(data)} bytes for the times of {n} values, expected {8 * sum(counts)}"
            )
        newest, *levels = np.split(np.frombuffer(data, "<i8").astype(np.int64), np.cumsum(counts)[:-1])
        return cls(n, newest, tuple(levels))
