"""What a writer's Avro schema means for the two readers: pyruhvro (Rust, fast) and fastavro (complete)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import fastavro
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

END_FIELD: Final = "driftline_end_of_message"
END: Final = b"\xf5driftl\x7f"
"""Bytes put behind every message and read back as a last field, a double: pyruhvro ignores bytes left
over, which is how a message of another schema often looks. No proper prefix of these bytes is also a suffix,
so reading too little or too much never meets them by accident."""

_PRIMITIVES: Final = {"null", "boolean", "int", "long", "float", "double", "string", "bytes"}
_RUST_PRIMITIVES: Final = _PRIMITIVES - {"bytes"}
_PLAIN: Final = {
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
}
_TIMES: Final = {
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "timestamp-nanos": pa.timestamp("ns", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "local-timestamp-nanos": pa.timestamp("ns"),
    "date": pa.date32(),
}


class AvroSchemaError(ValueError):
    """A writer's schema that cannot be decoded."""


@dataclass(frozen=True, eq=False)
class WriterSchema:
    """A writer's schema, prepared.

    Parameters
    ----------
    rust
        Schema for pyruhvro of one record followed by `END`; None if it has a type pyruhvro cannot read.
    rust_array
        The same of an array of records followed by `END`: an array message, or a container's block.
    parsed : object
        Schema for fastavro of one record.
    is_array
        Whether a message is an array of records rather than one.
    times
        Columns, and fields of records by path, that are integers on the wire and mean times.
    """

    rust: str | None
    rust_array: str | None
    parsed: Any
    is_array: bool
    times: Mapping[str, Any]

    def with_times(self, records: pa.Table) -> pa.Table:
        """Give the time columns their meaning, without copying."""
        for index, name in enumerate(records.schema.names):
            wanted = self.times.get(name)
            column = records.column(index)
            if wanted is None or not pa.types.is_integer(column.type):
                continue
            column = column.cast(pa.int32() if pa.types.is_date(wanted) else pa.int64())
            chunks = [chunk.view(wanted) for chunk in column.chunks]
            records = records.set_column(index, name, pa.chunked_array(chunks, wanted))
        return records


def writer_schema(schema: str | Mapping[str, Any]) -> WriterSchema:
    """Prepare a writer's schema.

    Parameters
    ----------
    schema
        Avro schema, as JSON text or parsed: a record, or an array of records.

    Raises
    ------
    AvroSchemaError
        If it is no Avro schema, not of records, recursive, or has an array of values without bytes
        (ten bytes could claim 2**62 of them).

    Examples
    --------
    >>> at = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
    >>> prepared = writer_schema({"type": "record", "name": "Event", "fields": [at]})
    >>> dict(prepared.times)
    {'at': TimestampType(timestamp[ms, tz=UTC])}
    """
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise AvroSchemaError(f"the Avro schema is not JSON: {error}") from error
    is_array = isinstance(schema, dict) and schema.get("type") == "array"
    record: Any = schema["items"] if isinstance(schema, dict) and is_array and "items" in schema else schema
    if not isinstance(record, dict) or record.get("type") not in ("record", "error"):
        raise AvroSchemaError("the Avro schema is neither a record nor an array of records")
    try:
        fastavro.parse_schema(schema)
        _check(record, {})
        physical = _physical(record)
        parsed = fastavro.parse_schema(physical)
    except (
        fastavro.schema.SchemaParseException,
        fastavro.schema.UnknownType,
        KeyError,
        RecursionError,
    ) as error:
        raise AvroSchemaError(f"not a valid Avro schema: {error!r}") from error
    times = dict(_times(record, "", {}))
    rust = rust_array = None
    if record["fields"] and _rust_reads(physical):
        end = {"name": END_FIELD, "type": "double"}
        rust = json.dumps({**physical, "fields": [*physical["fields"], end]})
        items = {"name": "items", "type": {"type": "array", "items": physical}}
        rust_array = json.dumps({"type": "record", "name": "driftline_batch", "fields": [items, end]})
    return WriterSchema(rust, rust_array, parsed, is_array, times)


def _physical(schema: Any) -> Any:  # noqa: PLR0911  # one return a kind of type
    """Drop the logical types whose values are fine as they are; decimals keep theirs."""
    if isinstance(schema, list):
        return [_physical(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return _physical(kind)
    if kind in ("record", "error"):
        fields = [{"name": field["name"], "type": _physical(field["type"])} for field in schema["fields"]]
        return {**_named(schema), "type": "record", "fields": fields}
    if kind == "array":
        return {"type": "array", "items": _physical(schema["items"])}
    if kind == "map":
        return {"type": "map", "values": _physical(schema["values"])}
    if kind == "enum":
        return {**_named(schema), "type": "enum", "symbols": schema["symbols"]}
    if kind == "fixed":
        return {**_named(schema), **_decimal(schema), "type": "fixed", "size": schema["size"]}
    return {"type": kind, **_decimal(schema)} if _decimal(schema) else kind


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("name", "namespace") if key in schema}


def _decimal(schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema.get("logicalType") != "decimal":
        return {}
    return {key: schema[key] for key in ("logicalType", "precision", "scale") if key in schema}


def _times(record: Mapping[str, Any], prefix: str, named: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths of times in a record, those of its own fields last: they come first."""
    named[record["name"]] = record
    own = []
    for field in record["fields"]:
        path, inner = prefix + field["name"], _record(field["type"], named)
        if inner is not None:
            yield from _times(inner, f"{path}.", named)
        elif (time := _time(field["type"])) is not None:
            own.append((path, time))
    yield from own


def _record(schema: Any, named: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the record of a type, possibly behind a union with null, a nested type or a name."""
    if isinstance(schema, list):
        branches = [branch for branch in schema if branch != "null"]
        return _record(branches[0], named) if len(branches) == 1 else None
    if isinstance(schema, str):
        return named.get(schema)
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return _record(kind, named)
    return schema if kind in ("record", "error") else named.get(kind)


def _time(schema: Any) -> Any:
    """Arrow type of a time, possibly behind a union with null or a nested type."""
    if isinstance(schema, list):
        branches = [branch for branch in schema if branch != "null"]
        return _time(branches[0]) if len(branches) == 1 else None
    if not isinstance(schema, dict):
        return None
    if isinstance(schema.get("type"), (dict, list)):
        return _time(schema["type"])
    return _TIMES.get(schema.get("logicalType", "")) if schema.get("type") in ("int", "long") else None


def _rust_reads(schema: Any) -> bool:
    """Say whether pyruhvro reads a (physical) schema: it panics at what it does not know."""
    if isinstance(schema, list):
        return all(map(_rust_reads, schema))
    if not isinstance(schema, dict):
        return schema in _RUST_PRIMITIVES  # not a reference to a named type
    kind = schema["type"]
    if kind == "record":
        return bool(schema["fields"]) and all(_rust_reads(field["type"]) for field in schema["fields"])
    if kind in ("array", "map"):
        return _rust_reads(schema["items" if kind == "array" else "values"])
    return kind == "enum" and "logicalType" not in schema


def _check(  # noqa: PLR0911  # one return a kind of type
    schema: Any, bytes_of: dict[str, int | None], namespace: str = ""
) -> int:
    """Return the fewest bytes a value takes, having refused recursion and arrays of nothing."""
    if isinstance(schema, list):
        return 1 + min((_check(branch, bytes_of, namespace) for branch in schema), default=0)
    if isinstance(schema, str):
        if schema in _PRIMITIVES:
            return {"null": 0, "float": 4, "double": 8}.get(schema, 1)
        size = bytes_of.get(schema, bytes_of.get(f"{namespace}.{schema}"))
        if size is None:
            raise AvroSchemaError(f"the Avro type {schema!r} contains itself, which is not supported")
        return size
    kind = schema["type"]
    if kind in ("record", "error", "enum", "fixed"):
        namespace = schema.get("namespace", namespace)
        name = schema["name"] if "." in schema["name"] or not namespace else f"{namespace}.{schema['name']}"
        bytes_of[name] = bytes_of[schema["name"]] = None
        size = {"enum": 1, "fixed": schema.get("size", 0)}.get(
            kind, sum(_check(field["type"], bytes_of, namespace) for field in schema.get("fields", ()))
        )
        bytes_of[name] = bytes_of[schema["name"]] = size
        return int(size)
    if kind == "array":
        if _check(schema["items"], bytes_of, namespace) == 0:
            raise AvroSchemaError("an Avro array of null or of empty records cannot be decoded safely")
        return 1
    if kind == "map":
        _check(schema["values"], bytes_of, namespace)
        return 1
    return _check(kind, bytes_of, namespace)


def arrow_columns(schema: str | Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Tell the columns of records of an Avro schema, roughly: enough to check a configuration.

    Returns
    -------
    list of (str, pyarrow.DataType)
        The columns; ``null`` stands for what only the values can tell.

    Examples
    --------
    >>> arrow_columns('{"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "int"]}]}')
    [('x', DataType(int64))]
    """
    record = json.loads(schema) if isinstance(schema, str) else schema
    return [(field["name"], _arrow(field["type"])) for field in record["fields"]]


def _arrow(schema: Any) -> Any:  # noqa: PLR0911  # one return a kind of type
    if isinstance(schema, list):
        kinds = {_arrow(branch) for branch in schema if branch != "null"}
        return kinds.pop() if len(kinds) == 1 else pa.null()
    if isinstance(schema, str):
        return _PLAIN.get(schema, pa.null())
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return _arrow(kind)
    if schema.get("logicalType") == "decimal":
        return pa.decimal128(38, 9)
    if kind in ("record", "error"):
        return pa.struct([(field["name"], _arrow(field["type"])) for field in schema["fields"]])
    if kind == "map":
        return pa.map_(pa.string(), _arrow(schema["values"]))
    if kind == "array":
        return pa.list_(pa.null())
    return _time(schema) or _PLAIN.get(kind, pa.string())
