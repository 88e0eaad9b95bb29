"""Who came first, in any order and any batches; and what is kept in state."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.streaming.duplicates import (
    IDS_VERSION,
    SHARDS,
    decode_ids,
    drop_seen,
    encode_ids,
    merge_runs,
    shard_events,
)

DATA = Path(__file__).parent / "data"
SLICE = 100
MOST = 2**64 - 1


def batch(rows, numbers=None):
    """Rows of (time, id or None), numbered in the order they came."""
    numbers = range(len(rows)) if numbers is None else numbers
    return pa.record_batch(
        {
            "time": pa.array([time for time, _ in rows], pa.int64()),
            "number": pa.array(numbers, pa.int64()),
            "request": pa.array([request for _, request in rows], pa.uint64()),
        }
    )


rows_of_events = st.lists(
    st.tuples(
        st.integers(-2 * SLICE, 3 * SLICE),
        st.none() | st.integers(0, 40) | st.sampled_from([MOST, MOST - 1, 2**63, SHARDS, 2 * SHARDS]),
    ),
    max_size=80,
)


@given(rows_of_events)
def test_shards_hold_every_row_once_in_order_and_ids_decide_where(rows):
    found = []
    for shard, start, events in shard_events(batch(rows), SLICE):
        numbers = events["number"].to_pylist()
        assert numbers == sorted(numbers)
        found += numbers
        for time, request in zip(events["time"].to_pylist(), events["request"].to_pylist(), strict=True):
            assert start <= time < start + SLICE
            assert request is None or request % SHARDS == shard
    assert sorted(found) == list(range(len(rows)))
    keys = [(shard, start) for shard, start, _ in shard_events(batch(rows), SLICE)]
    assert len(set(keys)) == len(keys)


def test_rows_without_an_id_do_not_pile_up_in_one_shard():
    sizes = [events.num_rows for _, _, events in shard_events(batch([(0, None)] * 160), SLICE)]
    assert sizes == [160 // SHARDS] * SHARDS


def test_slices_far_apart():
    day = 86_400_000_000
    times = [-62_135_596_800_000_000, 0, 253_402_300_799_999_999]
    starts = sorted(start for _, start, _ in shard_events(batch([(t, 1) for t in times]), day))
    assert starts == [t // day * day for t in times]


@settings(max_examples=200, deadline=None)
@given(rows_of_events, st.lists(st.integers(0, 80), max_size=6), st.integers(1, 4))
def test_any_batching_keeps_exactly_the_first_row_of_each_id_and_slice(rows, cuts, most_runs):
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    state, kept = {}, []
    for begin, end in pairwise(bounds):
        for shard, start, events in shard_events(batch(rows[begin:end], range(begin, end)), SLICE):
            known = state.setdefault((shard, start), [])
            unique, new = drop_seen(events, [decode_ids(data) for data in known])
            assert unique.schema.names == ["time", "number"]
            if len(new):
                known.append(encode_ids(new))
            if len(known) > most_runs:
                known[:] = [encode_ids(merge_runs([decode_ids(data) for data in known]))]
            kept += unique["number"].to_pylist()
    seen, wanted = set(), []
    for number, (time, request) in enumerate(rows):
        if request is None or (time // SLICE, request) not in seen:
            wanted.append(number)
        seen.add((time // SLICE, request))
    assert sorted(kept) == wanted
    for known in state.values():
        ids = [i for data in known for i in decode_ids(data).tolist()]
        assert len(ids) == len(set(ids))


def test_rows_pass_as_they_are_if_none_is_a_duplicate():
    events = batch([(0, 3), (1, 1), (2, None)])
    kept, new = drop_seen(events, [np.array([2, 4], np.uint64)])
    assert kept.equals(events.select(["time", "number"]))
    assert new.tolist() == [1, 3]


def test_state_of_version_1_is_read():
    ids = [0, 1, 2**32, 2**63, MOST]
    assert decode_ids((DATA / "request_ids_v1.bin").read_bytes()).tolist() == ids
    assert encode_ids(np.array(ids, np.uint64)) == (DATA / "request_ids_v1.bin").read_bytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a set of request ids"),
        (b"dlx" + encode_ids(np.array([1], np.uint64))[3:], "not a set of request ids"),
        (b"dri" + bytes([IDS_VERSION + 1]) + encode_ids(np.array([1], np.uint64))[4:], "upgrade driftline"),
        (encode_ids(np.array([1, 2], np.uint64))[:-1], "cut short"),
        (encode_ids(np.array([1, 2], np.uint64)) + b"x", "cut short"),
        (encode_ids(np.array([], np.uint64)), "cut short"),
    ],
)
def test_bytes_that_are_no_ids_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode_ids(data)
