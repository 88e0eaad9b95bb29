"""What an Arrow type holds: text, bytes, numbers; or what only its values can tell."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def is_text(kind: Any) -> bool:
    """Say whether an Arrow type is text (or bytes, or a dictionary of them)."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or is_bytes(kind)
    )


def is_bytes(kind: Any) -> bool:
    """Say whether an Arrow type is binary."""
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def is_number(kind: Any) -> bool:
    """Say whether an Arrow type is a number or a boolean (or a dictionary of them)."""
    if pa.types.is_dictionary(kind):
        return is_number(kind.value_type)
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def is_unknown(kind: Any) -> bool:
    """Say whether only the values can tell: all null so far, or of several types."""
    return bool(pa.types.is_null(kind) or pa.types.is_union(kind))
