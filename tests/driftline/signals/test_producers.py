"""Signals hold what the batches hold: each value once in its segment and once in all traffic."""

import math

import numpy as np
import pyarrow as pa
import pytest

from driftline.losses import Loss
from driftline.outcomes import OUTCOMES
from driftline.signals import feature_signals, loss_signal, statistic_signals
from driftline.tables.results import RESULT


def outcomes(**columns):
    n = len(columns["score"])
    rows = {"id_high": range(n), "id_low": [7] * n, "time": range(n), "known": [100 + i for i in range(n)]}
    rows |= columns
    return pa.RecordBatch.from_pydict({name: list(rows[name]) for name in OUTCOMES.names}, schema=OUTCOMES)


def listed(signals):
    return {key: [column.tolist() for column in values] for key, values in signals}


def test_losses_of_segments_and_of_all_traffic():
    batch = outcomes(score=[0.9, 0.2, 0.6, 0.1], label=[1, 1, 0, 0], segment=["b", "a", "b", "(other)"])
    assert listed(loss_signal(batch, Loss("zero_one"))) == {
        ("b", "loss"): [[100, 102], [0, 2], [0, 2], [7, 7], [0.0, 1.0]],
        ("a", "loss"): [[101], [1], [1], [7], [1.0]],
        ("(other)", "loss"): [[103], [3], [3], [7], [0.0]],
        ("*", "loss"): [[100, 101, 102, 103], [0, 1, 2, 3], [0, 1, 2, 3], [7] * 4, [0.0, 1.0, 1.0, 0.0]],
    }


def test_losses_where_there_are_no_segments():
    batch = outcomes(score=[3.0, 2.0], label=[1, 2], segment=["*", "*"])
    assert [(k, v[4]) for k, v in listed(loss_signal(batch, Loss("squared"))).items()] == [
        (("*", "loss"), [4.0, 0.0])
    ]


def test_losses_that_cannot_be_had():
    batch = outcomes(score=[math.nan, 1.5, 0.2, None], label=[1, 1, 2, 0], segment=["a"] * 4)
    assert all(np.isnan(values.value).all() for _, values in loss_signal(batch, Loss("log")))
    assert listed(loss_signal(batch.slice(0, 0), Loss("log"))) == {}


@pytest.mark.parametrize("ids", ["none", "request", "both"])
def test_features(ids):
    columns = {
        "time": pa.array([5, 6, 7, 8], pa.int64()),
        "segment.origin": ["JFK", "EWR", "JFK", None],
        "feature.distance": [1.0, None, math.inf, 2.0],
        "feature.carrier": ["a", "b", "a", "b"],
        "feature.delay": pa.array([math.nan, None, None, math.nan], pa.float64()),
    }
    high, low = [0] * 4, [0] * 4
    if ids != "none":
        columns["request"] = pa.array([4, None, 2**64 - 1, 1], pa.uint64())
        low = [4, 0, 2**64 - 1, 1]
    if ids == "both":
        columns |= {
            "id_high": pa.array([1, 2, 3, None], pa.uint64()),
            "id_low": pa.array([9] * 4, pa.uint64()),
        }
        high, low = [1, 2, 3, 0], [9] * 4
    events = pa.record_batch(columns)
    found = listed(feature_signals(events, ["distance", "delay"], frozenset(["origin=JFK"])))

    def rows(*which):
        wanted = ([5, 6, 7, 8], [5, 6, 7, 8], high, low, [1.0, 0.0, math.inf, 2.0])
        return [[column[row] for row in which] for column in wanted]

    name = "feature.distance"
    assert found == {("origin=JFK", name): rows(0, 2), ("(other)", name): rows(3), ("*", name): rows(0, 2, 3)}
    assert listed(feature_signals(events.slice(0, 0), ["distance"], frozenset())) == {}


def test_features_where_there_are_no_segments():
    events = pa.record_batch({"time": pa.array([5], pa.int64()), "feature.x": [1.0]})
    assert list(listed(feature_signals(events, ["x"], frozenset()))) == [("*", "feature.x")]


def test_statistics():
    rows = [
        {
            "segment": "*",
            "feature": "x.y",
            "status": "ok",
            "window_end": 30,
            "n": 500,
            "psi": 0.5,
            "mean": 3.0,
        },
        {"segment": "*", "feature": "x.y", "status": "insufficient", "window_end": 45, "n": 5, "psi": 9.0},
        {"segment": "a=1", "feature": "x.y", "status": "ok", "window_end": 30, "n": 400, "psi": 0.25},
        {"segment": "a=1", "feature": "x.y", "status": "no_data", "window_end": 45, "n": 0},
        {"segment": "a=1", "feature": "z", "status": "ok", "window_end": 30, "n": 400, "psi": 7.0},
        {"segment": "*", "feature": "x.y", "status": "no_baseline", "window_end": 60, "n": 300, "mean": 4.0},
    ]
    batch = pa.RecordBatch.from_pylist(
        [row | {"window_start": row["window_end"] - 30, "emitted_at": 0} for row in rows],
        schema=pa.schema([f.with_nullable(True) for f in RESULT.arrow]),
    )
    assert listed(statistic_signals(batch, ["psi.x.y", "mean.x.y", "ks.z"])) == {
        ("*", "psi.x.y"): [[30], [0], [0], [500], [0.5]],
        ("a=1", "psi.x.y"): [[30], [0], [0], [400], [0.25]],
        ("*", "mean.x.y"): [[30, 60], [0, 30], [0, 0], [500, 300], [3.0, 4.0]],
    }
