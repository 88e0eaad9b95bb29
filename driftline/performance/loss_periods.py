"""Mean losses of a segment by period of time: what the windows of a reference are added up from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.profiles.framing import frame, unframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

TAG: Final = b"dLP"

_VERSION: Final = 1
_WHAT: Final = "mean losses by period"
_BYTES: Final = 24  # a period: its number, outcomes and mean


@dataclass(frozen=True, eq=False)
class LossPeriods:
    """Number and mean of the losses in each of P periods.

    Parameters
    ----------
    every
        Length of a period, microseconds.
    period
        (P,) int64, ascending: time of the prediction over `every`, rounded down.
    n
        (P,) int64, outcomes; none is 0.
    mean
        (P,) float64, mean loss.

    Examples
    --------
    >>> some = LossPeriods.of(np.array([0, 9, 10, 30]), np.array([1.0, 0.0, 1.0, 1.0]), every=10)
    >>> some.period.tolist(), some.n.tolist(), some.mean.tolist()
    ([0, 1, 3], [2, 1, 1], [0.5, 1.0, 1.0])
    >>> n, mean = some.windows(np.array([0, 10, 40]), size=20)
    >>> n.tolist(), mean.round(2).tolist()
    ([3, 1, 0], [0.67, 1.0, 0.0])
    """

    every: int
    period: Counts
    n: Counts
    mean: Floats

    @classmethod
    def of(cls, times: Counts, losses: Floats, every: int) -> LossPeriods:
        """Take the mean losses of outcomes.

        Parameters
        ----------
        times
            (n,) int64, event times of the predictions, microseconds.
        losses
            (n,) float64, finite.
        every
            Length of a period, microseconds.

        Returns
        -------
        LossPeriods
            Of all n.
        """
        return _gathered(every, times // every, np.ones(len(times), np.int64), losses)

    @classmethod
    def merge_all(cls, items: Sequence[bytes]) -> LossPeriods:
        """Merge those of disjoint outcomes.

        Parameters
        ----------
        items
            One or more, encoded, of periods of one length.

        Returns
        -------
        LossPeriods
            Of all outcomes together. Counts do not depend on the order, means agree to about 1e-12.

        Raises
        ------
        ValueError
            If they have periods of different lengths, or one is damaged.
        """
        parts = [cls.from_bytes(item) for item in items]
        lengths = {part.every for part in parts}
        if len(lengths) != 1:
            raise ValueError(
                f"cannot merge losses by periods of {sorted(lengths)} microseconds: use one length"
            )
        period, n, mean = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("period", "n", "mean")
        )
        return _gathered(lengths.pop(), period, n, mean)

    def windows(self, starts: Counts, size: int) -> tuple[Counts, Floats]:
        """Add periods up to windows.

        Parameters
        ----------
        starts
            (W,) int64, microseconds, multiples of `every`.
        size
            Window length, microseconds, a multiple of `every`.

        Returns
        -------
        n, mean
            (W,) int64 outcomes, and (W,) float64 mean loss; 0 where there are none.
        """
        if not len(self.period):
            return np.zeros(len(starts), np.int64), np.zeros(len(starts))
        wanted = starts[:, None] // self.every + np.arange(size // self.every)
        at = np.minimum(np.searchsorted(self.period, wanted), len(self.period) - 1)
        n = np.where(self.period[at] == wanted, self.n[at], 0)
        total = n.sum(1)
        # from the level of all, so that means far from 0 keep their digits
        level = float(self.mean[0])
        mean = level + (n * (self.mean[at] - level)).sum(1) / np.maximum(total, 1)
        return total, np.where(total > 0, mean, 0.0)

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, JSON head, then numbers of periods, counts, means."""
        arrays = (self.period.astype("<i8"), self.n.astype("<i8"), self.mean.astype("<f8"))
        return frame(TAG, _VERSION, {"every": self.every}, b"".join(array.tobytes() for array in arrays))

    @classmethod
    def from_bytes(cls, data: bytes) -> LossPeriods:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Returns
        -------
        LossPeriods
            An equal one.

        Raises
        ------
        ValueError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        if len(payload) % _BYTES or type(head.get("every")) is not int:
            raise ValueError(
                f"{_WHAT} of {len(data)} bytes is damaged or cut short; build the baseline again"
            )
        numbers = len(payload) // _BYTES
        counts = np.frombuffer(payload, "<i8", 2 * numbers).astype(np.int64)
        mean = np.frombuffer(payload, "<f8", numbers, 16 * numbers).astype(np.float64)
        return cls(head["every"], counts[:numbers], counts[numbers:], mean)


def _gathered(every: int, period: Counts, n: Counts, mean: Floats) -> LossPeriods:
    """Merge what is of the same period."""
    order = np.argsort(period, kind="stable")
    period, n, mean = period[order], n[order], mean[order]
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]]) if len(period) else order
    if not len(starts):
        return LossPeriods(every, period, n, mean)
    total = np.add.reduceat(n, starts)
    # from the first value, so that the mean of equal values is that value
    first = mean[starts]
    each = np.repeat(first, np.diff(starts, append=len(period)))
    return LossPeriods(
        every, period[starts], total, first + np.add.reduceat(n * (mean - each), starts) / total
    )
