"""Every decoder: what is written comes back, and bad messages neither stop it nor take others along."""

import io
import json

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.avro_canonical import AvroSchemaError
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.avro_schema import arrow_columns, writer_schema
from driftline.decoding.confluent_messages import ConfluentAvroDecoder
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MESSAGE_FORMATS, MessageFormat
from driftline.decoding.json_messages import JsonDecoder
from driftline.feature_spec import FeatureSpec
from tests.driftline.decoding.writers import (
    AVRO,
    SCHEMA,
    arrow_bytes,
    avro_bytes,
    confluent_bytes,
    container_bytes,
    expected,
    json_bytes,
    row,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(-62_135_596_800_000, 253_402_300_799_999),
            "origin": st.none() | TEXT,
            "x": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "kind": st.none() | TEXT,
            "unused": st.integers(-(2**31), 2**31 - 1),
        }
    ),
    max_size=12,
)
BATCH = {"type": "array", "items": AVRO}
# decimals and bytes, which pyruhvro does not read: the same events by way of fastavro
COMPLETE = {**AVRO, "fields": [*AVRO["fields"], {"name": "blob", "type": "bytes", "default": ""}]}


def table(rows):
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("at", pa.int64()),
                ("origin", pa.string()),
                ("x", pa.float64()),
                ("kind", pa.string()),
                ("unused", pa.int64()),
            ]
        ),
    )


ONE_EACH = {
    "avro": (AvroDecoder(SCHEMA, AVRO), avro_bytes),
    "avro by fastavro": (
        AvroDecoder(SCHEMA, COMPLETE),
        lambda r: avro_bytes(r | {"blob": b"\xff"}, COMPLETE),
    ),
    "confluent": (ConfluentAvroDecoder(SCHEMA, {7: AVRO}), lambda r: confluent_bytes(r, 7)),
    "container": (AvroContainerDecoder(SCHEMA), lambda r: container_bytes([r])),
    "json": (JsonDecoder(SCHEMA), json_bytes),
    "json array": (JsonDecoder(SCHEMA), lambda r: json_bytes([r])),
    "arrow": (MessageFormat("arrow").decoder(SCHEMA), lambda r: arrow_bytes(table([r]))),
}
BATCHED = {
    "avro": (AvroDecoder(SCHEMA, BATCH), lambda rows: avro_bytes(rows, BATCH)),
    "avro by fastavro": (
        AvroDecoder(SCHEMA, {"type": "array", "items": COMPLETE}),
        lambda rows: avro_bytes([r | {"blob": b""} for r in rows], {"type": "array", "items": COMPLETE}),
    ),
    "container": (AvroContainerDecoder(SCHEMA), lambda rows: container_bytes(rows, sync_interval=50)),
    "json": (JsonDecoder(SCHEMA), json_bytes),
    "arrow": (MessageFormat("arrow").decoder(SCHEMA), lambda rows: arrow_bytes(table(rows))),
    "arrow file": (MessageFormat("arrow").decoder(SCHEMA), lambda rows: arrow_bytes(table(rows), file=True)),
}


@pytest.mark.parametrize("name", ONE_EACH)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_one_event_a_message_comes_back(name, rows):
    decoder, write = ONE_EACH[name]
    result = decode_events(decoder, [write(r) for r in rows], SCHEMA)
    assert result.events.to_pylist() == expected(rows)
    assert result.message.tolist() == list(range(len(rows)))
    assert result.rejects == ()
    assert result.events.schema == SCHEMA.arrow


@pytest.mark.parametrize("name", BATCHED)
@settings(max_examples=15, deadline=None)
@given(batches=st.lists(ROWS, max_size=5))
def test_many_events_a_message_come_back(name, batches):
    decoder, write = BATCHED[name]
    result = decode_events(decoder, [write(rows) for rows in batches], SCHEMA)
    assert result.events.to_pylist() == expected([r for rows in batches for r in rows])
    assert result.message.tolist() == [m for m, rows in enumerate(batches) for _ in rows]
    assert result.rejects == ()


@pytest.mark.parametrize("name", ONE_EACH)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS, bad=st.dictionaries(st.integers(0, 12), st.binary(max_size=3)))
def test_bad_messages_leave_the_good_ones_alone(name, rows, bad):
    decoder, write = ONE_EACH[name]
    payloads, good = [], []
    for index, r in enumerate(rows):
        if index in bad:
            payloads.append(bad[index])
        else:
            good.append((len(payloads), r))
            payloads.append(write(r))
    result = decode_events(decoder, payloads, SCHEMA)
    kept = dict(zip(result.message.tolist(), result.events.to_pylist(), strict=True))
    assert [kept[m] for m, _ in good] == expected([r for _, r in good])
    assert {reject.message for reject in result.rejects} == set(range(len(payloads))) - {m for m, _ in good}
    assert all(payloads[reject.message] == reject.payload for reject in result.rejects)
    assert result.decoded == len(payloads)


@pytest.mark.parametrize("name", [*ONE_EACH])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_messages_never_raise(name, data):
    decoder, write = ONE_EACH[name]
    payload = bytearray(write(row(origin="somewhere", kind="much")))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    result = decode_events(decoder, [write(row()), bytes(payload[:cut]), write(row())], SCHEMA)
    assert {0, 2} <= set(result.message.tolist())
    result.events.validate(full=True)
    json.dumps(result.events.to_pylist())


def test_bisection_finds_many_bad_messages_in_a_large_batch():
    rng = np.random.default_rng(0)
    bad = set(rng.choice(12_000, 90, replace=False).tolist())
    payloads = [avro_bytes(row(at=i)) for i in range(12_000)]
    for index in bad:
        payloads[index] = payloads[index][:-1] if index % 2 else payloads[index] + b"\0"
    result = decode_events(AvroDecoder(SCHEMA, AVRO), payloads, SCHEMA)
    assert {reject.message for reject in result.rejects} == bad
    assert result.events["time"].to_pylist() == [i * 1000 for i in range(12_000) if i not in bad]


@pytest.mark.parametrize("schema", [AVRO, COMPLETE], ids=["pyruhvro", "fastavro"])
def test_bytes_left_over_are_rejected(schema):
    value = row() | ({"blob": b""} if schema is COMPLETE else {})
    payload = avro_bytes(value, schema)
    result = decode_events(AvroDecoder(SCHEMA, schema), [payload + b"garbage", payload], SCHEMA)
    assert [(r.message, r.reason) for r in result.rejects] == [(0, "undecodable")]
    assert "left over" in result.rejects[0].detail
    assert result.message.tolist() == [1]


def test_avro_types_of_every_kind():
    types = {
        "enum": ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        "uuid": ({"type": "string", "logicalType": "uuid"}, "12345678-1234-5678-1234-567812345678", None),
        "union": (["null", "string", "double", "long"], 7, "7"),
        "boolean": ("boolean", True, "true"),
        "int": ("int", 7, "7"),
        "float": ("float", 7.0, "7"),
        "bytes": ("bytes", b"hi", "hi"),
        "fixed": ({"type": "fixed", "name": "F", "size": 2}, b"ab", "ab"),
        "date": ({"type": "int", "logicalType": "date"}, 1, "1970-01-02"),
    }
    for name, (kind, value, text) in types.items():
        schema = {
            "type": "record",
            "name": "R",
            "fields": [{"name": "at", "type": "long"}, {"name": "c", "type": kind}],
        }
        events = EventSchema("at", "s", (), (FeatureSpec("c", "categorical", "c"),))
        result = decode_events(
            AvroDecoder(events, schema), [avro_bytes({"at": 1, "c": value}, schema)], events
        )
        assert result.rejects == (), name
        assert result.events["feature.c"].to_pylist() == [value if text is None else text], name


def test_avro_numbers_of_every_kind():
    from decimal import Decimal

    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
    for kind, value in [
        ("int", 3),
        ("long", 2**60),
        ("float", 0.5),
        ("boolean", True),
        (decimal, Decimal("1.25")),
        (["null", "int", "double"], 4),
        (["null", "int", "double"], 4.5),
        (["double", "null"], None),
    ]:
        schema = {
            "type": "record",
            "name": "R",
            "fields": [{"name": "at", "type": "long"}, {"name": "x", "type": kind}],
        }
        events = EventSchema("at", "s", (), (FeatureSpec("x", "numeric", "x"),))
        result = decode_events(
            AvroDecoder(events, schema), [avro_bytes({"at": 1, "x": value}, schema)], events
        )
        assert result.events["feature.x"].to_pylist() == [None if value is None else float(value)], kind


@pytest.mark.parametrize(
    "logical", ["timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-millis"]
)
@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("blob", [True, False])
def test_avro_times_need_no_unit(logical, nullable, blob):
    kind = {"type": "long", "logicalType": logical}
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "at", "type": ["null", kind] if nullable else kind}],
    }
    if blob:
        schema["fields"].append({"name": "blob", "type": "bytes"})
    plain = {
        **schema,
        "fields": [{"name": "at", "type": ["null", "long"] if nullable else "long"}, *schema["fields"][1:]],
    }
    scale = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}[logical.rsplit("-", 1)[1]]
    events = EventSchema("at")
    result = decode_events(
        AvroDecoder(events, schema), [avro_bytes({"at": 5 * scale, "blob": b""}, plain)], events
    )
    assert result.events["time"].to_pylist() == [5_000_000]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", "not JSON"),
        ('"string"', "neither a record"),
        (
            {"type": "record", "name": "R", "fields": [{"name": "n", "type": ["null", "R"]}]},
            "contains itself",
        ),
        (
            {
                "type": "record",
                "name": "R",
                "fields": [{"name": "n", "type": {"type": "array", "items": "null"}}],
            },
            "array of null",
        ),
        ({"type": "record", "name": "R", "fields": [{"name": "n", "type": "nonsense"}]}, "nonsense"),
        ({"type": "record", "name": "R"}, "not a valid"),
    ],
)
def test_unusable_avro_schemas_are_refused(schema, words):
    with pytest.raises(AvroSchemaError, match=words):
        writer_schema(schema)


def test_avro_named_types_are_found_again():
    enum = {"type": "enum", "name": "E", "namespace": "n", "symbols": ["A"]}
    schema = {
        "type": "record",
        "name": "R",
        "namespace": "n",
        "fields": [
            {"name": "at", "type": "long"},
            {"name": "a", "type": enum},
            {"name": "b", "type": ["null", "E"]},
        ],
    }
    events = EventSchema("at", "s", ("a", "b"))
    result = decode_events(
        AvroDecoder(events, schema), [avro_bytes({"at": 1, "a": "A", "b": "A"}, schema)], events
    )
    assert result.events.to_pylist() == [{"time": 1_000_000, "segment.a": "A", "segment.b": "A"}]


def test_avro_arrays_in_blocks_with_sizes():
    one = avro_bytes(row(at=1))
    block = b"\x03" + bytes([len(one) * 4]) + one + one  # a negative count is followed by the size
    result = decode_events(AvroDecoder(SCHEMA, BATCH), [block + b"\x02" + one + b"\x00"], SCHEMA)
    assert result.events.num_rows == 3


def test_confluent_messages_of_evolved_schemas():
    evolved = {
        **AVRO,
        "fields": [f for f in AVRO["fields"] if f["name"] != "kind"] + [{"name": "more", "type": "string"}],
    }
    decoder = ConfluentAvroDecoder(SCHEMA, {1: AVRO, 2: json.dumps(evolved)})
    payloads = [
        confluent_bytes(row(at=1), 1),
        confluent_bytes(row(at=2) | {"more": "m"}, 2, evolved),
        confluent_bytes(row(at=3), 3),
        b"\1" + confluent_bytes(row(at=4), 1)[1:],
        b"\0\0",
    ]
    result = decode_events(decoder, payloads, SCHEMA)
    assert result.events.to_pylist() == expected([row(at=1), row(at=2, kind=None)])
    assert {r.message: r.detail for r in result.rejects} == {
        2: "unknown schema id 3; known: 1, 2",
        3: "no zero byte and schema id in front, but b'\\x01\\x00\\x00\\x00\\x01'",
        4: "no zero byte and schema id in front, but b'\\x00\\x00'",
    }


def test_a_damaged_body_behind_a_confluent_header_is_that_message():
    payloads = [
        b"?",
        confluent_bytes(row(at=1), 1),
        confluent_bytes(row(at=2), 1)[:-2],
        confluent_bytes(row(at=3), 1),
    ]
    result = decode_events(ConfluentAvroDecoder(SCHEMA, {1: AVRO}), payloads, SCHEMA)
    assert result.message.tolist() == [1, 3]
    assert {r.message: r.payload for r in result.rejects} == {0: payloads[0], 2: payloads[2]}


def test_json_duplicate_keys_newlines_and_nan():
    payloads = [
        b'{"at": 1, "at": 2}',
        b'{\n"at":\n3\n}',
        b'{"at": 4, "x": NaN}',
        b'{"at": 5, "x": -Infinity}',
        b'{"at": 6, "x": 1e400}',
    ]
    result = decode_events(JsonDecoder(SCHEMA), payloads, SCHEMA)
    assert result.rejects == ()
    assert [t // 1000 for t in result.events["time"].to_pylist()] == [2, 3, 4, 5, 6]
    assert repr(result.events["feature.x"].to_pylist()) == "[None, None, nan, -inf, inf]"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"at": 1, "z": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "undecodable"),
        (b'{"at": NaN, "z": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "undecodable"),
        (b'{"at": 1, "kind": "\\ud800"}', "undecodable"),
        (b'{"at": 1, "kind": "\\ud800", "x": NaN}', "undecodable"),
        (b'{"at": 1, "kind": "\xff"}', "undecodable"),
        (b'{"at": 1} {"at": 2}', "undecodable"),
        (b"", "undecodable"),
        (b"null", "not_a_record"),
        (b'"text"', "not_a_record"),
        (b"[[]]", "not_a_record"),
        (b"{}", "missing_event_time"),
        (b'{"at": null}', "missing_event_time"),
        (b'{"at": "soon"}', "invalid_event_time"),
        (b'{"at": [1]}', "invalid_event_time"),
        (b'{"at": true}', "invalid_event_time"),
        (b'{"at": 1e300}', "invalid_event_time"),
        (b'{"at": 123456789012345678901234567890}', "invalid_event_time"),
        (b'{"at": 1, "origin": {"a": 1}}', "wrong_type"),
    ],
)
def test_bad_json_is_a_reject_next_to_good(payload, reason):
    payloads = [json_bytes(row(at=1)), payload, json_bytes(row(at=2))]
    result = decode_events(JsonDecoder(SCHEMA), payloads, SCHEMA)
    assert result.message.tolist() == [0, 2]
    (reject,) = result.rejects
    assert (reject.message, reject.reason.value) == (1, reason)
    assert (reject.payload == payload) is (reject.event < 0)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b'{"at": 1, "x": "text"}', "x"),
        (b'{"at": 1, "x": {"y": 1}}', "x"),
        (b'{"at": 1, "kind": ["a"]}', "kind"),
    ],
)
def test_a_value_of_another_type_is_invalid_and_its_row_stays(payload, name):
    payloads = [json_bytes(row(at=1)), payload, json_bytes(row(at=2))]
    result = decode_events(JsonDecoder(SCHEMA), payloads, SCHEMA)
    assert (result.message.tolist(), result.rejects, result.invalid) == ([0, 1, 2], (), {name: 1})
    assert result.events[f"feature.{name}"][1].as_py() is None


def test_an_event_of_a_batch_is_rejected_alone_with_its_json():
    payload = json_bytes([row(at=1), row(at=2, origin=["much"]), 5, row(at=3)])
    result = decode_events(JsonDecoder(SCHEMA), [payload], SCHEMA)
    assert [t // 1000 for t in result.events["time"].to_pylist()] == [1, 3]
    record, wrong = result.rejects
    assert (record.event, record.reason, record.payload) == (2, "not_a_record", b"5")
    assert (wrong.event, wrong.reason) == (1, "wrong_type")
    assert json.loads(wrong.payload)["origin"] is not None
    assert wrong.detail.startswith("segment 'origin': column 'origin' holds")
    assert result.decoded == 4


def test_json_integers_of_any_size_are_numbers():
    values = [2**53 + 1, 2**63, -(2**63), 2**64, 10**30, True, 0]
    result = decode_events(JsonDecoder(SCHEMA), [json_bytes(row(x=x)) for x in values], SCHEMA)
    assert result.events["feature.x"].to_pylist() == [float(x) for x in values]


def test_categories_are_the_same_text_in_every_format():
    values = [7, 7.0, -0.0, 2.5, 10**15, 1e15, True, "7", 2**63]
    result = decode_events(JsonDecoder(SCHEMA), [json_bytes(row(kind=v)) for v in values], SCHEMA)
    text = ["7", "7", "0", "2.5", "1000000000000000", "1000000000000000", "true", "7", str(2**63)]
    assert result.events["feature.kind"].to_pylist() == text


def test_payloads_are_kept_up_to_a_megabyte():
    payload = b'{"at": null, "z": "' + b"x" * 10_000_000 + b'"}'
    (reject,) = decode_events(JsonDecoder(SCHEMA), [payload], SCHEMA).rejects
    assert (reject.reason, reject.payload) == ("missing_event_time", payload[:1_000_000])
    assert f"cut from {len(payload)} to 1000000 bytes" in reject.detail


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_container_codecs(codec):
    rows = [row(at=i) for i in range(50)]
    result = decode_events(
        AvroContainerDecoder(SCHEMA), [container_bytes(rows, codec=codec, sync_interval=200)], SCHEMA
    )
    assert result.events.to_pylist() == expected(rows)


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_container_codecs_that_arrow_brings(codec):
    import zlib

    from driftline.decoding.bounded_decompression import decompress

    data = b"abc" * 1000
    if codec == "snappy":
        packed = pa.Codec("snappy").compress(data, asbytes=True) + zlib.crc32(data).to_bytes(4, "big")
        with pytest.raises(ValueError, match="checksum"):
            decompress(codec, packed[:-1] + b"?", 1 << 20)
    else:
        packed = pa.Codec("zstd").compress(data, asbytes=True)
    assert decompress(codec, packed, 1 << 20) == data


def test_a_damaged_block_costs_only_itself():
    rows = [row(at=i) for i in range(100)]
    payload = container_bytes(rows, sync_interval=200)
    sync = bytes(fastavro.reader(io.BytesIO(payload))._header["sync"])
    starts = [i for i in range(len(payload)) if payload.startswith(sync, i)]
    assert len(starts) > 6
    sizes = [block.num_records for block in fastavro.block_reader(io.BytesIO(payload))]
    for damage in (b"\xff" * 12, b"\x02\x02", b"\x00" * 30):
        at = starts[2] + len(sync)  # the head of the third block (the header's marker is the first)
        broken = payload[:at] + damage + payload[at + len(damage) :]
        result = decode_events(AvroContainerDecoder(SCHEMA), [broken], SCHEMA)
        lost = set(range(sum(sizes[:2]), sum(sizes[:3])))
        assert [t // 1000 for t in result.events["time"].to_pylist()] == [
            i for i in range(100) if i not in lost
        ]
        assert [r.reason.value for r in result.rejects] == ["truncated"]
        assert f"byte {at}" in result.rejects[0].detail


def test_a_container_cut_short_keeps_its_whole_blocks():
    payload = container_bytes([row(at=i) for i in range(100)], sync_interval=200)
    for cut in range(len(payload) - 1, 0, -37):
        result = decode_events(AvroContainerDecoder(SCHEMA), [payload[:cut]], SCHEMA)
        times = [t // 1000 for t in result.events["time"].to_pylist()]
        assert times == list(range(len(times)))
        assert len(result.rejects) <= 1
        assert result.rejects or payload[cut - 16 : cut] == payload[-16:]


@pytest.mark.parametrize("options", [{"avro_schema": None}, {}])
def test_formats_by_name(options):
    made = {
        "avro": MessageFormat("avro", json.dumps(AVRO)),
        "confluent": MessageFormat("confluent", avro_schemas={1: json.dumps(AVRO)}),
    }
    for name in MESSAGE_FORMATS:
        made.get(name, MessageFormat(name)).decoder(SCHEMA)
    for name in ("avro", "confluent", "xml"):
        with pytest.raises(ValueError, match=r"schema|known: avro"):
            MessageFormat(name, **options).decoder(SCHEMA)


def test_columns_of_an_avro_schema():
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "a", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "b", "type": ["null", "string", "int"]},
            {"name": "c", "type": {"type": "enum", "name": "E", "symbols": ["A"]}},
            {"name": "d", "type": {"type": "array", "items": "int"}},
            {"name": "e", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4}},
        ],
    }
    types = dict(arrow_columns(schema))
    assert types["a"] == pa.timestamp("ms", "UTC")
    assert pa.types.is_null(types["b"])
    assert types["c"] == pa.string()
    assert pa.types.is_list(types["d"])
    assert pa.types.is_decimal(types["e"])
