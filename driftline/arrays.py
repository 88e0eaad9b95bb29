"""Plain arrays out of whatever an Arrow column is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def flat(column: Any) -> Any:  # noqa: PLR0911  # one return a type
    """Make one plain array of a column: no chunks, dictionaries, runs, views of text or extension types."""
    if isinstance(column, pa.ChunkedArray):
        return _one_chunk(column)
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return flat(column.storage)
    if pa.types.is_dictionary(kind):
        return _taken(flat(column.dictionary), column.indices)
    if pa.types.is_run_end_encoded(kind):
        values = flat(column.values)
        return _taken(values, _runs(column))
    if pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.binary())
    if pa.types.is_union(kind) and not all(map(_is_flat, kind)):
        return _flat_union(column)
    return column


def _is_flat(field: Any) -> bool:
    kind = field.type
    views = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    coded = pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind)
    return not (views or coded or pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType))


def _flat_union(column: Any) -> Any:
    kind = column.type
    fields = [flat(column.field(place)) for place in range(kind.num_fields)]
    names, codes = [field.name for field in kind], kind.type_codes
    if kind.mode == "dense":
        return pa.UnionArray.from_dense(column.type_codes, column.offsets, fields, names, codes)
    return pa.UnionArray.from_sparse(column.type_codes, fields, names, codes)


def _one_chunk(column: Any) -> Any:
    if column.num_chunks == 1:
        return flat(column.chunk(0))
    chunks = [flat(chunk) for chunk in column.chunks] or [flat(pa.array([], column.type))]
    plain = pa.chunked_array(chunks).combine_chunks()
    if isinstance(plain, pa.ChunkedArray):  # more text than 32-bit offsets reach
        plain = pc.cast(plain, pa.large_string()).combine_chunks()
    return plain


def _runs(column: Any) -> Any:
    """The place of the value of each row of runs."""
    places = pa.array(np.arange(len(column.values), dtype=np.int32))
    runs = pa.RunEndEncodedArray.from_arrays(column.run_ends, places)
    return pc.run_end_decode(runs.slice(column.offset, len(column)))


def _taken(values: Any, places: Any) -> Any:
    """Take values by place; nested ones that Arrow cannot take become empty lists: no plain values either."""
    try:
        return values.take(places)
    except pa.ArrowNotImplementedError:
        null = values.is_null().take(places).fill_null(True)
        offsets = pa.array(np.zeros(len(places) + 1, np.int32))
        return pa.ListArray.from_arrays(offsets, pa.nulls(0), mask=null)


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
            yield rows, _taken(flat(column.field(position)), pa.array(taken))
