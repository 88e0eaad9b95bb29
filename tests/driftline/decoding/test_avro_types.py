"""Every Avro type in every place, each way of sending it, in a process of its own."""

import io
import itertools
import json
import struct
import subprocess
import sys
from decimal import Decimal

import fastavro
import pytest

from driftline.decoding.avro_canonical import DEEPEST, AvroSchemaError
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.avro_schema import arrow_columns, writer_schema
from driftline.decoding.confluent_messages import ConfluentAvroDecoder
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.feature_spec import FeatureSpec
from tests.fuzz.avro_shapes import alike, container, message, plain, read_plain, read_values, zigzag

SCHEMA = EventSchema("at", "s", (), (FeatureSpec("c", "categorical", "c"),))
AT = {"name": "at", "type": "long"}
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}
FIXED = {"type": "fixed", "name": "F", "size": 2}
RECORD = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string"]}],
}
ATOMS = [
    ("null", [None]),
    ("boolean", [True, False]),
    ("int", [0, -(2**31), 2**31 - 1]),
    ("long", [0, -(2**63), 2**63 - 1]),
    ("float", [0.5, float("inf"), -0.0]),
    ("double", [0.1, 1e300, float("-inf")]),
    ("string", ["", "größe", "x" * 300]),
    ("bytes", [b"", b"\xff\0"]),
    (ENUM, ["B", "A"]),
    (FIXED, [b"ab"]),
    ({**FIXED, "size": 0}, [b""]),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
        [Decimal("1.25"), Decimal("-9999.99")],
    ),
    ({**FIXED, "size": 5, "logicalType": "decimal", "precision": 9, "scale": 2}, [Decimal("-0.01")]),
    ({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 5}, [b"\1\2"]),
    ({**FIXED, "size": 12, "logicalType": "duration"}, [b"\1" * 12]),
    ({**FIXED, "size": 16, "logicalType": "uuid"}, [b"\1" * 16]),
    ({"type": "string", "logicalType": "uuid"}, ["12345678-1234-5678-1234-567812345678"]),
    ({"type": "int", "logicalType": "date"}, [1, -(2**31)]),
    ({"type": "int", "logicalType": "time-millis"}, [1]),
    ({"type": "long", "logicalType": "time-micros"}, [1]),
    *(
        ({"type": "long", "logicalType": f"{local}timestamp-{unit}"}, [0, 1_767_225_600_000])
        for local in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    ),
    ({"type": "string", "logicalType": "made-up"}, ["x"]),
    (RECORD, [{"a": 1, "b": None}, {"a": 2, "b": "x"}]),
    ({"type": "array", "items": "long"}, [[], [1, 2]]),
    ({"type": "map", "values": "double"}, [{}, {"k": 1.5}]),
]  # fmt: skip


def nested(kind, values):
    """A type in every place."""
    yield kind, values
    if kind != "null":
        yield ["null", kind], [None, *values]
        yield [kind, "null"], [values[0], None]
        if kind not in ("long", "int"):
            yield ["long", kind], [7, *values]
            yield ["null", "long", kind], [None, 7, *values]
    yield [kind], values
    yield {"type": "map", "values": kind}, [{"k": each} for each in values]
    yield (
        {"type": "record", "name": "Outer", "fields": [{"name": "in", "type": kind}]},
        [{"in": each} for each in values],
    )
    if kind not in ("null", {**FIXED, "size": 0}):
        yield {"type": "array", "items": kind}, [list(values), []]
        yield {"type": "array", "items": {"type": "map", "values": kind}}, [[{"k": each}] for each in values]
    if kind != "null":
        yield {"type": "array", "items": ["null", kind]}, [[None, *values]]
        yield ["null", {"type": "map", "values": ["null", kind]}], [None, {"k": values[0], "l": None}]
        yield (
            ["null", {"type": "record", "name": "Outer", "fields": [{"name": "in", "type": ["null", kind]}]}],
            [None, {"in": values[0]}, {"in": None}],
        )


def check_all():
    """Read every type in every place, saying which before it is tried."""
    number = 0
    for kind, values in itertools.chain.from_iterable(itertools.starmap(nested, ATOMS)):
        print(json.dumps(kind), flush=True)  # noqa: T201
        check(kind, values)
        number += 1
    print(f"read {number}")  # noqa: T201


def check(kind, values):
    schema = {
        "type": "record",
        "name": "Event",
        "fields": [AT, {"name": "c", "type": kind}, {"name": "d", "type": "string"}],
    }
    rows = [{"at": place, "c": each, "d": "end"} for place, each in enumerate(values)]
    one = [message(schema, row) for row in rows]
    wanted = [read_plain(schema, each) for each in one]
    batch = {"type": "array", "items": schema}
    arrow_columns(schema)
    for decoder, payloads in (
        (AvroDecoder(SCHEMA, schema), one),
        (AvroDecoder(SCHEMA, batch), [message(batch, rows)]),
        (AvroContainerDecoder(SCHEMA), [container(schema, rows, sync_interval=20)]),
        (ConfluentAvroDecoder(SCHEMA, {1: schema}), [b"\0" + struct.pack(">I", 1) + each for each in one]),
    ):
        result = decoder.decode([payloads[0][:-1], *payloads, b"", payloads[-1] + b"\0"])
        found = {
            at: value
            for part in result.parts
            for at, value in zip(read_values(part.records["at"]), read_values(part.records["c"]), strict=True)
        }
        assert sorted(found) == list(range(len(rows))), decoder
        for row in wanted:
            assert alike(found[row["at"]], row["c"]), (decoder, found[row["at"]], row["c"])
        events = decode_events(decoder, payloads, SCHEMA)
        assert len({(each.message, each.event) for each in events.rejects}) + events.events.num_rows == len(
            rows
        )


def test_every_type_in_every_place_and_no_process_ends():
    program = "from tests.driftline.decoding.test_avro_types import check_all; check_all()"
    command = [sys.executable, "-X", "faulthandler", "-c", program]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-300:] + found.stderr[-3_000:]
    assert f"read {sum(1 for each in ATOMS for _ in nested(*each))}" in found.stdout


@pytest.mark.parametrize(
    "kind", [["null", "string", "long"], ["string"], ["null", ["null", "long"]], "bytes", FIXED]
)
def test_what_ends_the_process_or_is_not_known_right_goes_to_fastavro(kind):
    schema = {"type": "record", "name": "R", "fields": [AT, {"name": "c", "type": kind}]}
    assert writer_schema(schema).native is None
    assert writer_schema({**schema, "fields": [AT]}).native is not None


_ODD_NAMES = ("größe", "user-id", "user.id", "user id", "1", "", "$", "driftline_end_of_message")
NAMES = [
    ({"namespace": "com.acme.Outer$"}, {}),
    ({"name": "com.acme.Outer$.Event"}, {}),
    ({"namespace": "com.my-company"}, {}),
    ({"name": ""}, {}),
    ({"name": "1st", "namespace": "2.x"}, {}),
    ({"name": "größe", "namespace": "ä"}, {}),
    ({"name": "two words"}, {}),
    ({"namespace": None}, {}),
    ({"aliases": ["a-b"]}, {"aliases": ["x-y"]}),
    ({"doc": "d"}, {"default": "of another type"}),
    *(({}, {"name": name}) for name in _ODD_NAMES),
]  # fmt: skip


@pytest.mark.parametrize(("record", "field"), NAMES)
@pytest.mark.parametrize("kind", ["double", ["null", "string", "long"]])
def test_any_name_is_read_under_its_name(record, field, kind):
    extra = {"name": "x", "type": "double", **field}
    schema = {"type": "record", "name": "Event", **record, "fields": [AT, extra, {"name": "c", "type": kind}]}
    wanted = EventSchema("at", "s", (), (FeatureSpec("f", "numeric", extra["name"]),))
    bare = {
        **schema,
        "name": "Event",
        "namespace": "",
        "fields": [AT, {"name": extra["name"], "type": "double"}, schema["fields"][2]],
    }
    row = {"at": 1, extra["name"]: 2.5, "c": None if isinstance(kind, list) else 1.0}
    payload = message(bare, row)
    sent = container(bare, [row])
    for decoder, data in (
        (AvroDecoder(wanted, schema), payload),
        (AvroContainerDecoder(wanted), with_schema(sent, bare, schema)),
    ):
        result = decode_events(decoder, [data], wanted)
        assert result.rejects == ()
        assert result.events["feature.f"].to_pylist() == [2.5]
    assert dict(arrow_columns(schema)).keys() == {"at", extra["name"], "c"}


def with_schema(data, old, new):
    """A container with another schema in its header."""
    before, after = json.dumps(old).encode(), json.dumps(new).encode()
    place = data.index(zigzag(len(before)) + before)
    return data[:place] + zigzag(len(after)) + after + data[place + len(zigzag(len(before)) + before) :]


def test_types_are_found_by_every_name_that_avro_gives_them():
    inner = {"type": "record", "name": "Address", "fields": [{"name": "zip", "type": "string"}]}
    for name, used in (
        ({"name": "com.acme.Event"}, "com.acme.Address"),
        ({"name": "com.acme.Event"}, "Address"),
        ({"name": "Event", "namespace": "com.acme-2"}, "com.acme-2.Address"),
        ({"name": "Event"}, {"type": "Address"}),
    ):
        schema = {
            "type": "record",
            **name,
            "fields": [AT, {"name": "c", "type": inner}, {"name": "d", "type": used}],
        }
        payload = zigzag(1) + b"\2a\2b"
        result = AvroDecoder(SCHEMA, schema).decode([payload])
        assert result.rejects == ()
        assert result.parts[0].records.num_rows == 1


def test_a_name_that_is_given_twice_is_its_last_definition():
    """As polars writes structs: records without a name."""
    inner = {"type": "record", "name": "", "fields": [{"name": "a", "type": "long"}]}
    schema = {
        "type": "record",
        "name": "",
        "fields": [AT, {"name": "s", "type": inner}, {"name": "c", "type": "string"}],
    }
    result = decode_events(AvroDecoder(SCHEMA, schema), [zigzag(1) + zigzag(5) + b"\2x"], SCHEMA)
    assert result.events["feature.c"].to_pylist() == ["x"]


def test_symbols_of_an_enum_are_any_text():
    enum = {"type": "enum", "name": "E", "symbols": ["on-hold", "größe", "2nd", "two words"]}
    schema = {"type": "record", "name": "R", "fields": [AT, {"name": "c", "type": enum}]}
    payloads = [zigzag(1) + zigzag(place) for place in range(5)]
    result = decode_events(AvroDecoder(SCHEMA, schema), payloads, SCHEMA)
    assert result.events["feature.c"].to_pylist() == enum["symbols"]
    assert [reject.message for reject in result.rejects] == [4]


def doubled(times):
    """Types that each hold the next one twice."""
    kind = {"type": "record", "name": "r0", "fields": [{"name": "a", "type": "null"}]}
    for place in range(1, times):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": f"r{place - 1}"}]
        kind = {"type": "record", "name": f"r{place}", "fields": fields}
    return kind


def deep(levels):
    kind = "long"
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


def event(kind, **more):
    return {"type": "record", "name": "R", "fields": [AT, {"name": "c", "type": kind, **more}]}


REFUSED = [
    ("text", "neither a record"),
    (["null", event("long")], "neither a record"),
    ({"type": "record", "name": ["E"], "fields": []}, "name is"),
    ({"type": "record", "name": "E", "fields": "x"}, "fields are 'x' instead of a list"),
    ({"type": "record", "name": "E", "fields": [7]}, "without a name or a type"),
    ({"type": "record", "name": "E", "fields": [{"name": {}, "type": "int"}]}, "without a name or a type"),
    ({"type": "record", "name": "E", "namespace": 7, "fields": [AT]}, "namespace"),
    (event("nonsense"), "c is of the Avro type 'nonsense', which the schema does not define"),
    (event("R"), "contains itself"),
    (event(["null", {"type": "array", "items": "R"}]), "contains itself"),
    (event({"type": "fixed", "name": "F", "size": "long"}), "size 'long'"),
    (event({"type": "fixed", "name": "F", "size": -1}), "size -1"),
    (event({"type": "fixed", "name": "F", "size": 2**62}), "size 4611686018427387904"),
    (event({"type": "enum", "name": "E", "symbols": "AB"}), "symbols"),
    (event({"type": "enum", "name": "E", "symbols": [1]}), "symbols"),
    (event([]), "union of no types"),
    (event(None), "is no Avro type: None"),
    (event({}), "is no Avro type"),
    (event({"type": "array"}), "without 'items'"),
    (event({"type": "array", "items": "null"}), "array of null"),
    (event({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}), "safely"),
    (event(doubled(30)), "values that take no byte"),
    (event(deep(DEEPEST + 1)), "within each other"),
    ({"type": "record", "name": "R", "fields": [AT, AT]}, "two fields named 'at'"),
]


@pytest.mark.parametrize(("schema", "words"), REFUSED)
def test_a_schema_that_is_none_is_one_clear_reject(schema, words):
    text = json.dumps(schema)
    with pytest.raises(AvroSchemaError, match=words):
        writer_schema(text)
    with pytest.raises(AvroSchemaError, match=words):
        arrow_columns(text)
    header = (
        b"Obj\1"
        + zigzag(1)
        + b"\x16avro.schema"
        + zigzag(len(text.encode()))
        + text.encode()
        + b"\0"
        + bytes(16)
    )
    (reject,) = AvroContainerDecoder(SCHEMA).decode([header]).rejects
    assert reject.reason.value == "undecodable"
    assert "schema" in reject.detail


def test_a_schema_of_any_depth_is_an_error_and_not_the_end_of_the_stack():
    with pytest.raises(AvroSchemaError, match="not JSON"):
        writer_schema("[" * 100_000)


def test_a_decimal_of_a_megabyte_is_a_reject_at_once():
    """Making a decimal of so many digits takes minutes."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    payload = zigzag(1) + zigzag(1_000_000) + b"\x7f" * 1_000_000
    (reject,) = AvroDecoder(SCHEMA, event(kind)).decode([payload]).rejects
    assert "more than its 9 digits" in reject.detail


def test_a_damaged_date_is_no_exception():
    kind = {"type": "int", "logicalType": "date"}
    for schema in (
        event(kind),
        {**event(kind), "fields": [*event(kind)["fields"], {"name": "b", "type": "bytes"}]},
    ):
        payload = zigzag(1) + zigzag(2**62) + (b"\0" if len(schema["fields"]) == 3 else b"")
        for wanted in (SCHEMA, EventSchema("c")):
            result = decode_events(AvroDecoder(wanted, schema), [payload], wanted)
            assert len(result.rejects) + result.events.num_rows == 1


def test_the_samples_of_the_tests_are_what_fastavro_writes():
    schema = event({"type": "int", "logicalType": "date"})
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(plain(schema)), {"at": 1, "c": 2})
    assert out.getvalue() == message(schema, {"at": 1, "c": 2}) == zigzag(1) + zigzag(2)
