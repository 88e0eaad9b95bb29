"""Messages of many writers: their schemas found by id, evolved, unknown, and not to be had."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.decoding.confluent_messages import FORGET_AFTER, ConfluentAvroDecoder, SchemaIdError
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MessageFormat
from tests.driftline.decoding.writers import AVRO, SCHEMA, confluent_bytes, expected, row


class Registry:
    """A resolver whose content and health a test decides, and which notes what it is asked."""

    def __init__(self, **schemas):
        self.schemas = {int(key.removeprefix("id")): value for key, value in schemas.items()}
        self.down = False
        self.asked = []

    def __call__(self, number):
        self.asked.append(number)
        if self.down:
            raise ConnectionError("down")
        if number not in self.schemas:
            raise SchemaIdError(f"unknown schema id {number}")
        schema = self.schemas[number]
        return schema if isinstance(schema, str) else json.dumps(schema)


def changed(fields):
    """The schema of the tests with fields replaced, added (any name) or removed (None)."""
    merged = {field["name"]: field for field in AVRO["fields"]} | fields
    return {**AVRO, "fields": [field for field in merged.values() if field is not None]}


def without(value, *names):
    return {name: item for name, item in value.items() if name not in names}


def field(name, kind):
    return {name: {"name": name, "type": kind}}


def test_a_schema_is_asked_for_once():
    registry = Registry(id7=AVRO)
    decoder = MessageFormat("confluent", resolver=registry).decoder(SCHEMA)
    for at in (1, 2):
        result = decode_events(decoder, [confluent_bytes(row(at=at), 7)] * 2, SCHEMA)
        assert result.events.to_pylist() == expected([row(at=at)] * 2)
    assert registry.asked == [7]


def test_an_unusable_id_is_forgotten_after_a_while():
    registry, now = Registry(id8='"text"'), [100.0]
    decoder = ConfluentAvroDecoder(SCHEMA, registry, clock=lambda: now[0])
    messages = [confluent_bytes(row(at=1), 7), confluent_bytes(row(at=2), 8)]
    for _ in range(3):
        result = decode_events(decoder, messages, SCHEMA)
        assert [reject.detail for reject in sorted(result.rejects, key=lambda reject: reject.message)] == [
            "unknown schema id 7",
            "the schema of id 8 cannot be used: the Avro schema is neither a record nor an array of records",
        ]
        now[0] += FORGET_AFTER / 4
    assert registry.asked == [7, 8]
    registry.schemas[7] = AVRO
    now[0] = 100.0 + FORGET_AFTER
    result = decode_events(decoder, messages, SCHEMA)
    assert result.events.to_pylist() == expected([row(at=1)])
    assert [reject.message for reject in result.rejects] == [1]
    assert registry.asked == [7, 8, 7, 8]


def test_a_resolver_that_cannot_tell_fails_the_batch_and_is_asked_again():
    registry = Registry(id1=AVRO, id2=AVRO)
    decoder = ConfluentAvroDecoder(SCHEMA, registry)
    old, new = confluent_bytes(row(at=1), 1), confluent_bytes(row(at=2), 2)
    assert decode_events(decoder, [old], SCHEMA).events.num_rows == 1
    registry.down = True
    assert decode_events(decoder, [old], SCHEMA).events.num_rows == 1
    for _ in range(2):
        with pytest.raises(ConnectionError, match="down"):
            decoder.decode([old, new])
    registry.down = False
    assert decode_events(decoder, [old, new], SCHEMA).events.to_pylist() == expected([row(at=1), row(at=2)])


def test_random_ids_do_not_fill_memory(monkeypatch):
    monkeypatch.setattr("driftline.decoding.confluent_messages._MAX_UNUSABLE", 100)
    registry = Registry()
    decoder = ConfluentAvroDecoder(SCHEMA, registry, clock=lambda: 0.0)
    decoded = decoder.decode([b"\0" + number.to_bytes(4, "big") for number in range(1_000)])
    assert len(decoded.rejects) == 1_000
    assert len(registry.asked) == 1_000
    assert len(decoder._unusable) <= 100


EVOLUTIONS = {
    "removed": (changed({"kind": None}), lambda value: without(value, "kind"), {"kind": None}),
    "added": (changed(field("more", "string")), lambda value: value | {"more": "m"}, {}),
    "added in front": (
        {**AVRO, "fields": [{"name": "more", "type": {"type": "array", "items": "string"}}, *AVRO["fields"]]},
        lambda value: value | {"more": ["m"]},
        {},
    ),
    "renamed": (
        changed({"x": None} | field("y", "double")),
        lambda value: without(value, "x") | {"y": value["x"]},
        {"x": None},
    ),
    "reordered": ({**AVRO, "fields": AVRO["fields"][::-1]}, lambda value: value, {}),
    "no longer null": (changed(field("x", "double")), lambda value: value, {}),
    "whole numbers": (changed(field("x", "long")), lambda value: value | {"x": 3}, {"x": 3.0}),
    "an enum": (
        changed(field("kind", {"type": "enum", "name": "Kind", "symbols": ["b", "a"]})),
        lambda value: value,
        {},
    ),
    "another record": ({**AVRO, "name": "Request", "namespace": "v2"}, lambda value: value, {}),
    "segment removed": (changed({"origin": None}), lambda value: without(value, "origin"), {"origin": None}),
    "only what is monitored": (changed({"unused": None}), lambda value: without(value, "unused"), {}),
}


@pytest.mark.parametrize(("schema", "write", "becomes"), EVOLUTIONS.values(), ids=EVOLUTIONS.keys())
def test_a_schema_evolved_in_the_middle_of_the_stream(schema, write, becomes):
    decoder = ConfluentAvroDecoder(SCHEMA, Registry(id1=AVRO, id2=schema))
    messages = [
        confluent_bytes(row(at=1), 1),
        confluent_bytes(write(row(at=2)), 2, schema),
        confluent_bytes(row(at=3), 1),
        confluent_bytes(write(row(at=4)), 2, schema),
    ]
    result = decode_events(decoder, messages, SCHEMA)
    assert result.rejects == ()
    events = sorted(result.events.to_pylist(), key=lambda event: event["time"])
    assert events == expected([row(at=1), row(at=2) | becomes, row(at=3), row(at=4) | becomes])


def test_a_version_that_lost_the_event_time_is_rejected_row_by_row():
    schema = changed({"at": None})
    messages = [confluent_bytes(without(row(), "at"), 2, schema), confluent_bytes(row(at=1), 1)]
    result = decode_events(ConfluentAvroDecoder(SCHEMA, Registry(id1=AVRO, id2=schema)), messages, SCHEMA)
    assert result.events.to_pylist() == expected([row(at=1)])
    assert [(reject.message, reject.reason.value) for reject in result.rejects] == [(0, "missing_event_time")]


versions = st.sampled_from(
    [(1, AVRO, lambda value: value), (2, *EVOLUTIONS["removed"][:2]), (3, *EVOLUTIONS["renamed"][:2])]
)
poison = st.binary(max_size=8) | st.just(confluent_bytes(row(), 99)) | st.just(confluent_bytes(row(), 1)[:-1])


@given(st.lists(versions | poison, max_size=12))
def test_together_or_one_by_one_is_the_same(choices):
    registry = Registry(id1=AVRO, id2=EVOLUTIONS["removed"][0], id3=EVOLUTIONS["renamed"][0])
    messages = [
        choice
        if isinstance(choice, bytes)
        else confluent_bytes(choice[2](row(at=at + 1)), choice[0], choice[1])
        for at, choice in enumerate(choices)
    ]
    together = decode_events(ConfluentAvroDecoder(SCHEMA, registry), messages, SCHEMA)
    alone = [decode_events(ConfluentAvroDecoder(SCHEMA, registry), [each], SCHEMA) for each in messages]
    assert dict(zip(together.message.tolist(), together.events.to_pylist(), strict=True)) == {
        message: result.events.to_pylist()[0]
        for message, result in enumerate(alone)
        if result.events.num_rows
    }
    assert {reject.message: (reject.reason, reject.detail) for reject in together.rejects} == {
        message: (result.rejects[0].reason, result.rejects[0].detail)
        for message, result in enumerate(alone)
        if result.rejects
    }
