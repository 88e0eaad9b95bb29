"""One declaration of a row, read as an Arrow, an Avro and a BigQuery schema."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

Type = Literal["string", "int64", "float64", "bool", "bytes", "timestamp", "record"]
Mode = Literal["required", "nullable", "repeated"]

_ARROW: dict[str, Any] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "bytes": pa.binary(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_AVRO: dict[str, Any] = {
    "string": "string",
    "int64": "long",
    "float64": "double",
    "bool": "boolean",
    "bytes": "bytes",
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
}
_BIGQUERY = {
    "string": "STRING",
    "int64": "INTEGER",
    "float64": "FLOAT",
    "bool": "BOOLEAN",
    "bytes": "BYTES",
    "timestamp": "TIMESTAMP",
    "record": "RECORD",
}


@dataclass(frozen=True)
class Field:
    """One column of a row.

    Parameters
    ----------
    name : str
        Column name, the same in every format.
    type : str
        ``string``, ``int64``, ``float64``, ``bool``, ``bytes``, ``timestamp`` (microseconds, UTC)
        or ``record``.
    mode : str
        ``required``, ``nullable`` or ``repeated``. In Arrow and Avro a repeated column is a list
        that may be null and may hold nulls; BigQuery knows neither and shows a null list as empty.
    description : str
        What the column says, in one sentence: it becomes the Avro ``doc``, the BigQuery
        description and the line in the documentation.
    fields : tuple of Field
        The columns of a ``record``.
    """

    name: str
    type: Type
    mode: Mode
    description: str
    fields: tuple[Field, ...] = ()

    @property
    def arrow(self) -> Any:
        """The ``pyarrow.Field`` of this column."""
        value = pa.struct([field.arrow for field in self.fields]) if self.fields else _ARROW[self.type]
        if self.mode == "repeated":
            value = pa.list_(value)
        return pa.field(self.name, value, nullable=self.mode != "required")

    @property
    def avro(self) -> dict[str, Any]:
        """The Avro field of this column; whatever may be null has null as its default."""
        value: Any = _AVRO.get(self.type)
        if self.fields:
            name = "".join(part.title() for part in self.name.split("_"))
            value = {"type": "record", "name": name, "fields": [field.avro for field in self.fields]}
        if self.mode == "repeated":
            value = {"type": "array", "items": ["null", value]}
        field = {"name": self.name, "doc": self.description, "type": value}
        return field if self.mode == "required" else field | {"type": ["null", value], "default": None}

    @property
    def bigquery(self) -> dict[str, Any]:
        """The BigQuery ``TableFieldSchema`` of this column, as a dictionary."""
        field: dict[str, Any] = {
            "name": self.name,
            "type": _BIGQUERY[self.type],
            "mode": self.mode.upper(),
            "description": self.description,
        }
        return field | {"fields": [inner.bigquery for inner in self.fields]} if self.fields else field


@dataclass(frozen=True)
class RowSchema:
    """The columns of one kind of row.

    Parameters
    ----------
    name : str
        Name of the Avro record, in the namespace ``driftline``.
    version : int
        Raised when a column changes its meaning. Adding a column keeps the version, since readers of
        all three formats ignore or default what they do not know; renaming or removing one is not done.
    description : str
        What one row is.
    fields : tuple of Field
        The columns, in order.
    """

    name: str
    version: int
    description: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def arrow(self) -> Any:
        """The ``pyarrow.Schema``."""
        return pa.schema([field.arrow for field in self.fields])

    @property
    def avro(self) -> dict[str, Any]:
        """The Avro record schema, ready for ``fastavro.parse_schema``."""
        return {
            "type": "record",
            "name": self.name,
            "namespace": "driftline",
            "doc": self.description,
            "version": self.version,
            "fields": [field.avro for field in self.fields],
        }

    @property
    def bigquery(self) -> dict[str, Any]:
        """The BigQuery ``TableSchema``, as the dictionary that Beam and the client library accept."""
        return {"fields": [field.bigquery for field in self.fields]}
