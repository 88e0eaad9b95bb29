"""Any Avro schema with values of it, as hypothesis strategies."""

import io
import json
import math
from decimal import Decimal

import fastavro
import pyarrow as pa
from hypothesis import strategies as st

from driftline.decoding.shown_values import to_json

NAMES = ["a", "B_1", "user-id", "user.id", "user id", "größe", "1st", "$x", "_"]
TYPE_NAMES = ["E", "com.acme.Outer$.E", "my-company", "1st", "", "größe", "a b", "a..b"]
NAMESPACES = [None, "", "com.my-company", "a.Outer$", "1.2", "ä"]
INT = st.integers(-(2**31), 2**31 - 1)
LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
PLAIN = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INT,
    "long": LONG,
    "float": st.floats(width=32),
    "double": st.floats(),
    "string": TEXT,
    "bytes": st.binary(max_size=4),
}
LOGICAL = {
    "date": "int",
    "time-millis": "int",
    "time-micros": "long",
    "timestamp-millis": "long",
    "timestamp-micros": "long",
    "timestamp-nanos": "long",
    "local-timestamp-millis": "long",
    "local-timestamp-micros": "long",
    "local-timestamp-nanos": "long",
    "uuid": "string",
    "unknown-to-all": "double",
}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}


def _leaves():
    fixed = st.integers(0, 13).map(lambda size: {"type": "fixed", "name": "f", "size": size})
    named = st.builds(
        lambda name, space, symbols: {
            "type": "enum",
            "name": name,
            "namespace": space,
            "symbols": symbols,
        },
        st.sampled_from(TYPE_NAMES),
        st.sampled_from(NAMESPACES),
        st.lists(st.sampled_from(["A", "B", "_c", "D4"]), min_size=1, max_size=4, unique=True),
    )
    duration = st.builds(lambda: {"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"})
    decimal = st.builds(lambda: {**DECIMAL, "type": "fixed", "size": 5, "name": "c", "precision": 9})
    logical = st.sampled_from(sorted(LOGICAL)).map(lambda each: {"type": LOGICAL[each], "logicalType": each})
    return st.one_of(
        st.sampled_from(sorted(PLAIN)), logical, named, fixed, duration, decimal, st.just(DECIMAL)
    )


def _within(children):
    solid = children.filter(lambda kind: not isinstance(kind, list))
    record = st.builds(
        lambda names, kinds, name, space: {
            "type": "record",
            "name": name,
            "namespace": space,
            "fields": [{"name": n, "type": k} for n, k in zip(names, kinds, strict=False)],
        },
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.lists(children, min_size=3, max_size=3),
        st.sampled_from(TYPE_NAMES),
        st.sampled_from(NAMESPACES),
    )
    return st.one_of(
        st.builds(lambda kind: ["null", kind], solid.filter(lambda kind: kind != "null")),
        st.builds(lambda kind: [kind, "null"], solid.filter(lambda kind: kind != "null")),
        st.lists(solid, min_size=1, max_size=3, unique_by=branch),
        children.filter(lambda kind: fewest(kind) > 0).map(lambda kind: {"type": "array", "items": kind}),
        children.map(lambda kind: {"type": "map", "values": kind}),
        record,
    )


def branch(kind):
    """What two branches of a union may not both be, so that a value says which one it is of."""
    base = kind if isinstance(kind, str) else kind["type"]
    same = {"int": "number", "long": "number", "float": "number", "double": "number", "boolean": "number",
            "enum": "string", "fixed": "bytes", "record": "object", "map": "object"}  # fmt: skip
    return same.get(base, base)


def fewest(kind):
    """Whether a value takes at least one byte."""
    if isinstance(kind, list):
        return 1
    if kind == "null":
        return 0
    if isinstance(kind, dict) and kind["type"] == "fixed":
        return kind["size"]
    if isinstance(kind, dict) and kind["type"] == "record":
        return sum(fewest(field["type"]) for field in kind["fields"])
    return 1


def values(kind):  # noqa: PLR0911  # one return a kind of type
    """Strategy of the values of a type, as `fastavro` takes them without logical types but decimals."""
    if isinstance(kind, list):
        return st.one_of([values(each) for each in kind])
    if isinstance(kind, str):
        return PLAIN[kind]
    base = kind["type"]
    if kind.get("logicalType") == "decimal":
        most = 10 ** kind["precision"] - 1
        return st.integers(-most, most).map(lambda number: Decimal(number).scaleb(-kind["scale"]))
    if base == "record":
        return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in kind["fields"]})
    if base == "array":
        return st.lists(values(kind["items"]), max_size=3)
    if base == "map":
        return st.dictionaries(TEXT, values(kind["values"]), max_size=3)
    if base == "enum":
        return st.sampled_from(kind["symbols"])
    if base == "fixed":
        return st.binary(min_size=kind["size"], max_size=kind["size"])
    return PLAIN[base]


TYPES = st.recursive(_leaves(), _within, max_leaves=6)
"""Any type; names repeat until `renamed`."""


@st.composite
def events(draw, most=4):
    """A schema of events with the columns at, c and odd ones, and rows of it."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    fields = [
        {"name": "at", "type": draw(st.sampled_from(["long", ["null", "long"]]))},
        *({"name": name, "type": draw(TYPES)} for name in ("c", *names)),
    ]
    for place, field in enumerate(fields):
        fields[place] = {"name": field["name"], "type": renamed(field["type"], str(place))}
    schema = {
        "type": "record",
        "name": draw(st.sampled_from(TYPE_NAMES)),
        "namespace": draw(st.sampled_from(NAMESPACES)),
        "fields": fields,
    }
    rows = st.fixed_dictionaries(
        {field["name"]: values(field["type"]) for field in fields} | {"at": st.integers(0, 10**9)}
    )
    return schema, draw(st.lists(rows, max_size=most))


def renamed(kind, suffix):
    """Give every named type its own name; hypothesis may draw one twice."""
    if isinstance(kind, list):
        return [renamed(each, f"{suffix}_{place}") for place, each in enumerate(kind)]
    if not isinstance(kind, dict):
        return kind
    copy = {key: renamed(kind[key], f"{suffix}_") for key in ("items", "values") if key in kind}
    if "name" in kind:
        copy["name"] = kind["name"] + suffix
    if "fields" in kind:
        copy["fields"] = [
            {**field, "type": renamed(field["type"], f"{suffix}_{place}")}
            for place, field in enumerate(kind["fields"])
        ]
    return {**kind, **copy}


def plain(kind):
    """A type without its logical types but decimals."""
    if isinstance(kind, list):
        return [plain(each) for each in kind]
    if isinstance(kind, dict):
        kept = kind.get("logicalType") == "decimal" and kind["scale"] <= kind["precision"]
        dropped = "" if kept else "logicalType"
        return {key: plain(value) for key, value in kind.items() if key != dropped}
    return kind


def message(schema, value):
    """A schemaless message, by fastavro."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(plain(schema)), value)
    return out.getvalue()


def container(schema, rows, **options):
    """A container whose header has the whole schema, by fastavro."""
    text = json.dumps(schema)
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(plain(schema)), rows, **options)
    written = out.getvalue()
    size, start = len(text.encode()), written.index(b"\x16avro.schema") + 12
    old, used = _length(written, start)
    return written[:start] + zigzag(size) + text.encode() + written[start + used + old :]


def read_plain(schema, payload):
    """What fastavro makes of a message by the writer's own schema, its logical types left out."""
    return fastavro.schemaless_reader(io.BytesIO(payload), fastavro.parse_schema(plain(schema)), None)


def zigzag(number):
    """A number as Avro writes it."""
    rest = ((number << 1) ^ (number >> 63)) & (2**64 - 1)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _length(data, start):
    value = shift = used = 0
    while True:
        byte = data[start + used]
        value |= (byte & 0x7F) << shift
        used, shift = used + 1, shift + 7
        if byte < 0x80:
            return value >> 1, used


def comparable(value):
    """A value that two readers agree on: a map as a dict, NaN as itself, decimals as numbers."""
    if isinstance(value, list):
        if value and all(isinstance(each, tuple) for each in value):
            return {key: comparable(each) for key, each in value}
        return [comparable(each) for each in value] or {}
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()} or {}
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return float(value) if isinstance(value, Decimal) else value


def read_values(column):
    """The values of a decoded column as plain as fastavro gives them: times as numbers."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return column.to_pylist()


def alike(ours, theirs):
    """Whether a decoded value is the one that fastavro reads; nested ones may have become JSON."""
    if isinstance(theirs, (dict, list)) and isinstance(ours, list) and ours == [to_json(theirs).decode()]:
        return True
    return repr(comparable(ours)) == repr(comparable(theirs))


HUGE = [zigzag(n) for n in (2**31, 2**40, 2**62, 2**63 - 1, -1, -2, -(2**31), -(2**63), 10**8, 5_000)]


@st.composite
def damaged(draw, data):
    """Bytes with a few cuts, other bytes, insertions, and huge or negative lengths."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(out)))
        kind = draw(st.sampled_from(["cut", "byte", "huge", "insert", "delete"]))
        if kind == "cut":
            del out[place:]
        elif kind == "byte" and out:
            out[place % len(out)] = draw(st.integers(0, 255))
        elif kind == "huge":
            out[place : place + 1] = draw(st.sampled_from(HUGE))
        elif kind == "insert":
            out[place:place] = draw(st.binary(max_size=8))
        else:
            del out[place : place + draw(st.integers(1, 4))]
    return bytes(out)
