"""Which Avro schemas go to pyruhvro, the fast reader in Rust: those of a list that was checked.

pyruhvro raises for some types, and a union of several types makes arrays on which Arrow ends the process. So
only what was found right, value by value, by ``tests/driftline/decoding/test_avro_types.py`` goes there;
everything else is read by fastavro.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import pyruhvro

END_FIELD: Final = "driftline_end_of_message"
END: Final = b"\xf5driftl\x7f"
"""Bytes put behind every message and read back as a last field, a double: pyruhvro ignores bytes left
over, which is how a message of another schema often looks. No proper prefix of these bytes is also a suffix,
so reading too little or too much never meets them by accident."""

_PLAIN: Final = {"boolean", "int", "long", "float", "double", "string"}
_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class NativeSchemas:
    """A writer's schema for pyruhvro, as JSON texts.

    Parameters
    ----------
    one
        A record followed by `END`.
    many
        An array of records followed by `END`: an array message, or a container's block.
    """

    one: str
    many: str


def native_schemas(record: dict[str, Any]) -> NativeSchemas | None:
    """Prepare a canonical record for pyruhvro; None if it is not of the kind that pyruhvro reads right.

    The columns get names by their position, which any name may have had.

    Examples
    --------
    >>> event = {"type": "record", "name": "n0", "fields": [{"name": "user-id", "type": "long"}]}
    >>> native_schemas(event) is None
    False
    >>> event["fields"][0]["type"] = ["long", "string"]
    >>> native_schemas(event) is None
    True
    """
    types = [field["type"] for field in record["fields"]]
    if not types or not all(map(_reads, types)):
        return None
    fields = [{"name": f"c{place}", "type": _whole(each)} for place, each in enumerate(types)]
    end = {"name": END_FIELD, "type": "double"}
    one = {**record, "fields": [*fields, end]}
    items = {"name": "items", "type": {"type": "array", "items": {**record, "fields": fields}}}
    found = NativeSchemas(
        json.dumps(one), json.dumps({"type": "record", "name": "batch", "fields": [items, end]})
    )
    try:
        pyruhvro.deserialize_array([], found.one)
        pyruhvro.deserialize_array([], found.many)
    except Exception:  # noqa: BLE001  # it has refused the schema, as it does beyond some depth
        return None
    return found


def _reads(schema: Any) -> bool:
    if isinstance(schema, list):
        others = [branch for branch in schema if branch != "null"]
        return len(schema) == 2 and len(others) == 1 and not isinstance(others[0], list) and _reads(others[0])
    if not isinstance(schema, dict):
        return schema in _PLAIN  # not the name of a type
    kind = schema["type"]
    if kind == "record":
        fields = schema["fields"]
        return bool(fields) and all(_NAME.fullmatch(each["name"]) and _reads(each["type"]) for each in fields)
    if kind in ("array", "map"):
        return _reads(schema["items" if kind == "array" else "values"])
    symbols = schema.get("symbols", ())
    return (
        kind == "enum"
        and bool(symbols)
        and len(set(symbols)) == len(symbols)
        and all(map(_NAME.fullmatch, symbols))
    )


def _whole(schema: Any) -> Any:
    """Read int as long, which has the same bytes: pyruhvro cuts an int that does not fit."""
    if isinstance(schema, list):
        return [_whole(branch) for branch in schema]
    if schema == "int":
        return "long"
    if not isinstance(schema, dict):
        return schema
    changed = {key: _whole(schema[key]) for key in ("items", "values") if key in schema}
    if schema["type"] == "record":
        changed["fields"] = [{**field, "type": _whole(field["type"])} for field in schema["fields"]]
    return {**schema, **changed}
