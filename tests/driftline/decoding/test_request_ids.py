"""128 bits of a request id: the same for the same id in whatever type, and what is no id is null."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from driftline.decoding.request_ids import request_hashes, request_keys
from driftline.outcomes import LABELS, PREDICTIONS
from driftline.outcomes.packed_rows import LABELS_TAG, PREDICTIONS_TAG, decode_block
from driftline.outcomes.shards import SHARDS, pack_by_shard, without_id


def keys(values, kind=None):
    high, low = request_keys(pa.array(values, kind))
    return list(zip(high.to_pylist(), low.to_pylist(), strict=True))


def test_it_never_changes():
    """These are in running state."""
    assert keys(["a", "5f2b8a1c-7d43-4e0f-9a6b-000000000000"]) == [
        (4993892634952068459, 12876521427489539521),
        (2804197001079761388, 15455978109766664637),
    ]
    assert keys(["x" * 1_000_000]) == [(3174005732708979002, 4362156987468166264)]
    assert SHARDS == 32


def test_no_id():
    assert keys(["", None, "a"], pa.string())[:2] == [(None, None)] * 2
    assert keys([None, None], pa.null()) == [(None, None)] * 2


def test_the_same_id_in_another_type():
    assert keys(["7"]) == keys([b"7"]) == keys([7]) == keys(["7"], pa.large_string())
    assert keys(["7", "8"], pa.dictionary(pa.int8(), pa.string())) == keys(["7", "8"])
    types = pa.array([0, 1, 0], pa.int8())
    union = pa.UnionArray.from_sparse(types, [pa.array(["a", "", "b"]), pa.array([0, 7, 0])])
    assert list(zip(*(half.to_pylist() for half in request_keys(union)), strict=True)) == keys(
        ["a", "7", "b"]
    )


def test_binary_uuids():
    ids = [uuid.UUID(int=n).bytes for n in range(1, 50)]
    assert len(set(keys(ids, pa.binary(16)))) == 49


@given(st.lists(st.none() | st.text(max_size=40), max_size=20), st.integers(0, 5))
def test_halves(values, skip):
    array = pa.array(values, pa.string())
    high, low = request_keys(array)
    assert high.equals(request_hashes(array))
    assert low.is_null().equals(high.is_null())
    assert [half.slice(skip).to_pylist() for half in (high, low)] == [
        half.to_pylist() for half in request_keys(array.slice(skip))
    ]


def test_both_halves_are_different_and_spread_over_all_values():
    high, low = (half.to_numpy() for half in request_keys(pa.array([f"id-{n}" for n in range(100_000)])))
    assert len(np.unique(high)) == len(np.unique(low)) == 100_000
    for half in (high, low):
        for shift in (0, 30, 59):
            counts = np.bincount((half >> np.uint64(shift) & np.uint64(31)).astype(int), minlength=32)
            assert abs(counts - 3125).max() < 6 * 3125**0.5
    agree = np.mean((high & np.uint64(1)) == (low & np.uint64(1)))
    assert abs(agree - 0.5) < 0.01


def test_shards_hold_every_row_once():
    ids = [*(f"{n}" for n in range(300)), None, ""]
    n = len(ids)
    columns = [*request_keys(pa.array(ids)), pa.array(range(n)), pa.array(["*"] * n), pa.array([0.5] * n)]
    named, nameless = without_id(pa.RecordBatch.from_arrays(columns, schema=PREDICTIONS))
    assert nameless["time"].to_pylist() == [300, 301]
    found = []
    for shard, first, block in pack_by_shard(named):
        assert block[:3] == PREDICTIONS_TAG
        rows = decode_block(block).rows
        assert set((rows.low % np.uint64(SHARDS)).tolist()) == {shard}
        assert first == rows.time.min()
        assert (np.diff(rows.time) > 0).all()
        found += rows.time.tolist()
    assert sorted(found) == list(range(300))
    assert not list(pack_by_shard(named.slice(0, 0)))
    assert without_id(named)[1].num_rows == 0


def test_labels_in_shards():
    columns = [*request_keys(pa.array(["a", "b"])), pa.array([1, 2]), pa.array([0.0, None], pa.float64())]
    batch = pa.RecordBatch.from_arrays([*columns, pa.array(["x", None])], schema=LABELS)
    blocks = [block for _, _, block in pack_by_shard(batch)]
    assert {block[:3] for block in blocks} == {LABELS_TAG}
    assert sorted(
        text for block in blocks for text in map(str, decode_block(block).rows.where.to_pylist())
    ) == [
        "None",
        "x",
    ]
