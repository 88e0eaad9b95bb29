"""Schema files and registry options are checked before the job starts."""

import json
import pickle
import sys

import pytest

from driftline.config import ConfigError, parse_config
from driftline.decoding.events import decode_events
from driftline.transforms.sources.message_format import message_format
from driftline.transforms.sources.schema_registry import RegistrySchemas
from tests.driftline.decoding.writers import (
    AVRO,
    SCHEMA,
    avro_bytes,
    confluent_bytes,
    expected,
    json_bytes,
    row,
)

SECRET = "hunter2-correct-horse"


def source(keys, kind="kafka"):
    where = {
        "kafka": "brokers: ['b:9092'], topic: t",
        "pubsub": "subscription: projects/p/subscriptions/s",
    }[kind]
    config = parse_config(
        "model: m\nevent_time: {column: at, unit: ms}\nfeatures: {x: numeric}\nbaseline: {path: b.avro}\n"
        f"source: {{{kind}: {{{where}, {keys}}}}}"
    )
    return config.source.settings


def made_of(keys, kind="kafka", place="source"):
    return message_format(source(keys, kind), f"{place}.{kind}", "drift.yaml")


@pytest.fixture
def avsc(tmp_path):
    path = tmp_path / "event.avsc"
    path.write_text("\ufeff" + json.dumps(AVRO), encoding="utf-8")
    return path


def decoded(made, payload):
    made = pickle.loads(pickle.dumps(made))
    return decode_events(made.decoder(SCHEMA), [payload], SCHEMA).events.to_pylist()


def test_formats_decode_on_workers(avsc):
    assert decoded(made_of("format: json"), json_bytes(row(at=1))) == expected([row(at=1)])
    avro = made_of(f"format: avro, schema: {avsc}", "pubsub")
    assert decoded(avro, avro_bytes(row(at=1))) == expected([row(at=1)])
    confluent = made_of(f"format: confluent, schema: {{1: {avsc}, 7: {avsc}}}")
    assert decoded(confluent, confluent_bytes(row(at=1), 7)) == expected([row(at=1)])


def test_a_relative_path_starts_at_the_working_directory(avsc, monkeypatch):
    monkeypatch.chdir(avsc.parent)
    assert made_of("format: avro, schema: event.avsc").avro_schema == json.dumps(AVRO)


def problem(keys, *where):
    with pytest.raises(ConfigError) as caught:
        made_of(keys, *where)
    assert caught.value.name == "drift.yaml"
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "does not exist"),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"message X {}", "cannot be used: the Avro schema is not JSON"),
        (b'"string"', "cannot be used: the Avro schema is neither a record"),
        (b'{"type": "record", "name": "R"}', "cannot be used: not a valid Avro schema"),
    ],
)
@pytest.mark.parametrize(
    ("keys", "where"), [("avro, schema: {}", ""), ("confluent, schema: {{3: {}}}", ".3")]
)
def test_schema_files_that_cannot_be_used(tmp_path, content, found, keys, where):
    path = tmp_path / "event.avsc"
    if content is not None:
        path.write_bytes(content)
    mistake = problem(f"format: {keys.format(path)}")
    assert mistake.where == f"source.kafka.schema{where}"
    assert found in mistake.message
    assert mistake.value == str(path)


def test_the_key_is_that_of_the_source():
    assert problem("format: avro, schema: nope.avsc", "pubsub").where == "source.pubsub.schema"
    of_labels = problem("format: avro, schema: nope.avsc", "kafka", "labels.source")
    assert of_labels.where == "labels.source.kafka.schema"
    assert "cannot be read" in problem("format: avro, schema: 'nowhere://x/event.avsc'").message


def test_a_folder_is_no_schema_file(tmp_path):
    assert "cannot be read" in problem(f"format: avro, schema: {tmp_path}").message


def test_a_registry_is_not_asked_before_the_job_runs():
    login = f"options: {{basic.auth.user.info: 'me:{SECRET}', ssl.ca.location: /only/on/the/workers.pem}}"
    made = made_of(f"format: confluent, registry: {{url: 'http://127.0.0.1:1', {login}}}")
    assert isinstance(made.resolver, RegistrySchemas)
    assert made.resolver.options["basic.auth.user.info"] == f"me:{SECRET}"
    assert SECRET not in repr(made)
    assert pickle.loads(pickle.dumps(made)) == made


def test_registry_options_that_cannot_be_used():
    mistake = problem(f"format: confluent, registry: {{url: 'http://r', options: {{max.retrys: {SECRET}}}}}")
    assert mistake.where == "source.kafka.registry.options"
    assert mistake.message == "cannot be used: Unrecognized properties: max.retrys"


def test_a_missing_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka.schema_registry", None)
    mistake = problem("format: confluent, registry: {url: 'http://r'}")
    assert mistake.where == "source.kafka.registry"
    assert "not installed" in mistake.message
    assert "pip install 'driftline[registry]'" in mistake.remedy
