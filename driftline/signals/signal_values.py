"""Values of a signal and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Key = tuple[int, int, int, int, float]
"""What values are ordered by: known, time, id_high, id_low, value."""

MOST_VALUES: Final = 131_072
"""Values that are packed together."""

Rows = TypeVar("Rows", bound="_Rows")
"""Rows that can be chosen by their numbers: `SignalValues`, or what has some."""


class _Rows(Protocol):
    @property
    def known(self) -> NDArray[np.int64]: ...

    def take(self: Rows, rows: Any) -> Rows: ...  # noqa: PYI019  (Python 3.10 has no Self)


class SignalValues(NamedTuple):
    """Values of one signal, any number, in any order.

    Parameters
    ----------
    known
        (n,) int64, event time at which the value was known, microseconds since the epoch, UTC.
    time
        (n,) int64, event time of what it is about.
    high, low
        (n,) uint64, halves of the hash of the request id, 0 where there is none.
    value
        (n,) float64; NaN where there should be one but none can be had.
    """

    known: NDArray[np.int64]
    time: NDArray[np.int64]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    value: NDArray[np.float64]

    @classmethod
    def of(
        cls, known: Any, value: Any, *, time: Any = None, high: Any = None, low: Any = None
    ) -> SignalValues:
        """Make values of arrays as above; by default `time` is `known`, and `high` and `low` are 0."""
        known = np.asarray(known, np.int64)
        none = np.zeros(len(known), np.uint64)
        return cls(
            known,
            known if time is None else np.asarray(time, np.int64),
            none if high is None else np.asarray(high, np.uint64),
            none if low is None else np.asarray(low, np.uint64),
            np.asarray(value, np.float64),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[SignalValues]) -> SignalValues:
        """Put values one behind the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.of([], [])
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def take(self, rows: Any) -> SignalValues:
        """Choose rows by a mask, by their numbers or by a slice."""
        return SignalValues(*(column[rows] for column in self))

    def in_order(self) -> SignalValues:
        """Sort by (known, time, id_high, id_low, value).

        Examples
        --------
        >>> SignalValues.of([7, 5, 5], [0.1, 0.3, 0.2]).in_order().value.tolist()
        [0.2, 0.3, 0.1]
        """
        if (self.known[1:] > self.known[:-1]).all():
            return self
        return self.take(self.order())

    def order(self) -> NDArray[np.intp]:
        """Give the numbers of the rows as `in_order` sorts them."""
        keys = [column for column in reversed(self) if len(column) and (column != column[0]).any()]
        order: NDArray[np.intp] = np.lexsort(keys) if keys else np.arange(len(self.known))
        return order

    def keys_before(self, key: Key) -> NDArray[np.bool_]:
        """Tell which values come before a key.

        Examples
        --------
        >>> SignalValues.of([4, 5, 5, 6], [0.9, 0.1, 0.5, 0.0]).keys_before((5, 5, 0, 0, 0.5)).tolist()
        [True, True, False, False]
        """
        before: NDArray[np.bool_] = self.value < key[4]
        for column, limit in zip(self[3::-1], key[3::-1], strict=True):
            at = column.dtype.type(limit)
            before = (column < at) | ((column == at) & before)
        return before

    def last_key(self) -> Key:
        """Give the key of the last value."""
        known, time, high, low, value = (column[-1].item() for column in self)
        return known, time, high, low, value


def parts(rows: Rows) -> Iterator[Rows]:
    """Cut rows into parts of `MOST_VALUES` at most."""
    for start in range(0, len(rows.known), MOST_VALUES):
        yield rows.take(slice(start, start + MOST_VALUES))
