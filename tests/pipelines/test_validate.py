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


def kafka(desk, k, at="long"):
    (desk.folder / "event.avsc").write_text((SCHEMA % k).replace('"long"', f'"{at}"', 1))
    source = f'{{kafka: {{brokers: ["b:9092"], topic: t, format: avro, schema: {desk.folder}/event.avsc}}}}'
    return desk.config(source=source)


def test_the_schema_of_messages_is_held_against_the_columns(desk, driftline):
    assert (
        "kafka t: the format fits; the brokers were not asked"
        in driftline("validate", kafka(desk, "int")).out
    )
    assert driftline("validate", kafka(desk, "string")).code == 0  # which may be numbers
    ran = driftline("validate", kafka(desk, "int", at="boolean"))
    assert ran.code == 2
    assert "event_time" in ran.err
    assert "event.avsc" in ran.err


def test_a_schema_file_that_is_not_there_is_an_error(desk, driftline):
    config = kafka(desk, "int")
    (desk.folder / "event.avsc").unlink()
    ran = driftline("validate", config)
    assert ran.code == 2
    assert "source.kafka.schema" in ran.err


LABELS = "{{column: y, source: {}, time: {{column: known, unit: us}}}}"


def test_labels_that_are_missing_where_events_are_there_are_an_error(desk, driftline):
    labels = LABELS.format(f"{{files: {{pattern: {desk.folder}/labels.parquet}}}}")
    config = desk.config(labels=labels)
    ran = driftline("validate", config)
    assert ran.code == 0
    assert f"  labels: files {desk.folder}/labels.parquet: no such file yet" in ran.out
    desk.write(log(1, 5, days=1), "ref.parquet")
    ran = driftline("validate", config)
    assert ran.code == 2
    remedy = f"did you mean {desk.folder}/ref.parquet?"
    assert ran.err.splitlines() == [
        f"{config}: 1 problem",
        f"  labels.source.files.pattern: {desk.folder}/labels.parquet",
        f"      no file matches {desk.folder}/labels.parquet; {remedy}",
        "      -> correct it",
    ]


def test_the_schema_of_labels_is_held_against_their_columns_by_their_keys(desk, driftline):
    desk.write(log(1, 5, days=1), "ref.parquet")
    (desk.folder / "label.avsc").write_text(
        '{"type": "record", "name": "L", "fields": [{"name": "id", "type": "string"}]}'
    )
    source = "{kafka: {brokers: ['b:1'], topic: l, format: avro, schema: %s/label.avsc%s}}"
    ran = driftline("validate", desk.config(labels=LABELS.format(source % (desk.folder, ""))))
    assert ran.code == 2
    assert "  labels.time\n" in ran.err
    assert "  labels.column\n" in ran.err
    of_records = LABELS.format(source % (desk.folder, ", event_time: record"))
    ran = driftline("validate", desk.config(labels=of_records.replace("column: y", "column: id")))
    assert ran.code == 0, ran.err
    assert "  labels: kafka l: the format fits; the brokers were not asked" in ran.out


def test_a_folder_is_no_pattern_of_files_that_may_come(desk, driftline):
    (desk.folder / "ref.parquet").mkdir()
    desk.write(log(1, 5, days=1), "ref.parquet/a.parquet")
    ran = driftline("validate", desk.config())
    assert ran.code == 2
    assert "it is a folder" in ran.err


def test_what_has_no_effect_yet_is_said(desk, driftline):
    ran = driftline("validate", desk.config(variant="v"))
    assert ran.code == 0
    said = "variant: column 'v' is not used by this release; comparisons of variants come later"
    assert f"  {said}\n" in ran.out
    ran = driftline("backtest", desk.config(variant="v"))
    assert f"note: {said}\n" in ran.out


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


def test_relative_patterns_begin_at_the_working_directory(desk, driftline, monkeypatch):
    monkeypatch.chdir(desk.folder)
    events = log(1, 5, days=1)
    desk.write(events, "ref-1.parquet")
    desk.write(events.select(["id", "at"]).append_column("y", events["k"]), "labels-1.parquet")
    labels = (
        "{column: y, source: {files: {pattern: labels*.parquet}}, time: {column: at, unit: us}, wait: 1d}"
    )
    config = desk.config(source="{files: {pattern: ref-*.parquet}}", labels=labels)
    ran = driftline("validate", config)
    assert ran.code == 0, ran.err
    assert "files ref-*.parquet: every configured column is there" in ran.out
    assert "labels: files labels*.parquet: every configured column is there" in ran.out
