"""What a writer's Avro schema means for the two readers: pyruhvro (Rust, fast) and fastavro (complete)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import fastavro
import pyarrow as pa
import pyarrow.compute as pc

from driftline.decoding.avro_canonical import AvroSchemaError, CanonicalSchema
from driftline.decoding.avro_native import NativeSchemas, native_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
_FIRST_DAY: Final = pa.scalar(-(2**31), pa.int64())
_LAST_DAY: Final = pa.scalar(2**31 - 1, pa.int64())


@dataclass(frozen=True, eq=False)
class WriterSchema:
    """A writer's schema, prepared.

    Parameters
    ----------
    native
        For pyruhvro; None if fastavro has to read everything.
    parsed : object
        For fastavro, of one record.
    parsed_array : object
        For fastavro, of a record whose one field ``items`` is an array of records: the bytes of the array.
    is_array
        Whether a message is an array of records rather than one.
    columns
        Names of the fields.
    times
        Columns, and fields of records by path, that are integers on the wire and mean times.
    """

    native: NativeSchemas | None
    parsed: Any
    parsed_array: Any
    is_array: bool
    columns: tuple[str, ...]
    times: Mapping[str, Any]

    def with_times(self, records: pa.Table) -> pa.Table:
        """Give the time columns their meaning, without copying."""
        for index, name in enumerate(records.schema.names):
            wanted = self.times.get(name)
            column = records.column(index)
            if wanted is None or not pa.types.is_integer(column.type):
                continue
            chunks = [_as_time(chunk, wanted) for chunk in column.chunks]
            records = records.set_column(index, name, pa.chunked_array(chunks, wanted))
        return records


def _as_time(numbers: Any, wanted: Any) -> Any:
    """Give integers, int64 as both readers give them, their meaning as a date or time."""
    if not pa.types.is_date(wanted):
        return numbers.cast(pa.int64()).view(wanted)
    days = pc.max_element_wise(numbers, _FIRST_DAY, skip_nulls=False)  # damaged ones do not fit
    return pc.min_element_wise(days, _LAST_DAY, skip_nulls=False).cast(pa.int32()).view(wanted)


def writer_schema(schema: str | Mapping[str, Any]) -> WriterSchema:
    """Prepare a writer's schema.

    Parameters
    ----------
    schema
        Avro schema, as JSON text or parsed: a record, or an array of records.

    Raises
    ------
    AvroSchemaError
        As `CanonicalSchema`.

    Examples
    --------
    >>> at = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
    >>> prepared = writer_schema({"type": "record", "name": "Event", "fields": [at]})
    >>> dict(prepared.times)
    {'at': TimestampType(timestamp[ms, tz=UTC])}
    """
    canonical = CanonicalSchema(schema)
    items = {"name": "items", "type": {"type": "array", "items": canonical.record}}
    batch = {"type": "record", "name": "batch", "fields": [items]}
    return WriterSchema(
        native=native_schemas(canonical.record),
        parsed=parsed_schema(canonical.record, canonical.symbols),
        parsed_array=parsed_schema(batch, canonical.symbols),
        is_array=canonical.is_array,
        columns=tuple(field["name"] for field in canonical.fields),
        times=dict(_times({"fields": canonical.fields}, "", {})),
    )


def parsed_schema(record: dict[str, Any], symbols: Mapping[str, list[str]]) -> Any:
    """Parse a canonical record for fastavro; symbols that it refuses are put in behind its back."""
    try:
        parsed = fastavro.parse_schema(_with_symbols(record, {name: [] for name in symbols}))
    except Exception as error:  # whatever fastavro has against a schema, it is one that cannot be used
        raise AvroSchemaError(f"not a valid Avro schema: {error!r}") from error
    return _with_symbols(parsed, symbols)


def _with_symbols(schema: Any, symbols: Mapping[str, list[str]]) -> Any:
    """Copy a schema, parsed or not, with other symbols of its enums."""
    if isinstance(schema, list):
        return [_with_symbols(each, symbols) for each in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: _with_symbols(value, symbols) for key, value in schema.items()}
    return {**copy, "symbols": symbols[copy["name"]]} if copy.get("type") == "enum" else copy


def _times(record: Mapping[str, Any], prefix: str, named: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths of times in a record, those of its own fields last: they come first."""
    name = record.get("name", "")
    named |= {name: record, f"{record.get('namespace', '')}.{name}": record}
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
    logical = schema.get("logicalType")
    return _TIMES.get(logical) if isinstance(logical, str) and schema.get("type") in ("int", "long") else None


def arrow_columns(schema: str | Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Tell the columns of records of an Avro schema, roughly: enough to check a configuration.

    Returns
    -------
    list of (str, pyarrow.DataType)
        The columns; ``null`` stands for what only the values can tell.

    Raises
    ------
    AvroSchemaError
        As `CanonicalSchema`.

    Examples
    --------
    >>> arrow_columns('{"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "int"]}]}')
    [('x', DataType(int64))]
    """
    return [(field["name"], _arrow(field["type"])) for field in CanonicalSchema(schema).fields]


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
    return _time(schema) or _PLAIN.get(kind, pa.string() if kind in ("enum", "fixed") else pa.null())
