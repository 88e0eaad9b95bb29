"""Predictions and outcomes out of events."""

import math

import pyarrow as pa
import pytest

from driftline.outcomes import LABELS, OUTCOMES, PREDICTIONS
from driftline.outcomes.from_events import labels_of, outcomes_of, predictions_of
from driftline.performance import Loss


def events(**more):
    columns = {
        "time": pa.array([1, 2, 3, 4]),
        "segment.origin": ["JFK", "LGA", "EWR", None],
        "feature.prediction": [0.1, 0.9, math.nan, 1.5],
        "id_high": pa.array([1, 2, 3, None], pa.uint64()),
        "id_low": pa.array([5, 6, 7, None], pa.uint64()),
    }
    return pa.record_batch(columns | more)


def test_predictions_of_monitored_segments():
    found = predictions_of(events(), frozenset({"origin=JFK"}), Loss("zero_one"))
    assert found.schema == PREDICTIONS
    assert found.to_pylist() == [
        {"id_high": 1, "id_low": 5, "time": 1, "segment": "origin=JFK", "score": 0.1},
        {"id_high": 2, "id_low": 6, "time": 2, "segment": "(other)", "score": 0.9},
    ]


def test_a_number_may_be_anything_finite():
    found = predictions_of(events(), None, Loss("absolute"))
    assert found.column("score").to_pylist() == [0.1, 0.9, 1.5]
    assert found.column("segment").to_pylist() == ["origin=JFK", "origin=LGA", "origin=~"]


def test_events_without_segments_are_all_traffic():
    batch = events().drop_columns(["segment.origin", "id_high", "id_low"])
    found = predictions_of(batch, frozenset(), Loss("log"))
    assert found.column("segment").to_pylist() == ["*", "*"]
    assert found.column("id_high").null_count == 2


def test_outcomes_are_known_at_once():
    found = outcomes_of(events(label=[1.0, None, 0.0, 1.0]), None, Loss("zero_one"))
    assert found.schema == OUTCOMES
    assert found.num_rows == 1
    assert outcomes_of(
        events(label=[1.0] * 4).drop_columns(["id_high", "id_low"]), None, Loss("absolute")
    ).column("id_low").to_pylist() == [0, 0, 0]
    assert found.to_pylist()[0] | {"id_high": 1, "label": 1.0, "known": 1, "time": 1} == found.to_pylist()[0]


@pytest.mark.parametrize("rows", [0, 2])
def test_labels(rows):
    batch = pa.record_batch(
        {
            "time": pa.array(range(rows), pa.int64()),
            "id_high": pa.array(range(rows), pa.uint64()),
            "id_low": pa.array(range(rows), pa.uint64()),
            "label": pa.array([1.0] * rows, pa.float64()),
            "where": pa.array(["f\trow 1"] * rows, pa.string()),
        }
    )
    assert labels_of(batch).schema == LABELS
