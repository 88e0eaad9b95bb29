"""Duplicates on timelines of batches and watermarks: dropped and counted, whenever they come.

Slices are 1 minute long and can receive rows until 40 minutes after their end (size 30, lateness 11)::

    minute     0    1                                  41   42
    slice      [-s0-]
    s0's rows  |------------ accepted ------------------|
    s0's ids   |------------ kept ---------------------------|
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.streaming.duplicates import decode_ids
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import DUPLICATES, TALLY, counts_of
from driftline.transforms.sources.drop_duplicates import MOST_RUNS, DropDuplicates, DropSeen, ShardEvents
from driftline.windows.slices import SliceLength

MINUTE = 60_000_000
LENGTH = SliceLength(MINUTE, MINUTE)
KEEP = 40 * MINUTE


def batch(minute, ids, first=0):
    """One row an id, all at this minute, numbered from `first`."""
    return pa.record_batch(
        {
            "time": pa.array([int(minute * MINUTE)] * len(ids), pa.int64()),
            "number": pa.array(range(first, first + len(ids)), pa.int64()),
            "request": pa.array(ids, pa.uint64()),
        }
    )


def run(steps):
    """Play batches and watermarks (minutes); give the numbers of the rows kept, and how many were dropped."""
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, pa.RecordBatch):
            at = Timestamp(micros=int(min(step["time"].to_numpy())))
            stream = stream.add_elements([beam.window.TimestampedValue(step, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        TALLY.clear()  # this runner's own counters miss bundles
        with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
            kept = pipeline | stream | DropDuplicates(LENGTH, KEEP)
            _ = kept | beam.Map(_keep, directory)
        batches = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    assert all(rows.schema.names == ["time", "number"] for rows in batches)
    numbers = sorted(number for rows in batches for number in rows["number"].to_pylist())
    return numbers, TALLY.snapshot().get(DUPLICATES, 0)


def _keep(rows, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(rows))


def test_in_the_same_batch():
    assert run([batch(0.2, [1, 2, 1, 17, 1])]) == ([0, 1, 3], 2)


def test_in_a_later_bundle():
    assert run([batch(0.2, [1, 2]), 0.4, batch(0.2, [2, 3], 2), 0.9]) == ([0, 1, 3], 1)


def test_after_the_slice_has_closed_on_time():
    assert run([batch(0.2, [1, 2]), 10, batch(0.2, [2, 3], 2), 20, batch(0.2, [3, 1], 4)]) == ([0, 1, 3], 3)


def test_as_late_as_a_row_can_be_accepted():
    assert run([batch(0.2, [1]), 41, batch(0.2, [1], 1)]) == ([0], 1)
    assert run([batch(0.2, [1]), 41.9, batch(0.2, [1], 1)]) == ([0], 1)


def test_forgotten_when_no_row_can_be_accepted_any_more():
    """The source accepts no such row; were it to, state must be free of it all the same."""
    assert run([batch(0.2, [1]), 42.1, batch(0.2, [1], 1), 43, batch(0.2, [1], 2)]) == ([0, 1, 2], 0)


def test_the_same_id_in_another_slice_is_another_event():
    assert run([batch(0.2, [1]), batch(1.2, [1], 1), batch(1.2, [1], 2)]) == ([0, 1], 1)


def test_rows_without_an_id_are_never_duplicates():
    assert run([batch(0.2, [None, None, 1]), 5, batch(0.2, [None, 1, 0], 3)]) == ([0, 1, 2, 3, 5], 1)


def test_more_batches_than_a_bag_takes(monkeypatch):
    monkeypatch.setattr("driftline.transforms.sources.drop_duplicates.MOST_RUNS", 2)
    rounds = 15  # fills both bags: 3 batches make an older run, 3 older runs are joined
    steps = [batch(0.2, [16 * n, 16 * (n // 2), 16 * (n // 9)], 3 * n) for n in range(rounds)]
    assert run(steps) == ([3 * n for n in range(rounds)], 2 * rounds)


def test_events_leave_when_their_slice_ends_and_do_not_hold_back_the_watermark():
    """Downstream a fixed window of the slice gets all rows on time, and fires while ids are still kept."""
    stream = (
        TestStream(coder=RecordBatchCoder())
        .add_elements([beam.window.TimestampedValue(batch(0.2, [1, 2, 3]), Timestamp(12))])
        .advance_watermark_to(Timestamp(60))
        .add_elements([beam.window.TimestampedValue(batch(1.2, [1]), Timestamp(72))])
        .advance_watermark_to_infinity()
    )
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
        rows = (
            pipeline
            | stream
            | DropDuplicates(LENGTH, KEEP)
            | beam.Map(lambda events: ("all", events.num_rows))
            | beam.WindowInto(beam.window.FixedWindows(60))
            | beam.CombinePerKey(sum)
            | beam.Map(lambda kv, at=beam.DoFn.TimestampParam: (kv[1], at.micros))
        )
        assert_that(rows, equal_to([(3, MINUTE - 1), (1, 2 * MINUTE - 1)]))


def test_bounded_input_on_the_batch_runner():
    batches = [batch(0.2, [1, 2]), batch(1.2, [1], 2), batch(0.4, [2, 5], 3)]
    pipeline = beam.Pipeline("FnApiRunner")
    rows = (
        pipeline
        | beam.Create(batches)
        | DropDuplicates(LENGTH, KEEP)
        | beam.Map(lambda events: events.num_rows)
        | beam.CombineGlobally(sum)
    )
    assert_that(rows, equal_to([4]))
    result = pipeline.run()
    assert counts_of(result) == {DUPLICATES: 1}


def test_a_bundle_makes_one_element_a_shard_and_slice():
    shard = ShardEvents(MINUTE)
    shard.start_bundle()
    for number in range(50):
        assert not list(shard.process(batch(0.2 + number % 2, [16, 32, 5], 3 * number)))
    elements = list(shard.finish_bundle())
    assert {(e.value[0], e.value[1].num_rows) for e in elements} == {
        ((0, 0), 50),
        ((1, 0), 25),
        ((0, MINUTE), 50),
        ((1, MINUTE), 25),
    }
    assert {(e.value[0][1], e.timestamp.micros) for e in elements} == {
        (0, MINUTE - 1000),
        (MINUTE, 2 * MINUTE - 1000),
    }
    assert not list(shard.finish_bundle())


def test_a_full_buffer_does_not_wait_for_the_end_of_the_bundle(monkeypatch):
    monkeypatch.setattr(ShardEvents, "MOST_ROWS", 4)
    shard = ShardEvents(MINUTE)
    shard.start_bundle()
    assert not list(shard.process(batch(0.2, [16, 32])))
    (element,) = shard.process(batch(0.2, [48, 64], 2))
    assert element.value[1]["number"].to_pylist() == [0, 1, 2, 3]


class Bag:
    def __init__(self):
        self.values, self.written = [], 0

    def read(self):
        return list(self.values)

    def add(self, value):
        self.values.append(value)
        self.written += len(value)

    def clear(self):
        self.values = []


class Timer:
    def set(self, at):
        self.at = at


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 1), st.none() | st.integers(0, 30)), max_size=12), max_size=20
    ),
    st.lists(st.integers(1, 5), min_size=1),
)
def test_any_batches_in_any_bundles_keep_the_first_row_of_each_id_and_slice(batches, bundles):
    shard, drop = ShardEvents(MINUTE), DropSeen(MINUTE)
    state, kept, wanted, seen, number = {}, [], [], set(), 0
    shard.start_bundle()
    for index, rows in enumerate(batches):
        elements = []
        for minute, request in rows:
            if request is None or (minute, request) not in seen:
                wanted.append(number)
            seen.add((minute, request))
            elements += shard.process(batch(minute + 0.5, [request], number))
            number += 1
        if index % bundles[index % len(bundles)] == 0 or index == len(batches) - 1:
            elements += shard.finish_bundle()
            shard.start_bundle()
        for element in elements:
            bags = state.setdefault(element.value[0], (Bag(), Bag()))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("driftline.transforms.sources.drop_duplicates.MOST_RUNS", 2)
                kept += [
                    n
                    for out in drop.process(element.value, *bags, Timer())
                    for n in out["number"].to_pylist()
                ]
    assert sorted(kept) == wanted
    for bags in state.values():
        ids = [i for bag in bags for data in bag.values for i in decode_ids(data).tolist()]
        assert len(ids) == len(set(ids))


def test_state_holds_eight_bytes_an_id_in_few_runs():
    recent, older, timer, drop = Bag(), Bag(), Timer(), DropSeen(42 * MINUTE)
    for number in range(1_000):
        element = ((0, 3 * MINUTE), batch(3.1, range(number * 10, number * 10 + 20)))
        (kept,) = drop.process(element, recent, older, timer)
        assert kept.num_rows == (20 if number == 0 else 10)
        assert len(recent.values) <= MOST_RUNS
        assert len(older.values) <= MOST_RUNS
    held = [*recent.values, *older.values]
    assert sum(map(len, held)) == 8 * 10_010 + 8 * len(held)
    assert recent.written + older.written < 6 * sum(map(len, held))
    assert timer.at == Timestamp(micros=45 * MINUTE)
    drop.forget(recent, older)
    assert recent.values == older.values == []


def test_nothing_is_kept_for_rows_without_an_id():
    recent, older, timer = Bag(), Bag(), Timer()
    (kept,) = DropSeen(MINUTE).process(((0, 0), batch(0.2, [None, None])), recent, older, timer)
    assert kept.num_rows == 2
    assert recent.values == older.values == []
    assert not hasattr(timer, "at")


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"\x00" + data])
def test_damaged_state_is_an_error_and_not_a_guess(damage):
    recent, older, timer, drop = Bag(), Bag(), Timer(), DropSeen(MINUTE)
    list(drop.process(((0, 0), batch(0.2, [16])), recent, older, timer))
    recent.values = [damage(data) for data in recent.values]
    with pytest.raises(ValueError, match="set of request ids"):
        list(drop.process(((0, 0), batch(0.2, [16])), recent, older, timer))
