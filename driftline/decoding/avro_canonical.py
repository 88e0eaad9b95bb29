"""Avro schemas as they are on the wire: checked, every type under a name of our own, nothing but its bytes.

Writers name types as they like (``com.acme.Outer$``, ``my-company``, nothing at all), and readers refuse
names that are not identifiers. Names of types do not matter for reading, so each gets another one here. Names
of fields and symbols of enums are values for the user and stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn

from driftline.decoding.avro_decimals import decimal_type

if TYPE_CHECKING:
    from collections.abc import Mapping

DEEPEST: Final = 64
"""Types within each other that are read."""

MOST_FREE: Final = 1_000
"""Values without bytes that a record or element may have: 30 types that each hold the next one twice make
2**30 of them out of nothing."""

LARGEST_FIXED: Final = 1 << 28

_FEWEST_BYTES: Final = {
    "null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "string": 1, "bytes": 1,
}  # fmt: skip


class AvroSchemaError(ValueError):
    """A writer's schema that cannot be decoded."""


@dataclass(frozen=True)
class AvroType:
    """A checked type.

    Parameters
    ----------
    schema
        The type as an Avro schema: own names, no logical types but decimals, no defaults, no documentation.
    fewest_bytes
        Bytes that a value takes at least.
    free
        Values without bytes that it has at most, such as null; those behind the index of a union have some.
    """

    schema: Any
    fewest_bytes: int
    free: int = 0


class CanonicalSchema:
    """A writer's schema, checked.

    Parameters
    ----------
    schema
        Avro schema, as JSON text or parsed: a record, or an array of records.

    Attributes
    ----------
    is_array : bool
        Whether a message is an array of records rather than one.
    fields : list of dict
        The fields of the record as the writer gave them.
    record : dict
        The record as it is on the wire.
    symbols : dict of str to list of str
        The symbols of each enum by its new name.

    Raises
    ------
    AvroSchemaError
        If it is no Avro schema, not of records, contains itself, or makes many values of few bytes.

    Examples
    --------
    >>> at = {"name": "user-id", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "..."}
    >>> CanonicalSchema({"type": "record", "name": "a.Outer$", "fields": [at]}).record
    {'type': 'record', 'name': 'n0', 'fields': [{'name': 'user-id', 'type': 'long'}]}
    """

    def __init__(self, schema: str | Mapping[str, Any]) -> None:
        if isinstance(schema, str):
            try:
                schema = json.loads(schema)
            except (ValueError, RecursionError) as error:
                raise AvroSchemaError(f"the Avro schema is not JSON: {error}") from None
        self.is_array = isinstance(schema, dict) and schema.get("type") == "array"
        record: Any = schema.get("items") if isinstance(schema, dict) and self.is_array else schema
        while isinstance(record, dict) and isinstance(record.get("type"), dict):
            record = record["type"]
        if not isinstance(record, dict) or record.get("type") not in ("record", "error"):
            raise AvroSchemaError("the Avro schema is neither a record nor an array of records")
        self.symbols: dict[str, list[str]] = {}
        self._numbers = count()
        self._known: dict[str, AvroType | None] = {}
        found = self._type(record, "", ())
        _check_free(found, ())
        if self.is_array and not found.fewest_bytes:
            _refuse_array_of_nothing(())
        self.record: dict[str, Any] = found.schema
        self.fields: list[dict[str, Any]] = record["fields"]

    def _type(  # noqa: PLR0911  # one return a kind of type
        self, schema: Any, namespace: str, at: tuple[str, ...]
    ) -> AvroType:
        if len(at) > DEEPEST:
            raise AvroSchemaError(f"the Avro schema has more than {DEEPEST} types within each other")
        if isinstance(schema, str):
            return self._plain_or_known(schema, namespace, at)
        if isinstance(schema, list):
            return self._union(schema, namespace, at)
        if not isinstance(schema, dict) or "type" not in schema:
            _refuse(at, f"is no Avro type: {_shown(schema)}")
        kind = schema["type"]
        if kind in ("record", "error"):
            return self._record(schema, namespace, at)
        if kind == "enum":
            return self._enum(schema, namespace, at)
        if kind == "fixed":
            return self._fixed(schema, namespace, at)
        if kind in ("array", "map"):
            return self._many(schema, namespace, at)
        if kind == "bytes":
            return AvroType(decimal_type(schema, None) or "bytes", 1)
        return self._type(kind, namespace, (*at, ""))

    def _plain_or_known(self, name: str, namespace: str, at: tuple[str, ...]) -> AvroType:
        if name in _FEWEST_BYTES:
            return AvroType(name, _FEWEST_BYTES[name], int(name == "null"))
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        found = full if full in self._known else name
        if found not in self._known:
            _refuse(at, f"is of the Avro type {name!r}, which the schema does not define")
        known = self._known[found]
        if known is None:
            _refuse(at, f"is of the Avro type {name!r}, which contains itself: that is not supported")
        return AvroType(known.schema["name"], known.fewest_bytes, known.free)

    def _union(self, schema: list[Any], namespace: str, at: tuple[str, ...]) -> AvroType:
        if not schema:
            _refuse(at, "is a union of no types")
        branches = [self._type(branch, namespace, (*at, "")) for branch in schema]
        return AvroType(
            [branch.schema for branch in branches],
            1 + min(branch.fewest_bytes for branch in branches),
            max(branch.free - (branch.fewest_bytes == 0) for branch in branches),
        )

    def _record(self, schema: dict[str, Any], namespace: str, at: tuple[str, ...]) -> AvroType:
        full, namespace, name = self._named(schema, namespace, at)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            _refuse(at, f"is not a valid Avro record: its fields are {_shown(fields)} instead of a list")
        types: dict[str, AvroType] = {}
        for field in fields:
            label = field.get("name") if isinstance(field, dict) else None
            if not isinstance(label, str) or "type" not in field:
                _refuse(at, f"has a field that is not valid, without a name or a type: {_shown(field)}")
            if label in types:
                _refuse(at, f"has two fields named {label!r}")
            types[label] = self._type(field["type"], namespace, (*at, label))
        size = sum(each.fewest_bytes for each in types.values())
        plain = [{"name": label, "type": each.schema} for label, each in types.items()]
        found = self._known[full] = AvroType(
            {"type": "record", "name": name, "fields": plain},
            size,
            int(size == 0) + sum(each.free for each in types.values()),
        )
        return found

    def _enum(self, schema: dict[str, Any], namespace: str, at: tuple[str, ...]) -> AvroType:
        full, _, name = self._named(schema, namespace, at)
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            _refuse(at, f"is an enum whose symbols are not a list of texts: {_shown(symbols)}")
        self.symbols[name] = symbols
        found = self._known[full] = AvroType({"type": "enum", "name": name, "symbols": symbols}, 1)
        return found

    def _fixed(self, schema: dict[str, Any], namespace: str, at: tuple[str, ...]) -> AvroType:
        full, _, name = self._named(schema, namespace, at)
        size = schema.get("size")
        if type(size) is not int or not 0 <= size <= LARGEST_FIXED:
            _refuse(at, f"is fixed of size {_shown(size)}: a whole number up to {LARGEST_FIXED} is needed")
        plain = {"type": "fixed", "name": name, "size": size}
        found = self._known[full] = AvroType(
            {**plain, **(decimal_type(schema, size) or {})}, size, int(size == 0)
        )
        return found

    def _many(self, schema: dict[str, Any], namespace: str, at: tuple[str, ...]) -> AvroType:
        kind = schema["type"]
        key = "items" if kind == "array" else "values"
        if key not in schema:
            _refuse(at, f"is an Avro {kind} without {key!r}")
        each = self._type(schema[key], namespace, (*at, "[]"))
        _check_free(each, at)
        if kind == "array" and not each.fewest_bytes:
            _refuse_array_of_nothing(at)
        return AvroType({"type": kind, key: each.schema}, 1)

    def _named(self, schema: dict[str, Any], namespace: str, at: tuple[str, ...]) -> tuple[str, str, str]:
        """Full name, namespace within, new name; the type is marked as not known yet."""
        name, own = schema.get("name"), schema.get("namespace", namespace)
        if not isinstance(name, str):
            _refuse(at, f"is a {schema['type']} whose name is {_shown(name)} instead of text")
        if own is not None and not isinstance(own, str):
            _refuse(at, f"has a namespace that is not text: {_shown(own)}")
        inner = name.rpartition(".")[0] if "." in name else own or ""
        full = name if "." in name or not inner else f"{inner}.{name}"
        self._known[full] = None
        return full, inner, f"n{next(self._numbers)}"


def _check_free(found: AvroType, at: tuple[str, ...]) -> None:
    if found.free > MOST_FREE:
        _refuse(at, f"holds {found.free} values that take no byte each time; at most {MOST_FREE} are read")


def _refuse_array_of_nothing(at: tuple[str, ...]) -> NoReturn:
    _refuse(
        at, "is an Avro array of null or of empty records, which cannot be decoded safely: ten bytes could "
        "claim 2**62 elements",
    )  # fmt: skip


def _refuse(at: tuple[str, ...], why: str) -> NoReturn:
    path = ".".join(part for part in at if part).replace(".[]", "[]")
    raise AvroSchemaError(f"not a valid Avro schema for events: {path or 'the record'} {why}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
