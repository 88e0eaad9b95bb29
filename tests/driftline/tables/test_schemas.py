"""One declaration, three formats: all must say the same, and version 1 must stay readable."""

import io
import json
from datetime import datetime, timezone
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.tables import (
    DEAD_LETTER,
    DETECTION,
    PERFORMANCE,
    QUANTILES,
    RESULT,
    Kind,
    Pane,
    PerformanceStatus,
    Status,
)
from driftline.tables.rows_page import page

SCHEMAS = [RESULT, DEAD_LETTER, PERFORMANCE, DETECTION]
VERSION_1 = json.loads((Path(__file__).parent / "version_1.json").read_text())

# As the contract lists them; our additions follow.
CONTRACT = """
    row_id model segment segment_values feature kind window_start window_end pane pane_index emitted_at n
    n_reference coverage status missing_rate nonfinite_rate mean variance skewness min max quantiles
    cardinality new_category_rate ks ks_p psi psi_p wasserstein wasserstein_iqr chi2 chi2_p missing_p p_value
    p_iid p_adjusted drifted baseline_version
""".split()  # noqa: SIM905
PERFORMANCE_COLUMNS = """
    row_id model segment segment_values window_start window_end emitted_at n_predictions n labelled_share
    loss mean_loss mean_loss_low mean_loss_high error_rate error_rate_low error_rate_high rolling_error
    log_loss auc calibration_error mean_absolute_error root_mean_squared_error estimated_accuracy
    estimated_error_rate estimated_auc n_reference mean_loss_reference error_rate_reference
    calibration_error_reference auc_reference difference p_value status label_delay_p50_s
    label_delay_p95_s baseline_version
""".split()  # noqa: SIM905
DETECTION_COLUMNS = """
    row_id model segment signal detector at detected_at before after width emitted_at calibrated
""".split()  # noqa: SIM905

NOON = datetime(2013, 9, 1, 12, tzinfo=timezone.utc)


def filled(field):
    """One value of a field's type."""
    if field.fields:
        return {inner.name: filled(inner) for inner in field.fields}
    value = {
        "string": "é~",
        "int64": 2**40,
        "float64": 0.1,
        "bool": True,
        "bytes": b"\x00\xff",
        "timestamp": NOON,
    }[field.type]
    return [value, value] if field.mode == "repeated" else value


def without_doc(avro):
    """An Avro type without its descriptions, which may be reworded."""
    if isinstance(avro, dict):
        return {key: without_doc(value) for key, value in avro.items() if key != "doc"}
    return [without_doc(value) for value in avro] if isinstance(avro, list) else avro


def rows(schema):
    """A row with every column, and one with only what is required."""
    full = {field.name: filled(field) for field in schema.fields}
    bare = {field.name: full[field.name] if field.mode == "required" else None for field in schema.fields}
    return [full, bare]


@pytest.mark.parametrize(
    ("schema", "columns"),
    [(RESULT, CONTRACT), (PERFORMANCE, PERFORMANCE_COLUMNS), (DETECTION, DETECTION_COLUMNS)],
    ids=["Result", "Performance", "Detection"],
)
def test_rows_have_the_columns_of_the_contract_in_its_order(schema, columns):
    assert list(schema.names[: len(columns)]) == columns
    assert schema.arrow.names == list(schema.names)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_version_1_is_still_there(schema):
    """Columns of version 1 keep name, type and mode in every format; new ones are optional."""
    old = VERSION_1[schema.name]
    assert schema.version == old["version"]
    new_avro = {field["name"]: field["type"] for field in schema.avro["fields"]}
    new_bigquery = {field["name"]: (field["type"], field["mode"]) for field in schema.bigquery["fields"]}
    for name, column in old["columns"].items():
        assert name in schema.names, f"{name} was renamed or removed: version 1 readers would break"
        assert str(schema.arrow.field(name)) == column["arrow"]
        assert without_doc(new_avro[name]) == column["avro"]
        assert list(new_bigquery[name]) == column["bigquery"]
    for field in schema.fields:
        if field.name not in old["columns"]:
            assert field.mode != "required", f"{field.name} is new: rows of version 1 do not have it"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_rows_survive_avro_and_parquet(schema, tmp_path):
    expected = rows(schema)
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(schema.avro), expected)
    stream.seek(0)
    assert list(fastavro.reader(stream)) == expected

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(expected, schema=schema.arrow), path)
    read = pq.read_table(path)
    assert read.schema.equals(schema.arrow)
    assert read.to_pylist() == expected


def test_a_null_segment_value_survives():
    row = rows(RESULT)[0] | {"segment_values": ["JFK", None]}
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(RESULT.avro), [row])
    stream.seek(0)
    assert next(fastavro.reader(stream))["segment_values"] == ["JFK", None]
    assert pa.Table.from_pylist([row], schema=RESULT.arrow)["segment_values"].to_pylist() == [["JFK", None]]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_avro_of_version_1_is_read_with_the_schema_of_today(schema):
    old = VERSION_1[schema.name]
    fields = [{"name": name, "type": column["avro"]} for name, column in old["columns"].items()]
    writer = {"type": "record", "name": schema.name, "namespace": "driftline", "fields": fields}
    bare = {name: value for name, value in rows(schema)[1].items() if name in old["columns"]}
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(writer), [bare])
    stream.seek(0)
    assert next(fastavro.reader(stream, reader_schema=schema.avro)) == rows(schema)[1]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_bigquery_knows_every_column(schema):
    types = {"STRING", "INTEGER", "FLOAT", "BOOLEAN", "BYTES", "TIMESTAMP", "RECORD"}
    fields = schema.bigquery["fields"]
    assert [field["name"] for field in fields] == list(schema.names)
    assert {field["type"] for field in fields} <= types
    assert {field["mode"] for field in fields} <= {"REQUIRED", "NULLABLE", "REPEATED"}
    assert all(len(field["description"]) < 1024 for field in fields)


def test_bigquery_quantiles_are_a_record_and_lists_are_repeated():
    fields = {field["name"]: field for field in RESULT.bigquery["fields"]}
    assert fields["quantiles"]["type"] == "RECORD"
    assert [inner["name"] for inner in fields["quantiles"]["fields"]] == list(QUANTILES)
    assert {name for name, field in fields.items() if field["mode"] == "REPEATED"} == {
        "segment_values",
        "bin_counts",
        "new_categories",
        "components",
    }


def test_words_are_plain_strings():
    assert [str(status) for status in Status] == ["ok", "insufficient", "partial", "no_baseline", "no_data"]
    assert f"{Pane.ON_TIME} {Pane.LATE}" == "on_time late"
    assert [str(status) for status in PerformanceStatus] == ["ok", "insufficient", "no_labels", "no_baseline"]
    assert f"{PerformanceStatus.NO_LABELS}" == "no_labels"
    assert Kind("numeric") == "numeric"
    assert pa.array([Status.OK, "no_data"]).to_pylist() == ["ok", "no_data"]
    assert json.dumps(Status.OK) == '"ok"'


def test_the_documentation_is_up_to_date():
    path = Path(__file__).parents[3] / "docs" / "result_rows.md"
    assert path.read_text(encoding="utf-8") == page(), (
        "run: python -m driftline.tables.rows_page > docs/result_rows.md"
    )
