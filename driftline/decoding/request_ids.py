"""Request ids as hashes: 64 bits to recognise duplicates by, 128 to match predictions and labels by."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat, split_union
from driftline.decoding.arrow_kinds import is_text
from driftline.decoding.values import text_values
from driftline.profiles.hashing import hash_text

SEED_LOW: Final = 0x9E3779B97F4A7C15
"""Seed of the low half. It decides what is in running state: never change it."""


def request_hashes(column: Any) -> Any:
    """Hash request ids.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Text, bytes (also a binary UUID), numbers. The same id as text, bytes or a number hashes the same.

    Returns
    -------
    pyarrow.UInt64Array
        One a row; null where the id is null, empty or of a type that is no plain value.

    Examples
    --------
    >>> request_hashes(pa.array(["a", "", None])).to_pylist()
    [4993892634952068459, None, None]
    >>> request_hashes(pa.array([7])).equals(request_hashes(pa.array([b"7"])))
    True
    """
    column = flat(column)
    if pa.types.is_union(column.type):
        return _union(column)
    if not is_text(column.type):
        column, _ = text_values(column)
    ids = column.cast(pa.large_binary())
    absent = pc.fill_null(pc.equal(pc.binary_length(ids), 0), True)
    return pa.array(hash_text(ids), mask=absent.to_numpy(zero_copy_only=False))


def request_keys(column: Any) -> tuple[Any, Any]:
    """Hash request ids, a column as for `request_hashes`, to 128 bits.

    Returns
    -------
    pyarrow.UInt64Array, pyarrow.UInt64Array
        The high half, which is the hash that duplicates of events are dropped by, and the low half. Both are
        null where the id is null, empty or of a type that is no plain value.

    Examples
    --------
    >>> high, low = request_keys(pa.array(["a", "", None]))
    >>> high.to_pylist(), low.to_pylist()
    ([4993892634952068459, None, None], [12876521427489539521, None, None])
    """
    column = flat(column)
    high = request_hashes(column)
    if pa.types.is_union(column.type):
        low = np.zeros(len(column), np.uint64)
        for rows, values in split_union(column):
            low[rows] = request_keys(values)[1].fill_null(0).to_numpy()
    else:
        text = column if is_text(column.type) else text_values(column)[0]
        low = hash_text(text.cast(pa.large_binary()), SEED_LOW)
    return high, pc.if_else(high.is_valid(), pa.array(low, pa.uint64()), None)


def _union(column: Any) -> Any:
    hashes = np.zeros(len(column), np.uint64)
    absent = np.ones(len(column), bool)
    for rows, values in split_union(column):
        part = request_hashes(values)
        hashes[rows] = part.fill_null(0).to_numpy()
        absent[rows] = part.is_null().to_numpy(zero_copy_only=False)
    return pa.array(hashes, mask=absent)
