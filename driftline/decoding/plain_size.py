"""How large an Arrow array is once it is plain: repeated values are written out, as later steps do."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

VALUE: Final = 8
"""Bytes of a value of an event, at least."""


def plain_bytes(records: Any) -> int:
    """Say how many bytes records take as plain arrays.

    Parameters
    ----------
    records : pyarrow.RecordBatch
        Checked: its offsets and indices lie inside.

    Returns
    -------
    int
        At least 8 for each value. A dictionary, a run and a view count as often as they are used, so that a
        small message which stands for a large one is told before it is written out.

    Examples
    --------
    >>> words = pa.DictionaryArray.from_arrays(pa.array([0] * 50, pa.int8()), ["x" * 1_000])
    >>> plain_bytes(pa.record_batch({"words": words}))
    50000
    """
    return sum(map(_column_bytes, records.columns)) or VALUE * records.num_rows


def _column_bytes(column: Any) -> int:
    return max(VALUE * len(column), _bytes(column))


def _bytes(column: Any) -> int:  # noqa: PLR0911  # one return a kind
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _bytes(column.storage)
    if pa.types.is_dictionary(kind):
        return _used(column.dictionary, column.indices)
    if pa.types.is_run_end_encoded(kind):
        runs = np.diff(
            np.clip(column.run_ends.to_numpy(), column.offset, column.offset + len(column)),
            prepend=column.offset,
        )
        return int(np.dot(_lengths(column.values), runs.astype(np.float64)))
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return int(_lengths(column).sum())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        longest = max(1, len(column.values))
        return int(pc.sum(column.sizes).as_py() or 0) * -(-_column_bytes(column.values) // longest)
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        return sum(_column_bytes(column.field(place)) for place in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _column_bytes(column.keys) + _column_bytes(column.items)
    if pa.types.is_nested(kind):
        return _column_bytes(column.values)
    return int(column.nbytes)


def _used(values: Any, places: Any) -> int:
    """Bytes of values, each as often as it is taken."""
    taken = places.drop_null().to_numpy(zero_copy_only=False)
    if not len(taken) or not len(values):
        return 0
    return int(np.dot(_lengths(values), np.bincount(taken.astype(np.int64), minlength=len(values))))


def _lengths(values: Any) -> Any:
    """Bytes of each value; of nested ones those of all, which is more than any of them has."""
    kind = values.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        views = np.frombuffer(values.buffers()[1], "<i4").reshape(-1, 4)
        found = views[values.offset : values.offset + len(values), 0].astype(np.float64)
        found[values.is_null().to_numpy(zero_copy_only=False)] = 0
        return found
    if (
        pa.types.is_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_large_string(kind)
    ):
        return pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType):
        return np.full(len(values), float(_column_bytes(values)))
    return np.full(len(values), float(VALUE))
