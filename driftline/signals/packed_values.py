"""How values of a signal are packed in running state and between workers: 13 to 40 bytes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.signals.signal_values import SignalValues

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_VERSION: Final = 1

_HEAD: Final = Head(b"dSB", BLOCK_VERSION, "block of signal values", "IB7xqq")
# number of values, flags, earliest known, earliest time; 32 bytes align the columns

_KNOWN_WIDE, _TIME_WIDE, _TIME_IS_KNOWN, _NO_HIGH, _NO_LOW, _BITS = (1 << bit for bit in range(6))
_SHORT: Final = 1 << 32


def encode_block(values: SignalValues) -> bytes:
    """Pack values.

    Parameters
    ----------
    values
        At least one, at most 2^32 - 1.

    Returns
    -------
    bytes
        Tag, version, number, flags, earliest ``known`` and ``time``; then the columns that the flags do not
        settle. Columns of 8 bytes a value come first: ids, and times and values where they need so many. Then
        come the times since the earliest, and values that are all 0 or 1.
    """
    known, first_known, wide_known = _from_first(values.known)
    time, first_time, wide_time = _from_first(values.time)
    bits = bool(((values.value == 0) | (values.value == 1)).all())
    flags = _KNOWN_WIDE * wide_known | _TIME_WIDE * wide_time | _BITS * bits
    flags |= _TIME_IS_KNOWN * np.array_equal(values.known, values.time)
    flags |= _NO_HIGH * (not values.high.any()) | _NO_LOW * (not values.low.any())
    columns = {
        "high": values.high,
        "low": values.low,
        "known": known,
        "time": time,
        "value": values.value,
    }
    head = _HEAD.pack(len(values.value), flags, first_known, first_time)
    return head + b"".join(columns[name].astype(dtype).tobytes() for name, dtype in _layout(flags))


@refuses_damage("block of a signal")
def decode_block(data: bytes) -> SignalValues:
    """Read what `encode_block` wrote; other bytes raise UnreadableBytesError.

    Examples
    --------
    >>> decode_block(encode_block(SignalValues.of([5, 7], [1.0, 0.5]))).value.tolist()
    [1.0, 0.5]
    """
    (n, flags, first_known, first_time), arrays = _HEAD.unpack(data)
    columns = {name: arrays.take(dtype, n) for name, dtype in _layout(flags)}
    arrays.done()
    known = _since(first_known, columns["known"])
    none = np.zeros(n, np.uint64)
    return SignalValues(
        known,
        _since(first_time, columns["time"]) if "time" in columns else known,
        columns.get("high", none),
        columns.get("low", none),
        columns["value"].astype(np.float64),
    )


@refuses_damage("block of a signal")
def first_known(data: bytes) -> int:
    """Read the earliest ``known`` of a block without decoding it; other bytes raise UnreadableBytesError."""
    (_, _, earliest, _), _ = _HEAD.unpack(data)
    return int(earliest)


def _layout(flags: int) -> list[tuple[str, str]]:
    """Name the columns and their types, the widest first."""
    layout = []
    if not flags & _NO_HIGH:
        layout.append(("high", "<u8"))
    if not flags & _NO_LOW:
        layout.append(("low", "<u8"))
    layout.append(("known", "<i8" if flags & _KNOWN_WIDE else "<u4"))
    if not flags & _TIME_IS_KNOWN:
        layout.append(("time", "<i8" if flags & _TIME_WIDE else "<u4"))
    layout.append(("value", "u1" if flags & _BITS else "<f8"))
    return sorted(layout, key=lambda column: -np.dtype(column[1]).itemsize)


def _from_first(times: NDArray[np.int64]) -> tuple[NDArray[Any], int, bool]:
    """Give times since the earliest, or as they are if that takes more than 32 bits; the earliest; which."""
    first = int(times.min())
    wide = int(times.max()) - first >= _SHORT
    return times if wide else times - first, first, wide


def _since(first: int, times: NDArray[Any]) -> NDArray[np.int64]:
    """Undo `_from_first`."""
    wide: NDArray[np.int64] = times.astype(np.int64)
    return wide if times.dtype.itemsize == 8 else wide + first
