"""Rows as messages: one row is one message, keyed by its ``row_id``, as JSON or Avro."""

from __future__ import annotations

import base64
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import fastavro
import orjson
import pyarrow as pa

from driftline.tables.single_object import avro_text, single_object_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.schemas.fields import RowSchema

Format = Literal["json", "avro"]
Headers = list[tuple[str, bytes]]

ROW_ID: Final = "row_id"
SCHEMA: Final = "schema"
CONTENT_TYPE: Final = "content-type"

_CONTENT_TYPES: Final[Mapping[str, bytes]] = {"json": b"application/json", "avro": b"avro/binary"}
_SHORT: Final = 200


def row_keys(batch: Any) -> list[bytes]:
    """Keys of the messages of rows.

    Returns
    -------
    list of bytes
        Each row's ``row_id`` as text.
    """
    return batch.column("row_id").cast(pa.binary()).to_pylist()  # type: ignore[no-any-return]


def schema_name(schema: RowSchema) -> bytes:
    """What the header ``schema`` of a row's message says: name and version."""
    return f"{schema.name}/{schema.version}".encode()


def row_headers(key: bytes, schema: RowSchema, value_format: Format) -> Headers:
    """Headers of the message of a row: what it is can be told without reading the value.

    Examples
    --------
    >>> from driftline.tables import RESULT
    >>> row_headers(b"9b15", RESULT, "json")
    [('row_id', b'9b15'), ('schema', b'Result/1'), ('content-type', b'application/json')]
    """
    return [(ROW_ID, key), (SCHEMA, schema_name(schema)), (CONTENT_TYPE, _CONTENT_TYPES[value_format])]


def row_values(
    batch: Any, schema: RowSchema, value_format: Format, largest: int | None = None
) -> list[bytes]:
    """Values of the messages of rows.

    ``json``: one object a row. Times are ISO 8601 in UTC with six digits and a ``Z``, so that they compare as
    text; bytes are base64; NaN and infinity are null, since JSON has neither. ``avro``: the single-object
    encoding (``C3 01``, the 8-byte fingerprint of the schema, the row), which needs no registry.

    Parameters
    ----------
    value_format : str
        ``json`` or ``avro``.
    largest : int, optional
        Bytes that a value may have; a larger one is shortened as `shortened` says.

    Raises
    ------
    ValueError
        If a row cannot be made as small as `largest`.
    """
    batch = batch.select(list(schema.names))
    values = _json_values(batch) if value_format == "json" else _avro_values(batch, schema)
    if largest is not None:
        for place, value in enumerate(values):
            if len(value) > largest:
                values[place] = shortened(batch.slice(place, 1), schema, value_format, largest)
    return values


def shortened(row: Any, schema: RowSchema, value_format: Format, largest: int) -> bytes:
    """Value of a row's message with no more bytes than the topic takes.

    Bytes are cut to what there is room for, which the ``detail`` says, if the row has one. If that is not
    enough, texts that may be null are cut to 200 characters.

    Parameters
    ----------
    row : pyarrow.RecordBatch
        One row.

    Raises
    ------
    ValueError
        If even that is not enough.
    """
    (known,) = row.to_pylist()
    for short in (False, True):
        record = _with_short_texts(known, schema) if short else known
        for field in schema.fields:
            if field.type == "bytes" and field.mode == "nullable" and record[field.name]:
                record = _with_cut_bytes(record, field.name, schema, value_format, largest)
        value = _value(record, schema, value_format)
        if len(value) <= largest:
            return value
    raise ValueError(
        f"{schema.name} {known['row_id']} has {len(value)} bytes, and {largest} are allowed: raise "
        "max.message.bytes of the topic, and message.max.bytes in `options` if that is set"
    )


def _json_values(batch: Any) -> list[bytes]:
    return [
        orjson.dumps(record, default=_as_text, option=orjson.OPT_PASSTHROUGH_DATETIME)
        for record in batch.to_pylist()
    ]


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):  # always with microseconds, so that texts compare like times
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _avro_values(batch: Any, schema: RowSchema) -> list[bytes]:
    # fastavro: pyruhvro, which is faster, cannot write bytes that may be null.
    parsed = fastavro.parse_schema(schema.avro)
    prefix = single_object_prefix(avro_text(schema))
    values = []
    for record in batch.to_pylist():
        file = io.BytesIO()
        file.write(prefix)
        fastavro.schemaless_writer(file, parsed, record)
        values.append(file.getvalue())
    return values


def _value(record: Mapping[str, Any], schema: RowSchema, value_format: Format) -> bytes:
    (value,) = row_values(
        pa.RecordBatch.from_pylist([dict(record)], schema=schema.arrow), schema, value_format
    )
    return value


def _with_cut_bytes(
    record: Mapping[str, Any], name: str, schema: RowSchema, value_format: Format, largest: int
) -> dict[str, Any]:
    data = record[name]

    def kept(size: int) -> dict[str, Any]:
        note = f"({name} cut from {len(data)} to {size} bytes to fit the topic)"
        detail = " ".join(filter(None, (record.get("detail"), note)))
        return {**record, name: data[:size], **({"detail": detail} if "detail" in schema.names else {})}

    bare = len(_value({**kept(len(data)), name: b""}, schema, value_format))
    room = max(0, largest - bare - 8)  # the lengths that Avro writes before text and bytes grow a little
    return kept(min(len(data), room // 4 * 3 if value_format == "json" else room))


def _with_short_texts(record: Mapping[str, Any], schema: RowSchema) -> dict[str, Any]:
    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [cut(item) for item in value]
        return value if value is None or len(value) <= _SHORT else value[: _SHORT - 1] + "…"

    texts = {field.name for field in schema.fields if field.type == "string" and field.mode != "required"}
    return {name: cut(value) if name in texts else value for name, value in record.items()}
