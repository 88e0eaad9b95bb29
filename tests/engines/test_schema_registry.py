"""Writers' schemas from a real registry: evolved, unknown, unusable, registered late; the registry gone."""

import json
import pickle
import shutil

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from driftline.config import parse_config
from driftline.decoding.confluent_messages import FORGET_AFTER, ConfluentAvroDecoder
from driftline.decoding.events import decode_events
from driftline.transforms.sources.dead_letter_rows import DEAD_LETTERS
from driftline.transforms.sources.decode import DecodeMessages, MessageBatch
from driftline.transforms.sources.message_format import message_format
from driftline.transforms.sources.schema_registry import RegistrySchemas, SchemaRegistryUnavailableError
from tests.driftline.decoding.writers import AVRO, SCHEMA, confluent_bytes, expected, row
from tests.engines.registry import SchemaRegistry

EVOLVED = {
    **AVRO,
    "fields": [
        {"name": "more", "type": ["null", "string"], "default": None},
        *(field for field in AVRO["fields"] if field["name"] != "kind"),
    ],
}
IMPATIENT = {"max.retries": "1", "retries.wait.ms": "10", "timeout": "2"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with SchemaRegistry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def register(registry):
    """Register a schema under a subject and return its id."""

    def register(subject, schema, kind="AVRO"):
        with SchemaRegistryClient({"url": registry.url}) as client:
            return client.register_schema(subject, Schema(json.dumps(schema), kind))

    return register


@pytest.fixture(scope="module")
def ids(register):
    """Ids of the schema of the tests and of its next version."""
    return register("evolving", AVRO), register("evolving", EVOLVED)


def configured(url, options="{max.retries: 1, retries.wait.ms: 10}"):
    config = parse_config(f"""
model: m
event_time: {{column: at, unit: ms}}
features: {{x: numeric}}
baseline: {{path: b.avro}}
source:
  kafka:
    brokers: ["b:9092"]
    topic: t
    format: confluent
    registry: {{url: '{url}', options: {options}}}
""")
    return message_format(config.source.kafka, "source.kafka", "c")


def test_a_mix_of_versions_and_unknown_ids(registry, ids):
    first, second = ids
    assert first != second
    decoder = pickle.loads(pickle.dumps(configured(registry.url))).decoder(SCHEMA)
    payloads = [
        confluent_bytes(row(at=1), first),
        confluent_bytes(row(at=2) | {"more": "m"}, second, EVOLVED),
        confluent_bytes(row(at=3), 987_654),
        confluent_bytes(row(at=4, kind="b"), first),
        confluent_bytes(row(at=5), 2**31 + 1),
        b"\0\0",
    ]
    for _ in range(2):  # first asked for, then remembered
        result = decode_events(decoder, payloads, SCHEMA)
        events = sorted(result.events.to_pylist(), key=lambda event: event["time"])
        assert events == expected([row(at=1), row(at=2, kind=None), row(at=4, kind="b")])
        assert {reject.message: reject.detail for reject in result.rejects} == {
            2: "unknown schema id 987654: the registry does not have it",
            4: "unknown schema id 2147483649: ids have 31 bits",
            5: "no zero byte and schema id in front, but b'\\x00\\x00'",
        }


def test_schemas_that_cannot_be_used_are_dead_letters_that_name_the_id(registry, register):
    json_schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    json_id = register("json", json_schema, "JSON")
    enum_id = register("enum", {"type": "enum", "name": "E", "symbols": ["A"]})
    recursive = {"type": "record", "name": "R", "fields": [{"name": "again", "type": ["null", "R"]}]}
    recursive_id = register("recursive", recursive)
    numbers = (json_id, enum_id, recursive_id)
    decoder = ConfluentAvroDecoder(SCHEMA, RegistrySchemas(registry.url))
    decoded = decoder.decode([b"\0" + number.to_bytes(4, "big") for number in numbers])
    assert decoded.parts == ()
    assert {reject.reason.value for reject in decoded.rejects} == {"undecodable"}
    assert {numbers[reject.message]: reject.detail for reject in decoded.rejects} == {
        json_id: f"schema id {json_id} is of the type JSON, not Avro",
        enum_id: f"the schema of id {enum_id} cannot be used: "
        "the Avro schema is neither a record nor an array of records",
        recursive_id: f"the schema of id {recursive_id} cannot be used: "
        "not a valid Avro schema for events: again is of the Avro type 'R', which contains itself: "
        "that is not supported",
    }


def test_a_schema_registered_late_is_found(registry, register):
    now = [0.0]
    decoder = ConfluentAvroDecoder(SCHEMA, RegistrySchemas(registry.url), clock=lambda: now[0])
    number = register("late-before", {**AVRO, "name": "Before"})
    late = number + 1
    message = confluent_bytes(row(at=1), late)
    assert len(decode_events(decoder, [message], SCHEMA).rejects) == 1
    assert register("late", {**AVRO, "name": "Late"}) == late
    now[0] = FORGET_AFTER - 1
    assert len(decode_events(decoder, [message], SCHEMA).rejects) == 1, "remembered for a while"
    now[0] = FORGET_AFTER
    result = decode_events(decoder, [message], SCHEMA)
    assert (result.events.to_pylist(), result.rejects) == (expected([row(at=1)]), ())


def test_a_wrong_path_is_no_unknown_id(registry, ids):
    decoder = ConfluentAvroDecoder(SCHEMA, RegistrySchemas(registry.url + "x", IMPATIENT))
    with pytest.raises(SchemaRegistryUnavailableError, match="HTTP status code 404"):
        decoder.decode([confluent_bytes(row(), ids[0])])


def test_a_registry_killed_while_decoding_fails_the_batch_and_rejects_nothing(registry, tmp_path):
    with SchemaRegistry(tmp_path) as mortal:
        with SchemaRegistryClient({"url": mortal.url}) as client:
            first, second = (
                client.register_schema("s", Schema(json.dumps(schema), "AVRO")) for schema in (AVRO, EVOLVED)
            )
        decoder = ConfluentAvroDecoder(SCHEMA, RegistrySchemas(mortal.url, IMPATIENT))
        known = confluent_bytes(row(at=1), first)
        assert decode_events(decoder, [known], SCHEMA).events.num_rows == 1
    new = confluent_bytes(row(at=2) | {"more": None}, second, EVOLVED)
    assert decode_events(decoder, [known, known], SCHEMA).events.num_rows == 2, "known ids need no registry"
    for _ in range(2):
        with pytest.raises(
            SchemaRegistryUnavailableError, match=f"{mortal.port}.*schema id {second}.*tries again"
        ):
            decoder.decode([known, new])


def test_a_pipeline_takes_the_registry_to_its_workers(registry, ids):
    payloads = [confluent_bytes(row(at=1), ids[0]), confluent_bytes(row(at=2), 987_654)]
    with TestPipeline("FnApiRunner") as pipeline:
        outputs = (
            pipeline
            | beam.Create([MessageBatch(payloads, "t/0", [17, 18])])
            | beam.ParDo(DecodeMessages("m", SCHEMA, configured(registry.url))).with_outputs(
                DEAD_LETTERS, main="events"
            )
        )
        assert_that(
            outputs.events | "rows" >> beam.FlatMap(lambda batch: batch.to_pylist()),
            equal_to(expected([row(at=1)])),
            label="events",
        )
        assert_that(
            outputs[DEAD_LETTERS]
            | "letters"
            >> beam.FlatMap(lambda batch: [(r["reason"], r["position"]) for r in batch.to_pylist()]),
            equal_to([("undecodable", "18")]),
            label="dead letters",
        )
