"""The last outcomes of each piece of time, in the order in which their errors were known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.framing import Arrays, frame, refuses_damage, unframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Ids = NDArray[np.uint64]

LAST: Final = 1_000
"""Outcomes that the rolling error is the mean of."""

TAG: Final = b"dRO"

_VERSION: Final = 1
_WHAT: Final = "block of recent outcomes"
_BITS: Final = "bits"
_WIDTHS: Final = ("<u1", "<u2", "<u4", "<i8")


@dataclass(frozen=True, eq=False)
class RecentOutcomes:
    """Outcomes in the order of (known, time, id), of each period the last `LAST` at most.

    A period is a piece of time by `known`. Windows end where periods end, so what comes before the last
    `LAST` of its period is in no rolling error.

    Parameters
    ----------
    known
        (n,) int64, when the error was known, microseconds.
    time
        (n,) int64, event time of the prediction, microseconds; `known` or before.
    high, low
        (n,) uint64, halves of the request id.
    loss
        (n,) float64.
    """

    known: Integers
    time: Integers
    high: Ids
    low: Ids
    loss: Floats

    def __len__(self) -> int:
        """Count the outcomes."""
        return len(self.known)

    @classmethod
    def none(cls) -> RecentOutcomes:
        """Hold nothing."""
        whole, ids = np.empty(0, np.int64), np.empty(0, np.uint64)
        return cls(whole, whole, ids, ids, np.empty(0))

    @classmethod
    def of(
        cls, known: Integers, time: Integers, high: Ids, low: Ids, loss: Floats, *, every: int
    ) -> RecentOutcomes:
        """Keep the last of outcomes that come in any order.

        Parameters
        ----------
        known, time, high, low, loss
            As in the class, in any order.
        every
            Length of a period, microseconds.

        Examples
        --------
        >>> ids = np.array([3, 1, 2], np.uint64)
        >>> times = np.array([9, 5, 5])
        >>> RecentOutcomes.of(times, times, ids, ids, np.array([1.0, 0.0, 0.5]), every=10).loss
        array([0. , 0.5, 1. ])
        """
        order = np.lexsort((low, high, time, known))
        period = known[order] // every
        counts = np.unique(period, return_counts=True)[1]
        end = np.repeat(np.cumsum(counts), counts)
        last = order[end - np.arange(len(order)) <= LAST]
        return cls(known[last], time[last], high[last], low[last], loss[last])

    @classmethod
    def merge(cls, parts: Sequence[RecentOutcomes], every: int) -> RecentOutcomes:
        """Merge what was kept of disjoint outcomes: the same as if all had come at once."""
        parts = [part for part in parts if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else cls.none()
        columns = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("known", "time", "high", "low", "loss")
        )
        return cls.of(*columns, every=every)

    def before(self, ends: Integers) -> Floats:
        """Average the last losses that were known before each of some ends of periods.

        Parameters
        ----------
        ends
            (k,) int64, microseconds.

        Returns
        -------
        ndarray of float64
            (k,), means of `LAST` losses, or of as many as there are; nan without any.
        """
        at = np.searchsorted(self.known, ends).tolist()
        return np.array([self.loss[max(0, i - LAST) : i].mean() if i else np.nan for i in at], np.float64)

    def since(self, end: int) -> RecentOutcomes:
        """Forget what is in no rolling error of `end`, the end of a period, or of a later one."""
        first = int(np.searchsorted(self.known, end)) - LAST
        if first <= 0:
            return self
        return RecentOutcomes(
            self.known[first:], self.time[first:], self.high[first:], self.low[first:], self.loss[first:]
        )

    def to_bytes(self) -> bytes:
        """Write the outcomes, format version 1.

        Returns
        -------
        bytes
            Tag, version, JSON head; `known` since the first, waits, halves of ids, losses; some 29 bytes an
            outcome where losses are 0 or 1, 8 more where not.
        """
        bits = bool(((self.loss == 0) | (self.loss == 1)).all())
        first = int(self.known[0]) if len(self) else 0
        known, wait = _narrow(self.known - first), _narrow(self.known - self.time)
        loss = np.packbits(self.loss == 1) if bits else self.loss.astype("<f8", copy=False)
        head = {
            "n": len(self),
            "first": first,
            "types": [known.dtype.str[1:], wait.dtype.str[1:], _BITS if bits else "f8"],
        }
        columns = [known, wait, self.high.astype("<u8", copy=False), self.low.astype("<u8", copy=False), loss]
        return frame(TAG, _VERSION, head, b"".join(column.tobytes() for column in columns))

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> RecentOutcomes:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        arrays = Arrays(payload, _WHAT)
        try:
            n, first, (known_type, wait_type, loss_type) = head["n"], head["first"], head["types"]
            bits = loss_type == _BITS
            types = ["<" + known_type, "<" + wait_type, "<u8", "<u8", "<u1" if bits else "<f8"]
            lengths = [n, n, n, n, -(-n // 8) if bits else n]
            columns = [arrays.take(dtype, length) for dtype, length in zip(types, lengths, strict=True)]
        except (KeyError, TypeError, ValueError):
            raise arrays.damaged() from None
        arrays.done()
        known = columns[0].astype(np.int64) + first
        loss = np.unpackbits(columns[4], count=n).astype(np.float64) if bits else columns[4]
        return cls(known, known - columns[1].astype(np.int64), columns[2], columns[3], loss)


def _narrow(values: Integers) -> NDArray[Any]:
    """Store whole numbers, 0 or more, in as few bytes as the largest needs."""
    largest = int(values.max(initial=0))
    return values.astype(next(width for width in _WIDTHS if largest <= np.iinfo(width).max))
