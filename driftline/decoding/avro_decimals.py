"""Avro decimals, read exactly and in time that their precision bounds."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from fastavro.read import LOGICAL_READERS

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_DIGITS: Final = 1_000
"""Precision up to which bytes are a decimal. Beyond, they are bytes, as Avro asks for where a logical type is
not valid."""

_OURS: Final = "driftline-decimal"


def decimal_type(schema: Mapping[str, Any], size: int | None) -> dict[str, Any] | None:
    """Give the type of a decimal as this module reads it.

    Parameters
    ----------
    schema
        A type of bytes or fixed.
    size
        Bytes of the fixed; None for bytes.

    Returns
    -------
    dict or None
        None if it is no decimal, or none that Avro allows.

    Examples
    --------
    >>> decimal_type({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, None)
    {'type': 'bytes', 'logicalType': 'driftline-decimal', 'precision': 4, 'scale': 2}
    """
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if schema.get("logicalType") != "decimal" or type(precision) is not int or type(scale) is not int:
        return None
    if not 1 <= precision <= MOST_DIGITS or not 0 <= scale <= precision:
        return None
    kind = {} if size is not None else {"type": "bytes"}
    return {**kind, "logicalType": _OURS, "precision": precision, "scale": scale}


def read_decimal(data: bytes, schema: Mapping[str, Any], *_: Any) -> Decimal:
    """Read the unscaled two's complement of a decimal.

    Raises
    ------
    ValueError
        If it has more digits than the precision: making a decimal of many takes the square of their number.

    Examples
    --------
    >>> read_decimal(bytes([0, 125]), {"precision": 4, "scale": 2})
    Decimal('1.25')
    """
    unscaled = int.from_bytes(data, "big", signed=True)
    precision = schema["precision"]
    if abs(unscaled) >= 10**precision:
        raise ValueError(f"a decimal of {len(data)} bytes has more than its {precision} digits")
    return Decimal(unscaled).scaleb(-schema["scale"], Context(prec=precision))


for _kind in ("bytes", "fixed"):
    LOGICAL_READERS[f"{_kind}-{_OURS}"] = read_decimal
