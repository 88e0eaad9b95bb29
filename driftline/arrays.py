"""Plain arrays out of whatever an Arrow column is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def flat(column: Any) -> Any:
    """Make one plain array of a column: no chunks, dictionaries, runs or extension types."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # more text than 32-bit offsets reach
        column = pc.cast(column, pa.large_string()).combine_chunks()
    if isinstance(column.type, pa.BaseExtensionType):
        return flat(column.storage)
    if pa.types.is_dictionary(column.type):
        return flat(column.dictionary_decode())
    if pa.types.is_run_end_encoded(column.type):
        return flat(pc.run_end_decode(column))
    return column


def nulls(column: Any) -> NDArray[np.bool_]:
    """Mark the null rows of an array."""
    if column.null_count == 0 and not pa.types.is_union(column.type):
        return np.zeros(len(column), bool)
    result: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return result


def numbers(column: Any) -> NDArray[np.float64]:
    """Give a column of numbers, nan where it is null."""
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def split_union(column: Any) -> Iterator[tuple[NDArray[np.intp], Any]]:
    """Take a union apart by type.

    Yields
    ------
    tuple of ndarray and pyarrow.Array
        The rows that hold one of the types, and their values.
    """
    codes = column.type_codes.to_numpy(zero_copy_only=False)
    dense = column.type.mode == "dense"
    for position, code in enumerate(column.type.type_codes):
        rows = np.flatnonzero(codes == code)
        if rows.size:
            taken = column.offsets.to_numpy(zero_copy_only=False)[rows] if dense else rows
            yield rows, flat(column.field(position).take(pa.array(taken)))
