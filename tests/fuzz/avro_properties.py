"""What must hold for any Avro schema and any bytes."""

import copy
import dataclasses
import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from driftline.decoding.avro_canonical import AvroSchemaError
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.avro_schema import arrow_columns, writer_schema
from driftline.decoding.confluent_messages import ConfluentAvroDecoder
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.feature_spec import FeatureSpec
from tests.fuzz.avro_shapes import (
    alike,
    container,
    damaged,
    events,
    message,
    read_plain,
    read_values,
    zigzag,
)

CATEGORY = EventSchema("at", "s", (), (FeatureSpec("c", "categorical", "c"),))
NUMBER = EventSchema("at", "s", (), (FeatureSpec("c", "numeric", "c"),))


def decoded(decoder, payloads, schema=CATEGORY):
    """Events with the message of each, and what was rejected of which message."""
    result = decode_events(decoder, payloads, schema)
    rows = sorted(zip(result.message.tolist(), result.events.to_pylist(), strict=True), key=repr)
    return rows, sorted((reject.message, reject.reason.value) for reject in result.rejects)


@given(events())
def every_schema_is_read(drawn):
    """Every way of sending gives the values that fastavro reads; the two readers agree."""
    schema, rows = drawn
    one = [message(schema, row) for row in rows]
    wanted = [read_plain(schema, payload) for payload in one]
    assert_values(AvroDecoder(CATEGORY, schema).decode(one), wanted)
    batch = {"type": "array", "items": schema}
    many = [message(batch, rows)]
    assert_values(AvroDecoder(CATEGORY, batch).decode(many), wanted)
    whole = [container(schema, rows, sync_interval=1), container(schema, rows, codec="deflate")]
    assert_values(AvroContainerDecoder(CATEGORY).decode(whole), wanted + wanted)
    confluent = [b"\0" + struct.pack(">I", 7) + payload for payload in one]
    assert_values(ConfluentAvroDecoder(CATEGORY, {7: json.dumps(schema)}).decode(confluent), wanted)
    for wanted_kind in (CATEGORY, NUMBER):
        agree(schema, one, wanted_kind)
    arrow_columns(schema)


def assert_values(result, wanted):
    """Hold the records, in order, against what fastavro reads."""
    assert result.rejects == ()
    found = [
        (message, event, *values)
        for part in result.parts
        for message, event, *values in zip(
            part.message.tolist(),
            [0] * len(part.message) if part.event is None else part.event.tolist(),
            read_values(part.records["at"]),
            read_values(part.records["c"]),
            strict=True,
        )
    ]
    found.sort(key=lambda row: row[:2])
    assert [row[2] for row in found] == [row["at"] for row in wanted]
    for (_, _, _, ours), theirs in zip(found, wanted, strict=True):
        assert alike(ours, theirs["c"]), (ours, theirs["c"])


def agree(schema, payloads, wanted):
    """Both readers make the same events of bytes that both accept; only fastavro reads every schema."""
    writer = writer_schema(schema)
    if writer.native is None:
        return
    fast = decode_events(AvroDecoder(wanted, writer), payloads, wanted)
    slow = decode_events(AvroDecoder(wanted, dataclasses.replace(writer, native=None)), payloads, wanted)
    ours, theirs = (
        {
            m: json.dumps(row, default=repr)
            for m, row in zip(r.message.tolist(), r.events.to_pylist(), strict=True)
        }
        for r in (fast, slow)
    )
    for number in ours.keys() & theirs.keys():
        assert ours[number] == theirs[number]


@given(events(), st.data())
def damage_is_a_reject(drawn, data):
    """Whatever happens to the bytes, every message is events or rejects, and good ones are read."""
    schema, rows = drawn
    good = [message(schema, row) for row in rows]
    bad = [data.draw(damaged(payload)) for payload in good or [b"\0"]]
    batch = {"type": "array", "items": schema}
    cases = [
        (AvroDecoder(CATEGORY, schema), good, bad),
        (AvroDecoder(NUMBER, schema), good, bad),
        (AvroDecoder(CATEGORY, batch), [message(batch, rows)], [data.draw(damaged(message(batch, rows)))]),
        (
            AvroContainerDecoder(CATEGORY),
            [container(schema, rows)],
            [data.draw(damaged(container(schema, rows)))],
        ),
    ]
    for decoder, intact, broken in cases:
        wanted = NUMBER if decoder is cases[1][0] else CATEGORY
        rows_of, rejects_of = decoded(decoder, intact, wanted)
        mixed_rows, mixed_rejects = decoded(decoder, intact + broken, wanted)
        assert [row for row in mixed_rows if row[0] < len(intact)] == rows_of
        assert [each for each in mixed_rejects if each[0] < len(intact)] == rejects_of
    agree(schema, bad, CATEGORY)


WRONG = [
    None,
    True,
    0,
    -1,
    2.5,
    10**30,
    "",
    "x",
    "long",
    [],
    ["null"],
    {},
    {"type": "long"},
    [[]],
    {"type": []},
]


@given(events(most=1), st.data())
def no_schema_is_an_exception(drawn, data):
    """A schema that is not one is refused with the one error, and a container with it is one reject."""
    schema, rows = drawn
    payload = message(schema, rows[0]) if rows else b""
    changed = copy.deepcopy(schema)
    for _ in range(data.draw(st.integers(1, 2))):
        change(changed, data)
    head = container(schema, rows)
    text, other = json.dumps(schema).encode(), json.dumps(changed).encode()
    place = head.index(text)
    old = len(zigzag(len(text)))
    sent = head[: place - old] + zigzag(len(other)) + other + head[place + len(text) :]
    for wanted in (CATEGORY, NUMBER):
        decoded(AvroContainerDecoder(wanted), [sent, head], wanted)
    decoded(ConfluentAvroDecoder(CATEGORY, lambda number: other.decode()), [b"\0\0\0\0\1" + payload])
    try:
        decoder = AvroDecoder(CATEGORY, changed)
        arrow_columns(changed)
    except AvroSchemaError:
        return
    decoded(decoder, [payload, b"", b"\0" * 64, b"\xff" * 64])


def change(schema, data):
    """Put something wrong somewhere into a schema."""
    places = list(_places(schema))
    holder, key = data.draw(st.sampled_from(places))
    kind = data.draw(st.sampled_from(["replace", "delete", "add", "swap"]))
    if kind == "replace":
        holder[key] = copy.deepcopy(data.draw(st.sampled_from(WRONG)))
    elif kind == "delete":
        del holder[key]
    elif kind == "swap":
        other, place = data.draw(st.sampled_from(places))
        holder[key] = copy.deepcopy(other[place])
    elif isinstance(holder, dict):
        name = data.draw(
            st.sampled_from(["logicalType", "size", "precision", "scale", "namespace", "name", "default"])
        )
        holder[name] = copy.deepcopy(data.draw(st.sampled_from(WRONG)))


def _places(schema):
    if isinstance(schema, dict):
        for key in list(schema):
            yield schema, key
            yield from _places(schema[key])
    elif isinstance(schema, list):
        for place in range(len(schema)):
            yield schema, place
            yield from _places(schema[place])


PROPERTIES = (every_schema_is_read, damage_is_a_reject, no_schema_is_an_exception)
