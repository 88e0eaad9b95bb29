"""Labels with events and by themselves, and predictions that cannot be compared with one."""

import math

import pyarrow as pa
import pytest

from driftline.config import parse_config
from driftline.decoding.event_schema import EventSchema, check_columns
from driftline.decoding.events import decode_events
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.label_values import class_values, number_values
from driftline.decoding.normalise import normalise
from driftline.decoding.rejects import Reason
from driftline.decoding.request_ids import request_keys

BASE = """
model: m
event_time: {column: at, unit: s}
request_id: id
prediction: score
features: {distance: numeric}
source: {files: {pattern: data/*.parquet}}
baseline: {path: baseline.avro}
"""
ALONE = """labels: {column: late, source: {files: {pattern: l.avro}}, time: {column: known, unit: s},
  request_id: ref"""

NO_UNIT = "labels: {column: late, source: {files: {pattern: l.avro}}, time: known}"


def events(labels="labels: {column: late}"):
    return EventSchema.of(parse_config(BASE + labels))


def alone(more=""):
    return EventSchema.of_labels(parse_config(BASE + ALONE + more + "}"))


def test_columns_of_a_source_of_labels_are_named_by_its_keys():
    found = check_columns([("known", pa.int64())], EventSchema.of_labels(parse_config(BASE + NO_UNIT)))
    assert [problem.partition(": ")[0] for problem in found] == [
        "labels.time",
        "labels.request_id",
        "labels.column",
    ]
    assert "write labels.time: {column: known, unit: s}" in found[0]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, 1, None, 2]),
        pa.array([0.0, 1.0, math.nan, 2.0]).fill_null(0.0),
        pa.array(["0", "true", None, "x"]),
    ],
)
def test_classes_however_they_are_written(column):
    values, wrong, unknown = class_values(column, (("0", "1"), ("false", "true")))
    assert values.to_pylist()[:2] == [0.0, 1.0]
    assert values.null_count == 2
    assert not wrong.any()
    assert unknown[3]
    assert unknown[2] == (column[2].as_py() is not None)


def test_booleans_are_classes():
    values, _, unknown = class_values(pa.array([False, True]), (("false", "true"),))
    assert values.to_pylist() == [0.0, 1.0]
    assert not unknown.any()


def test_numbers_are_finite():
    values, wrong = number_values(pa.array([1.5, math.nan, math.inf, None]))
    assert values.to_pylist() == [1.5, None, None, None]
    assert wrong.tolist() == [False, True, True, False]


def test_events_with_their_label():
    result = normalise(
        pa.table(
            {"at": [1, 2], "id": ["a", "b"], "score": [0.5, 0.9], "distance": [1.0, 2.0], "late": [1, None]}
        ),
        events(),
    )
    assert result.events.column("label").to_pylist() == [1.0, None]
    assert result.events.column("id_high").equals(request_keys(pa.array(["a", "b"]))[0])
    assert not result.flagged


def test_events_without_ids():
    schema = EventSchema.of(parse_config(BASE.replace("request_id: id\n", "") + "labels: {column: late}"))
    assert schema.arrow.names == ["time", "feature.distance", "feature.prediction", "label"]


def test_an_event_whose_label_or_prediction_cannot_be_used_is_profiled_all_the_same():
    schema = events()
    payloads = [
        b'{"at": 1, "score": 0.5, "distance": 1, "late": 1}',
        b'{"at": 2, "score": 1.5, "distance": 1, "late": 1}',
        b'{"at": 3, "distance": 1, "late": 0}',
        b'{"at": 4, "score": 0.5, "distance": 1, "late": 7}',
        b'{"at": 5, "score": 0.5, "distance": 1, "late": [1]}',
    ]
    result = decode_events(JsonDecoder(schema), payloads, schema)
    assert result.events.num_rows == result.decoded == 5
    assert not result.rejects
    assert [(reject.message, reject.reason) for reject in result.flagged] == [
        (1, Reason.INVALID_SCORE),
        (2, Reason.INVALID_SCORE),
        (3, Reason.UNKNOWN_CLASS),
        (4, Reason.WRONG_TYPE),
    ]
    assert result.flagged[0].detail == ("prediction, which is to be a probability: column 'score' holds 1.5")
    assert "none of 0, 1, false, true; see labels.classes" in result.flagged[2].detail
    assert result.flagged[0].payload == payloads[1]


def test_a_rejected_event_is_not_flagged_too():
    schema = events()
    result = decode_events(JsonDecoder(schema), [b'{"at": null, "score": 7, "late": 9}'], schema)
    assert [reject.reason for reject in result.rejects] == [Reason.MISSING_EVENT_TIME]
    assert not result.flagged


def test_numbers_are_compared_where_the_loss_says_so():
    schema = events("labels: {column: late, loss: squared}")
    result = decode_events(JsonDecoder(schema), [b'{"at": 1, "score": 70.5, "late": 68}'], schema)
    assert not result.flagged
    assert result.events.column("label").to_pylist() == [68.0]


def test_labels_alone():
    schema = alone()
    table = pa.table({"known": [7, 8], "ref": ["a", None], "late": [True, False]})
    result = normalise(table, schema)
    assert result.events.column("time").to_pylist() == [7_000_000, 8_000_000]
    high, low = request_keys(pa.array(["a", None]))
    assert result.events.column("id_high").equals(high)
    assert result.events.column("id_low").equals(low)
    assert result.events.column("label").to_pylist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'{"known": 7, "ref": "a", "late": null}', Reason.MISSING_LABEL),
        (b'{"known": 7, "ref": "a"}', Reason.MISSING_LABEL),
        (b'{"known": 7, "ref": "a", "late": 3}', Reason.UNKNOWN_CLASS),
        (b'{"known": 7, "ref": "a", "late": {"x": 1}}', Reason.WRONG_TYPE),
        (b'{"known": null, "ref": "a", "late": 1}', Reason.MISSING_EVENT_TIME),
        (b"?", Reason.UNDECODABLE),
    ],
)
def test_labels_alone_that_are_none(message, reason):
    schema = alone()
    result = decode_events(JsonDecoder(schema), [message], schema)
    assert [reject.reason for reject in result.rejects] == [reason]
    assert result.events.num_rows == 0
    assert not result.flagged


def test_classes_of_the_configuration():
    schema = alone(", classes: [on_time, late]")
    result = normalise(
        pa.table({"known": [1, 2, 3], "ref": ["a", "b", "c"], "late": ["late", "on_time", "1"]}), schema
    )
    assert result.events.column("label").to_pylist() == [1.0, 0.0]
    assert result.rejects[0].detail.endswith("holds '1', which is none of on_time, late; see labels.classes")


def test_columns_are_checked_before_a_job_starts():
    problems = check_columns([("known", pa.int64()), ("rf", pa.string()), ("lte", pa.int64())], alone())
    assert [problem.partition(":")[0] for problem in problems] == ["labels.request_id", "labels.column"]
    assert "did you mean 'lte'?" in problems[1]
    [problem] = check_columns(
        [("at", pa.int64()), ("id", pa.string()), ("score", pa.float64()), ("distance", pa.float64())],
        events(),
    )
    assert problem.startswith("labels.column: the data has no column 'late'")


def test_a_label_of_text_is_no_number():
    columns = [("at", pa.int64()), ("id", pa.string()), ("score", pa.float64()), ("distance", pa.float64())]
    [problem] = check_columns(
        [*columns, ("late", pa.string())], events("labels: {column: late, loss: absolute}")
    )
    assert "not a number" in problem


def test_unset_labels_change_nothing():
    schema = EventSchema.of(parse_config(BASE))
    assert schema.arrow.names == ["time", "feature.distance", "feature.prediction"]
    assert "late" not in schema.columns
