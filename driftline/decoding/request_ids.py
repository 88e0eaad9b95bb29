"""Request ids as 64-bit hashes: what duplicates are recognised by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.decoding.columns import flat, split_union
from driftline.decoding.event_schema import is_text
from driftline.decoding.values import text_values
from driftline.profiles.hashing import hash_text


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


def _union(column: Any) -> Any:
    hashes = np.zeros(len(column), np.uint64)
    absent = np.ones(len(column), bool)
    for rows, values in split_union(column):
        part = request_hashes(values)
        hashes[rows] = part.fill_null(0).to_numpy()
        absent[rows] = part.is_null().to_numpy(zero_copy_only=False)
    return pa.array(hashes, mask=absent)
