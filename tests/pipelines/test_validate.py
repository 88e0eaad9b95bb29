"""Validation of a configuration against the files and the baseline that are there."""

from __future__ import annotations

from tests.pipelines.conftest import log


def test_with_nothing_there_yet_it_says_what_was_not_checked(desk, driftline):
    ran = driftline("validate", desk.config())
    assert ran.code == 0
    assert "no such file yet" in ran.out
    assert f"{desk.folder}/ref.parquet" in ran.out
    assert f"baseline {desk.folder}/baseline.avro: not built yet, run `driftline baseline`" in ran.out


def test_input_and_baseline_that_fit_are_said_to_fit(judged, driftline):
    ran = driftline("validate", judged.folder / "drift.yaml")
    assert ran.code == 0
    assert "every configured column is there" in ran.out
    assert "baseline.avro: fits, version " in ran.out


def test_a_column_that_is_not_there_is_an_error_without_a_baseline(desk, driftline):
    desk.write(log(1, 5, days=1).drop_columns(["k"]), "ref.parquet")
    ran = driftline("validate", desk.config())
    assert ran.code == 2
    assert "features.k" in ran.err


def test_a_baseline_that_cannot_be_read_is_an_error(desk, driftline):
    (desk.folder / "baseline.avro").write_bytes(b"Obj")
    ran = driftline("validate", desk.config())
    assert ran.code == 2
    assert f"{desk.folder}/baseline.avro" in ran.err


def test_nothing_is_written(desk, driftline):
    desk.write(log(1, 5, days=1), "ref.parquet")
    config = desk.config()
    before = sorted(path.name for path in desk.folder.rglob("*"))
    assert driftline("validate", config).code == 0
    assert sorted(path.name for path in desk.folder.rglob("*")) == before


SCHEMA = """{"type": "record", "name": "Event", "fields": [
  {"name": "id", "type": "string"}, {"name": "at", "type": "long"}, {"name": "s", "type": "string"},
  {"name": "x", "type": "double"}, {"name": "k", "type": "%s"}, {"name": "c", "type": ["null", "string"]},
  {"name": "score", "type": "double"}]}"""


def kafka(desk, k):
    (desk.folder / "event.avsc").write_text(SCHEMA % k)
    source = f'{{kafka: {{brokers: ["b:9092"], topic: t, format: avro, schema: {desk.folder}/event.avsc}}}}'
    return desk.config(source=source)


def test_the_schema_of_messages_is_held_against_the_columns(desk, driftline):
    assert (
        "kafka t: the format fits; the brokers were not asked"
        in driftline("validate", kafka(desk, "int")).out
    )
    ran = driftline("validate", kafka(desk, "string"))
    assert ran.code == 2
    assert "features.k" in ran.err
    assert "event.avsc" in ran.err


def test_a_schema_file_that_is_not_there_is_an_error(desk, driftline):
    config = kafka(desk, "int")
    (desk.folder / "event.avsc").unlink()
    ran = driftline("validate", config)
    assert ran.code == 2
    assert "source.kafka.schema" in ran.err


PUBSUB = "{pubsub: {subscription: projects/p/subscriptions/s, format: json}}"


def test_pubsub_is_said_to_be_not_read(desk, driftline):
    labels = f"{{column: y, source: {PUBSUB}, time: {{column: known, unit: us}}}}"
    said = "pubsub projects/p/subscriptions/s: is not read by this release; monitor needs files or kafka"
    ran = driftline("validate", desk.config(source=PUBSUB))
    assert ran.code == 0
    assert f"  {said}, baseline and backtest these or --input\n" in ran.out
    ran = driftline("validate", desk.config(labels=labels))
    assert ran.code == 0
    assert f"  labels: {said}, baseline and backtest these or --labels\n" in ran.out
