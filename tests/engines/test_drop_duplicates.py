"""Duplicates are dropped exactly once on Flink, also when workers and task managers are killed meanwhile.

A source that says the same again after a restart, at the same pace, stands in for a log: every 200 ms it
sends 1,000 new rows, of which 100 are late, and 1,000 that were sent before, 200 ms or 2 s ago. Rows are
counted by slice with panes that accumulate: one row too many or too few shows in a slice's largest count.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows

from driftline.transforms.sources.drop_duplicates import DropDuplicates
from driftline.windows.slices import SliceLength
from tools.processes import wait_until

SECOND = 1_000_000
TICK = SECOND // 5
TICKS = 100
ROWS = 1_000
KEEP = 20 * SECOND


def new_rows(start, tick):
    """Times and ids of the rows first sent with this tick."""
    times = start + tick * TICK + np.arange(ROWS) * TICK // ROWS
    times[-ROWS // 10 :] -= 5 * SECOND // 2
    return times, np.arange(tick * ROWS, (tick + 1) * ROWS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def sent(start, tick):
    """A batch of new rows and rows sent again."""
    parts = [new_rows(start, tick)]
    for ago, rows in ((1, slice(None, 500)), (10, slice(500, None))):
        if tick >= ago:
            parts.append(tuple(column[rows] for column in new_rows(start, tick - ago)))
    times, ids = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return pa.record_batch({"time": times, "feature.x": np.zeros(len(ids)), "request": ids})


class Send(beam.DoFn):
    """The batch of a tick."""

    def __init__(self, start):
        self.start = start

    def process(self, _, at=beam.DoFn.TimestampParam):
        yield sent(self.start, (at.micros - self.start) // TICK)


class Count(beam.DoFn):
    """Rows of each slice, as times of slices."""

    def process(self, events):
        starts, rows = np.unique(events["time"].to_numpy() // SECOND, return_counts=True)
        for start, n in zip(starts.tolist(), rows.tolist(), strict=True):
            yield beam.window.TimestampedValue(("all", n), start + 0.999)


class Write(beam.DoFn):
    """Writes counts as names of files: a restart can write one twice and lose none."""

    def __init__(self, folder):
        self.folder = folder

    def process(self, element, window=beam.DoFn.WindowParam):
        name = f"{window.start.micros // SECOND}-{element[1]}-{uuid.uuid4().hex}"
        Path(self.folder, name).touch()


def counted(folder):
    counts = Counter()
    for path in folder.iterdir():
        start, n, _ = path.name.split("-")
        counts[int(start)] = max(counts[int(start)], int(n))
    return counts


def submit(flink, folder, start):
    pipeline = beam.Pipeline(options=PipelineOptions(flink.options()))
    _ = (
        pipeline
        | PeriodicImpulse(start / SECOND, (start + TICKS * TICK) / SECOND, TICK / SECOND)
        | beam.ParDo(Send(start)).with_output_types(pa.RecordBatch)
        | DropDuplicates(SliceLength(SECOND, SECOND), KEEP)
        | beam.ParDo(Count()).with_output_types(tuple[str, int])
        | beam.WindowInto(
            FixedWindows(1),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.ACCUMULATING,
            allowed_lateness=KEEP // SECOND,
        )
        | beam.CombinePerKey(sum)
        | beam.ParDo(Write(str(folder)))
    )
    return pipeline.run()


def test_each_request_counts_once_whatever_is_killed(flink, tmp_path):
    start = (time.time_ns() // 1000 // SECOND + 5) * SECOND
    result = submit(flink, tmp_path, start)
    try:
        wait_until(lambda: len(counted(tmp_path)) >= 5, 120, "the first counts")
        assert flink.kill_workers()
        seen = len(counted(tmp_path))
        wait_until(lambda: len(counted(tmp_path)) >= seen + 3, 120, "counts after workers were killed")
        flink.kill_task_manager()
        flink.start_task_manager()
        wait_until(lambda: _closed(counted(tmp_path), start) >= _wanted(start), 180, "all rows")
        time.sleep(3)  # for rows that should not come
    finally:
        result.cancel()
    assert _closed(counted(tmp_path), start) == _wanted(start)


def _wanted(start):
    wanted = Counter()
    for tick in range(TICKS):
        wanted.update((new_rows(start, tick)[0] // SECOND).tolist())
    return _closed(wanted, start)


def _closed(counts, start):
    """Without the last two slices: the source is never done on this runner, so that nothing closes them."""
    last = (start + TICKS * TICK) // SECOND - 2
    return Counter({slice_start: n for slice_start, n in counts.items() if slice_start < last})
