"""Packed rows: what goes in comes out, in few bytes, and bytes of version 1 can always be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.outcomes.packed_rows import (
    BLOCK_VERSION,
    LABELS_TAG,
    PREDICTIONS_TAG,
    Marks,
    decode_block,
    encode_labels,
    encode_marks,
    encode_predictions,
    first_time,
    span,
)
from driftline.outcomes.row_arrays import Labels, Predictions, Status
from driftline.outcomes.shard_ledger import ShardLedger
from driftline.outcomes.waiting import split

DATA = Path(__file__).parent / "data"

uint64 = st.integers(0, 2**64 - 1)
times = st.integers(-(2**61), 2**61) | st.integers(0, 1000)
numbers = st.floats(allow_nan=False)


def predictions(rows, status=0):
    """(high, low, time, score, segment) as predictions."""
    names = sorted({row[4] for row in rows} | {"never used"})
    code = {name: number for number, name in enumerate(names)}
    columns = list(zip(*rows, strict=True))
    return Predictions(
        np.array(columns[0], np.uint64),
        np.array(columns[1], np.uint64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.float64),
        np.array([code[name] for name in columns[4]], np.int32),
        tuple(names),
        np.full(len(rows), status, np.uint8),
    )


def labels(rows, status=0):
    """(high, low, time, label, where) as labels."""
    columns = list(zip(*rows, strict=True))
    return Labels(
        np.array(columns[0], np.uint64),
        np.array(columns[1], np.uint64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.float64),
        pa.array(columns[4], pa.string()),
        np.full(len(rows), status, np.uint8),
    )


def listed(rows):
    """Back to rows."""
    fourth = rows.score if isinstance(rows, Predictions) else rows.label
    fifth = rows.segments() if isinstance(rows, Predictions) else rows.where
    columns = [rows.high, rows.low, rows.time, fourth]
    return list(zip(*(column.tolist() for column in columns), fifth.to_pylist(), strict=True))


prediction = st.tuples(uint64, uint64, times, numbers, st.text(max_size=3))
label = st.tuples(uint64, uint64, times, numbers, st.none() | st.text(max_size=20))


@given(st.lists(prediction, min_size=1, max_size=20), st.sampled_from([0, 1]), st.integers(0, 9))
def test_predictions_come_back(rows, status, first):
    block = decode_block(encode_predictions(predictions(rows, status), first))
    assert (block.first, listed(block.rows)) == (first, rows)
    assert block.rows.status.tolist() == [status] * len(rows)
    assert "never used" not in block.rows.names


@given(st.lists(label, min_size=1, max_size=20), st.sampled_from([0, 4]), st.integers(0, 9))
def test_labels_come_back(rows, status, first):
    block = decode_block(encode_labels(labels(rows, status), first))
    assert (block.first, listed(block.rows)) == (first, rows)
    assert block.rows.status.tolist() == [status] * len(rows)


@given(st.lists(prediction, min_size=1, max_size=20), st.lists(label, min_size=1, max_size=20), times)
def test_parted_by_time(some, own, time):
    for rows, block in ((some, encode_predictions(predictions(some))), (own, encode_labels(labels(own)))):
        assert first_time(block) == min(row[2] for row in rows)
        near, far = (listed(decode_block(part).rows) if part else [] for part in split(block, time))
        assert near == [row for row in rows if row[2] < time]
        assert far == [row for row in rows if row[2] >= time]


@given(st.lists(st.lists(prediction, min_size=1, max_size=5), max_size=4))
def test_joined_rows_keep_their_segments(parts):
    joined = Predictions.concatenate([predictions(rows) for rows in parts])
    assert listed(joined) == [row for rows in parts for row in rows]
    assert list(joined.names) == sorted(joined.names)


def test_a_bare_prediction_keeps_what_duplicates_need():
    rows = predictions([(1, 2, 3, 0.5, "*"), (4, 5, 6, 0.5, "*")], Status.MATCHED)
    block = decode_block(encode_predictions(rows, bare=True)).rows
    assert (block.high.tolist(), block.low.tolist(), block.time.tolist()) == ([1, 4], [2, 5], [3, 6])
    assert block.status.tolist() == [2, 2]


def test_more_segments_than_a_byte_or_two_can_tell():
    for n in (256, 257, 65_537):
        rows = predictions([(1, 2, 3, 0.5, f"{number:05}") for number in range(n)])
        assert decode_block(encode_predictions(rows)).rows.segments().equals(rows.segments())


def test_bytes_a_row():
    n = 10_000
    many = [(i, i, i * 1000, 0.5, "*") for i in range(n)]
    assert len(encode_predictions(predictions(many))) / n == pytest.approx(29, abs=0.1)
    assert len(encode_predictions(predictions(many, 2), bare=True)) / n == pytest.approx(21, abs=0.1)
    assert len(encode_labels(labels([(*row[:4], None) for row in many]))) / n == pytest.approx(28, abs=0.1)
    assert len(encode_marks(LABELS_TAG, np.arange(n), np.ones(n, np.uint8))) / n == pytest.approx(5, abs=0.1)


def test_bytes_of_version_1():
    assert BLOCK_VERSION == ShardLedger.VERSION == 1
    block = decode_block((DATA / "predictions_v1.bin").read_bytes())
    assert block.first == 7
    assert listed(block.rows) == [
        (2**64 - 1, 1, -5, 0.25, "s=b"),
        (2, 3, 1_700_000_000_000_000, 1e300, "*"),
        (2, 3, 0, 0.5, "s=b"),
    ]
    assert block.rows.status.tolist() == [1, 1, 1]
    block = decode_block((DATA / "bare_predictions_v1.bin").read_bytes())
    assert (block.rows.high.tolist(), block.rows.low.tolist()) == ([9, 8], [7, 6])
    assert block.rows.time.tolist() == [1_700_000_000_000_000, 1_700_000_000_000_001]
    assert block.rows.status.tolist() == [2, 3]
    block = decode_block((DATA / "labels_v1.bin").read_bytes())
    assert listed(block.rows) == [(1, 2, 1_700_000_000_000_000, 1.0, "labels-0@12"), (3, 4, 5, -2.5, None)]
    assert block.rows.status.tolist() == [4, 4]
    marks = decode_block((DATA / "marks_v1.bin").read_bytes())
    assert isinstance(marks, Marks)
    assert marks.side == PREDICTIONS_TAG
    assert (marks.number.tolist(), marks.status.tolist()) == ([0, 2**32 - 1], [2, 3])
    ledger = ShardLedger.from_bytes((DATA / "ledger_v1.bin").read_bytes())
    assert ledger == ShardLedger(cut=-3, due=4, horizon=None, later=2**60)


def golden():
    """What wrote the files of version 1, by name."""
    rows = [
        (2**64 - 1, 1, -5, 0.25, "s=b"),
        (2, 3, 1_700_000_000_000_000, 1e300, "*"),
        (2, 3, 0, 0.5, "s=b"),
    ]
    bare = predictions([(9, 7, 1_700_000_000_000_000, 0, ""), (8, 6, 1_700_000_000_000_001, 0, "")])
    bare = bare.with_status(np.array([2, 3], np.uint8))
    own = [(1, 2, 1_700_000_000_000_000, 1.0, "labels-0@12"), (3, 4, 5, -2.5, None)]
    marks = encode_marks(PREDICTIONS_TAG, np.array([0, 2**32 - 1]), np.array([2, 3], np.uint8))
    return {
        "predictions": encode_predictions(predictions(rows, 1), 7),
        "bare_predictions": encode_predictions(bare, bare=True),
        "labels": encode_labels(labels(own, 4)),
        "marks": marks,
        "ledger": ShardLedger(-3, 4, None, 2**60).to_bytes(),
    }


def test_version_1_is_still_what_is_written():
    for name, data in golden().items():
        assert data == (DATA / f"{name}_v1.bin").read_bytes(), name


@pytest.mark.parametrize("name", ["predictions", "bare_predictions", "labels", "marks", "ledger"])
def test_damaged_bytes_are_an_error(name):
    data = golden()[name]
    decode = ShardLedger.from_bytes if name == "ledger" else decode_block
    for damaged in (data[:-1], data + b"\x00", data[:3] + b"\x02" + data[4:], b"xyz" + data[3:], b""):
        with pytest.raises(ValueError, match=r"block of|ledger of"):
            decode(damaged)
    if name in {"predictions", "labels"}:
        with pytest.raises(ValueError, match="block of"):
            span(b"xyz" + data[3:])
