"""Histograms of which most bins are empty, in few bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.framing import Arrays

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
            len(bins).to_bytes(2, "little"),
            size.to_bytes(1, "little"),
            bins.astype("<u2").tobytes(),
            counts[:, bins].astype(_COUNTS[size]).tobytes(),
            sums[:, bins].astype("<f8").tobytes(),
        )
    )


def decode_sparse(
    arrays: Arrays, shape: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Read what `encode_sparse` wrote.

    Parameters
    ----------
    arrays
        Of which it is the next.
    shape
        R, S and B.

    Returns
    -------
    counts, sums
        (R, B) int64 and (S, B) float64.

    Raises
    ------
    ValueError
        If the bytes end too early or say what `encode_sparse` does not write.
    """
    R, S, B = shape
    number, size = int(arrays.take("<u2", 1)[0]), int(arrays.take("u1", 1)[0])
    if size not in _COUNTS:
        raise arrays.damaged(f"a histogram of {size} bytes a count")
    bins = arrays.take("<u2", number).astype(np.int64)
    held = arrays.take(_COUNTS[size], R * number).reshape(R, number)
    summed = arrays.take("<f8", S * number).reshape(S, number)
    if (number and (bins[-1] >= B or (bins[1:] <= bins[:-1]).any())) or (held < 0).any():
        raise arrays.damaged("a histogram with bins out of order or negative counts")
    counts, sums = np.zeros((R, B), np.int64), np.zeros((S, B))
    counts[:, bins] = held
    sums[:, bins] = summed
    return counts, sums
