"""Histograms of which most bins are empty, in few bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAD = struct.Struct("<HB")  # bins that are not empty, bytes a count
_COUNTS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}


def encode_sparse(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> bytes:
    """Write the bins of a histogram that are not empty.

    Parameters
    ----------
    counts
        (R, B) int64, rows of counts over B < 65,536 bins.
    sums
        (S, B) float64, 0 in bins where all counts are.

    Returns
    -------
    bytes
        Number of bins, bytes a count, then indices (2 bytes), counts (1, 2, 4 or 8) and sums (8).
    """
    (bins,) = np.nonzero(counts.any(axis=0))
    largest = int(counts.max(initial=0))
    size = 1 if largest < 2**8 else 2 if largest < 2**16 else 4 if largest < 2**32 else 8
    return b"".join(
        (
            _HEAD.pack(len(bins), size),
            bins.astype("<u2").tobytes(),
            counts[:, bins].astype(_COUNTS[size]).tobytes(),
            sums[:, bins].astype("<f8").tobytes(),
        )
    )


def decode_sparse(
    data: bytes, at: int, shape: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Read what `encode_sparse` wrote.

    Parameters
    ----------
    at
        Where in them it begins.
    shape
        R, S and B.

    Returns
    -------
    counts, sums, end
        (R, B) int64, (S, B) float64, and where the next thing begins.

    Raises
    ------
    ValueError
        If the bytes end too early or say what `encode_sparse` does not write.
    """
    R, S, B = shape
    if at + _HEAD.size > len(data):
        raise ValueError("the bytes end before a histogram")
    number, size = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    if size not in _COUNTS or at + number * (2 + R * size + S * 8) > len(data):
        raise ValueError(f"a histogram of {number} bins and {size} bytes a count does not fit")
    bins = np.frombuffer(data, "<u2", number, at).astype(np.int64)
    at += 2 * number
    held = np.frombuffer(data, _COUNTS[size], R * number, at).reshape(R, number)
    at += R * size * number
    summed = np.frombuffer(data, "<f8", S * number, at).reshape(S, number)
    if (number and (bins[-1] >= B or (bins[1:] <= bins[:-1]).any())) or (held < 0).any():
        raise ValueError("a histogram with bins out of order or negative counts")
    counts, sums = np.zeros((R, B), np.int64), np.zeros((S, B))
    counts[:, bins] = held
    sums[:, bins] = summed
    return counts, sums, at + 8 * S * number
