"""Check Arrow arrays from outside, so that no later step reads beyond their buffers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def check_structure(records: Any) -> None:
    """Check offsets, dictionary indices and lengths; a value that its type forbids is no fault here.

    Parameters
    ----------
    records : pyarrow.RecordBatch
        As read. Text that is not UTF-8, a time of day behind midnight and a decimal of too many digits pass:
        they are faults of their rows.

    Raises
    ------
    pyarrow.ArrowInvalid
        If reading the arrays would read outside them.

    Examples
    --------
    >>> text = pa.array([b"a", bytes([255])]).view(pa.string())
    >>> check_structure(pa.record_batch({"text": text}))
    """
    try:
        records.validate(full=True)
    except pa.ArrowInvalid:
        for column in records.columns:
            _check(column)


def _check(column: Any) -> None:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        column.validate()
        stored = _stored(column)
        if stored.type == column.type:
            raise pa.ArrowInvalid(str(error)) from None
        stored.validate(full=True)


def _stored(column: Any) -> Any:
    """The same buffers as the type that allows every value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(column.indices, _stored(column.dictionary))
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(column.storage)
    plain = _storage(kind)
    return column if plain is None else column.view(plain)


def _storage(kind: Any) -> Any:
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_string_view(kind):
        return pa.binary_view()
    if pa.types.is_time32(kind):
        return pa.int32()
    if pa.types.is_time64(kind) or pa.types.is_date64(kind):
        return pa.int64()
    return pa.binary(kind.byte_width) if pa.types.is_decimal(kind) else None
