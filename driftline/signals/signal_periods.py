"""A signal of the reference in the order in which its values were known, in a bounded number of pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Head, refuses_damage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

MOST_PERIODS: Final = 16_384
"""With more periods, two neighbours become one, again and again."""

_LARGEST: Final = 1e140  # the sum of the squares of 1e28 of them is still finite
_FINEST: Final = 20  # 2^20 microseconds: about a second
_HEAD: Final = Head(b"dSQ", 1, "signal of a reference by period", "B3xI", "build the baseline again")


@dataclass(frozen=True, eq=False)
class SignalPeriods:
    """Number, mean and spread of values by the period of time in which they were known.

    Periods are 2^shift microseconds long, counted from the epoch, and the shortest of which there are
    `MOST_PERIODS` at most. Which that is depends on the values alone, not on what was merged first.

    Parameters
    ----------
    shift
        Logarithm to base 2 of a period's length in microseconds.
    period
        (P,) int64, ascending.
    n
        (P,) int64, values, 1 or more.
    mean
        (P,) float64.
    m2
        (P,) float64, squared deviations from it, summed.

    Examples
    --------
    >>> some = SignalPeriods.of(np.array([0, 1, 9_000_000]), np.array([1.0, 0.0, 1.0]))
    >>> some.n.tolist(), some.mean.tolist(), some.m2.tolist()
    ([2, 1], [0.5, 1.0], [0.5, 0.0])
    """

    shift: int
    period: Counts
    n: Counts
    mean: Floats
    m2: Floats

    @classmethod
    def of(cls, known: Counts, values: Floats) -> SignalPeriods:
        """Gather values.

        Parameters
        ----------
        known
            (n,) int64, when each was known, microseconds.
        values
            (n,) float64; those that are not finite are left out, those beyond 1e140 count as 1e140.
        """
        there = np.isfinite(values)
        some = np.clip(values[there], -_LARGEST, _LARGEST)
        return _gathered(_FINEST, known[there] >> _FINEST, np.ones(len(some), np.int64), some, 0.0 * some)

    @classmethod
    def merge_all(cls, items: Sequence[bytes]) -> SignalPeriods:
        """Merge those of disjoint values, encoded, one or more.

        Returns
        -------
        SignalPeriods
            Of all values. Periods and counts do not depend on the order, the rest agrees to about 1e-12.
        """
        parts = [cls.from_bytes(item) for item in items]
        shift = max(part.shift for part in parts)
        period = np.concatenate([part.period >> (shift - part.shift) for part in parts])
        n, mean, m2 = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("n", "mean", "m2")
        )
        return _gathered(shift, period, n, mean, m2)

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, shift, number of periods, then their arrays."""
        arrays = (self.period.astype("<i8"), self.n.astype("<i8"), self.mean.astype("<f8"))
        head = _HEAD.pack(self.shift, len(self.n))
        return head + b"".join(array.tobytes() for array in (*arrays, self.m2.astype("<f8")))

    @classmethod
    @refuses_damage("periods of a signal", "build the baseline again")
    def from_bytes(cls, data: bytes) -> SignalPeriods:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        (shift, number), arrays = _HEAD.unpack(data)
        period, n = (arrays.take("<i8", number).astype(np.int64) for _ in range(2))
        mean, m2 = (arrays.take("<f8", number).astype(np.float64) for _ in range(2))
        arrays.done()
        return cls(shift, period, n, mean, m2)


def _gathered(shift: int, period: Counts, n: Counts, mean: Floats, m2: Floats) -> SignalPeriods:
    """Merge what is of the same period, and make periods longer until there are few enough."""
    order = np.lexsort((m2, mean, n, period))
    period, n, mean, m2 = period[order], n[order], mean[order], m2[order]
    longer = 0
    while _distinct(period >> longer) > MOST_PERIODS:
        longer += 1
    period = period >> longer
    if not len(period):
        return SignalPeriods(shift, period, n, mean, m2)
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]])
    total = np.add.reduceat(n, starts)
    # from the first mean, so that the mean of equal values is that value
    first = mean[starts]
    away = mean - np.repeat(first, np.diff(starts, append=len(period)))
    shifted = np.add.reduceat(n * away, starts) / total
    squares = np.add.reduceat(m2 + n * away * away, starts) - total * shifted * shifted
    return SignalPeriods(shift + longer, period[starts], total, first + shifted, np.maximum(squares, 0.0))


def _distinct(ascending: Counts) -> int:
    return int(np.count_nonzero(np.diff(ascending))) + (len(ascending) > 0)
