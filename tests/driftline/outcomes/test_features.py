"""Encoded features: what a learner reads of them is what it reads of the events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from driftline.outcomes import LABELS, OUTCOMES, PREDICTIONS, MatchRule, settle
from driftline.outcomes.feature_inputs import read_categories, read_numbers
from driftline.outcomes.from_events import outcomes_of, predictions_of
from driftline.outcomes.packed_rows import (
    FEATURES_VERSION,
    decode_block,
    encode_labels,
    encode_predictions,
    span,
)
from driftline.outcomes.row_arrays import Labels, Predictions
from driftline.outcomes.travelling_features import (
    FEATURES,
    HASHED_COLUMNS,
    FeatureLayout,
    as_column,
    features_of,
    without_features,
)
from driftline.performance import Loss

DATA = Path(__file__).parent / "data"
LAYOUT = FeatureLayout(("x", "k"), ("c",))
LOSS = Loss("log")


def events(n=6):
    return pa.record_batch(
        {
            "time": pa.array(range(n), pa.int64()),
            "feature.x": pa.array([1.5, None, float("nan"), float("inf"), -0.0, 1e300][:n]),
            "feature.k": pa.array(range(n), pa.float64()),
            "feature.c": ["a", None, "", "a", "é", "b"][:n],
            "feature.prediction": [0.5] * n,
            "id_high": pa.array(range(n), pa.uint64()),
            "id_low": pa.array(range(n), pa.uint64()),
            "label": [1.0, None, 0.0, 1.0, 0.0, 1.0][:n],
        }
    )


def test_features_come_back_as_a_learner_reads_them():
    batch = events()
    plain = batch.select([f"feature.{name}" for name in "xkc"]).rename_columns(list("xkc"))
    column = LAYOUT.encode(batch)
    assert column.type == pa.binary(LAYOUT.width) == pa.binary(4 + 2 * 8 + 4)
    rows = features_of(pa.record_batch({FEATURES: column}).slice(1))
    assert LAYOUT.ours(rows).all()
    back = LAYOUT.decode(rows)
    np.testing.assert_array_equal(back.numbers, read_numbers(plain, ["x", "k"])[1:])
    np.testing.assert_array_equal(back.categories, read_categories(plain, ["c"], HASHED_COLUMNS)[1:])


@pytest.mark.parametrize(
    "other",
    [FeatureLayout(("k", "x"), ("c",)), FeatureLayout(("x",), ("c",)), FeatureLayout(("x", "k", "z"))],
)
def test_rows_of_another_configuration_are_told_apart(other):
    rows = features_of(pa.record_batch({FEATURES: LAYOUT.encode(events())}))
    assert not other.ours(rows).any()
    assert not LAYOUT.ours(np.zeros_like(rows)).any()
    assert not LAYOUT.ours(np.empty((3, 0), np.uint8)).any()


def test_events_give_features_only_where_they_are_asked_for():
    batch = events()
    assert predictions_of(batch, None, LOSS).schema == PREDICTIONS
    assert outcomes_of(batch, None, LOSS).schema == OUTCOMES
    own = predictions_of(batch, None, LOSS, LAYOUT)
    assert own.schema.names == [*PREDICTIONS.names, FEATURES]
    assert own.column(FEATURES).equals(LAYOUT.encode(batch))
    outcomes = outcomes_of(batch, None, LOSS, LAYOUT)
    there = pa.array([0, 2, 3, 4, 5])
    assert outcomes.schema.names == [*OUTCOMES.names, FEATURES]
    assert outcomes.column(FEATURES).equals(LAYOUT.encode(batch).take(there))
    assert without_features(outcomes).equals(outcomes_of(batch, None, LOSS))


def rows_of(n=6, features=True):
    return Predictions.of(predictions_of(events(n), None, LOSS, LAYOUT if features else None))


def test_blocks_with_features():
    data = encode_predictions(rows_of(), 7)
    block = decode_block(data)
    assert data[3] == FEATURES_VERSION == 2
    assert block.first == 7
    assert span(data) == (0, 5)
    np.testing.assert_array_equal(block.rows.features, rows_of().features)
    assert len(data) - len(encode_predictions(rows_of(features=False), 7)) == 6 * LAYOUT.width + len(
        ',"width":24'
    )
    assert encode_predictions(rows_of(), bare=True)[3] == 1
    for damaged in (data[:-1], data + b"\0", data[:3] + b"\1" + data[4:], data[:3] + b"\3" + data[4:]):
        with pytest.raises(ValueError, match="block of predictions"):
            decode_block(damaged)


def golden():
    features = np.arange(12, dtype=np.uint8).reshape(2, 6)
    columns = [[1, 2], [3, 4], [5, 6], ["*", "*"], [0.25, 0.5]]
    arrays = [pa.array(column, f.type) for column, f in zip(columns, PREDICTIONS, strict=True)]
    schema = PREDICTIONS.append(pa.field(FEATURES, pa.binary(6)))
    return encode_predictions(
        Predictions.of(pa.record_batch([*arrays, as_column(features)], schema=schema)), 3
    )


def test_bytes_of_version_2():
    data = (DATA / "predictions_v2.bin").read_bytes()
    assert golden() == data
    rows = decode_block(data).rows
    assert (rows.high.tolist(), rows.score.tolist()) == ([1, 2], [0.25, 0.5])
    assert rows.features.tolist() == [list(range(6)), list(range(6, 12))]


def test_an_encoded_row_never_changes():
    """Rows wait in state: other bytes would be another format."""
    row = features_of(pa.record_batch({FEATURES: LAYOUT.encode(events(1))}))[0]
    assert row.tobytes().hex() == (DATA / "features_v1.hex").read_text().strip()


@pytest.mark.parametrize("before", [0, 2])
def test_features_go_through_the_join(before):
    """The first rows come from before there was a learner; a duplicate with other features loses."""
    n = 6
    old, new = rows_of(n, features=False), rows_of(n)
    twice = new.take(np.array([4]))
    twice.features[:, 4:] = 255
    labels = [range(n), range(n), range(n), [1.0] * n, [None] * n]
    labels = Labels.of(
        pa.record_batch([pa.array(c, f.type) for c, f in zip(labels, LABELS, strict=True)], schema=LABELS)
    )
    parts = [old.take(np.arange(before)), new.take(np.arange(before, n)), twice]
    arrived = [encode_predictions(part) for part in parts if len(part)]
    rule = MatchRule(10, 10)
    first = settle([], arrived, 100, MatchRule(1000, 10))  # all wait
    assert first.waiting == n
    found = settle(first.blocks, [encode_labels(labels)], 100, rule)
    assert found.duplicate_predictions + first.duplicate_predictions == 1
    rows = features_of(found.outcomes)
    np.testing.assert_array_equal(LAYOUT.ours(rows), np.arange(n) >= before)
    np.testing.assert_array_equal(rows[before:], new.features[before:])
    assert not rows[:before].any()


def test_the_order_of_arrival_does_not_choose_features():
    one, other = rows_of(1), rows_of(1)
    other.features[:, 4:] = 0
    label = pa.record_batch(
        [pa.array([v], f.type) for v, f in zip([0, 0, 0, 1.0, None], LABELS, strict=True)], schema=LABELS
    )
    chosen = []
    for parts in ([one, other], [other, one]):
        arrived = [encode_predictions(part) for part in parts] + [encode_labels(Labels.of(label))]
        chosen.append(features_of(settle([], arrived, 100, MatchRule(10, 10)).outcomes).tobytes())
    assert chosen[0] == chosen[1]
