"""Avro types whose values take no bytes."""

from __future__ import annotations

from typing import Any


def takes_no_bytes(avro: Any) -> bool:
    """Say whether every value of a type is written as nothing, as nulls are and records of them.

    Parameters
    ----------
    avro
        A parsed schema; a name stands for a type that takes bytes.

    Examples
    --------
    >>> takes_no_bytes({"type": "record", "name": "E", "fields": [{"name": "a", "type": "null"}]})
    True
    >>> takes_no_bytes({"type": "array", "items": "null"}), takes_no_bytes(["null", "int"])
    (False, False)
    """
    if isinstance(avro, str):
        return avro == "null"
    if not isinstance(avro, dict):
        return False
    kind = avro.get("type")
    if kind in ("record", "error"):
        return all(takes_no_bytes(field["type"]) for field in avro.get("fields", ()))
    if kind == "fixed":
        return avro.get("size") == 0
    return isinstance(kind, (str, dict)) and kind not in ("array", "map", "enum") and takes_no_bytes(kind)
