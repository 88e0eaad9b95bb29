"""Messages back to rows, for readers of a topic."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import fastavro
import orjson
import pyarrow as pa
from fastavro.read import SchemaResolutionError

from driftline.tables.row_messages import SCHEMA, schema_name
from driftline.tables.single_object import MARKER, PREFIX_LENGTH, avro_text, single_object_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftline.schemas.fields import Field, RowSchema

Headers = Sequence[tuple[str, bytes | None]]

_FAULTS: Final = (
    *(ValueError, TypeError, AttributeError, LookupError, EOFError, OverflowError),
    *(struct.error, pa.ArrowException, SchemaResolutionError),
)


def rows_of(
    messages: Iterable[tuple[bytes | None, bytes | None, Headers | None]],
    schema: RowSchema,
    writers: Iterable[Mapping[str, Any]] = (),
) -> Any:
    """Read the rows of messages.

    Parameters
    ----------
    messages : iterable of (key, value, headers)
        Messages of a topic, in any order, JSON and Avro mixed. A tombstone (no value) and rows that a header
        says are of another schema are left out.
    schema : RowSchema
        The rows to read. A column that the writer did not know is null, one that is not known here is left
        out.
    writers : iterable of Avro schemas
        Of other releases that wrote to the topic as Avro; JSON needs none.

    Returns
    -------
    pyarrow.Table
        All rows, in order: `standing_rows` keeps each once.

    Raises
    ------
    ValueError
        If a value is not a row of the schema.

    Examples
    --------
    >>> from driftline.tables import RESULT
    >>> rows_of([(b"a", b'{"row_id": "a", "n": 3}', None), (b"b", None, None)], RESULT).num_rows
    1
    """
    own = fastavro.parse_schema(schema.avro)
    known = {single_object_prefix(json.dumps(other)): fastavro.parse_schema(dict(other)) for other in writers}
    known[single_object_prefix(avro_text(schema))] = own
    keys, rows = [], []
    for key, value, headers in messages:
        if value is None or not _is_of(headers, schema, key):
            continue
        with _named(key, schema):
            is_avro = value.startswith(MARKER)
            rows.append(_avro_record(value, known, own) if is_avro else _json_record(value, schema))
            keys.append(key)
    try:
        return pa.Table.from_pylist(rows, schema=schema.arrow)
    except _FAULTS:
        for key, row in zip(keys, rows, strict=True):
            with _named(key, schema):
                pa.Table.from_pylist([row], schema=schema.arrow)
        raise


@contextmanager
def _named(key: bytes | None, schema: RowSchema) -> Iterator[None]:
    """Say which message is at fault."""
    try:
        yield
    except _FAULTS as error:
        name = schema_name(schema).decode()
        raise ValueError(f"the message with key {key!r} is no {name}: {error}") from error


def _is_of(headers: Headers | None, schema: RowSchema, key: bytes | None) -> bool:
    said = next((value for name, value in headers or () if name == SCHEMA and value), None)
    if said is None or said == schema_name(schema):
        return True
    name, _, version = said.decode(errors="replace").rpartition("/")
    if name == schema.name:
        raise ValueError(
            f"the message with key {key!r} is version {version} of {name}, and this release reads version "
            f"{schema.version}: read it with the release that wrote it"
        )
    return False


def _avro_record(value: bytes, known: Mapping[bytes, Any], own: Any) -> dict[str, Any]:
    writer = known.get(value[:PREFIX_LENGTH])
    if writer is None:
        raise ValueError(
            f"its Avro schema has the fingerprint {value[2:PREFIX_LENGTH].hex()}, which is none of this "
            "release's: hand over the schema of the release that wrote it as `writers`"
        )
    file = io.BytesIO(value)
    file.seek(PREFIX_LENGTH)
    record: dict[str, Any] = fastavro.schemaless_reader(file, writer, own)
    if file.read(1):
        raise ValueError("it goes on behind the record")
    return record


def _json_record(value: bytes, schema: RowSchema) -> dict[str, Any]:
    record = orjson.loads(value)
    if not isinstance(record, dict):
        raise TypeError("it is no object")
    return {field.name: _restored(field, record.get(field.name)) for field in schema.fields}


def _restored(field: Field, value: Any) -> Any:
    """Turn what JSON shows as text back into a time or bytes."""
    if value is None:
        return None
    if field.mode == "repeated":
        item = replace(field, mode="nullable")
        return [_restored(item, element) for element in value]
    if field.type == "record":
        return {inner.name: _restored(inner, value.get(inner.name)) for inner in field.fields}
    if field.type == "timestamp":
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if field.type == "bytes":
        return base64.b64decode(value, validate=True)
    return value
