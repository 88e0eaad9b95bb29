"""Days of 23 and 25 hours, weeks and months on timelines: events and watermarks in UTC.

Clocks in Berlin are put on at 2026-03-29T01:00Z and back at 2026-10-25T01:00Z::

    UTC        28T23:00            29T01:00                      29T22:00
    Berlin     00:00               02:00 = 03:00                 24:00
    window     [--------------------- 23 hours ------------------]
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.utils.timestamp import Timestamp

from driftline.config import parse_config
from driftline.pipelines.monitor import judge_events
from driftline.tables import table_named
from driftline.tables.results import TABLE
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.transforms.times_of_rows import rows_in_utc
from driftline.windows.lateness import LateRule
from driftline.windows.slices import slice_length
from tests.transforms.spine.test_late_data import _keep
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

CONFIG = """
model: m
event_time: {column: t, unit: us}
timezone: Europe/Berlin
segments: [s]
features: {x: numeric, c: categorical}
windows: {size: %s, every: %s, allowed_lateness: 1h}
source: {files: {pattern: "*.parquet"}}
baseline: {path: %s}
tests: {min_n: 50}
"""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(text):
    return (datetime.fromisoformat(text + "+00:00") - EPOCH) // timedelta(microseconds=1)


def at(text, rows, calendar):
    batch = events([0] * rows, "A" * rows)
    times = calendar.to_line(np.full(rows, micros(text)))
    return batch.set_column(0, "time", pa.array(times))


@pytest.fixture(scope="module")
def baseline_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "baseline.avro"
    path.write_bytes(encoded_baseline(reference_events()))
    return str(path)


def run(steps, baseline_path, size="1d", every="1d", streaming=True):
    """Play (UTC time, rows) and watermarks (UTC) as sources do; give windows of `*` and `x` with n, pane."""
    config = parse_config(CONFIG % (size, every, baseline_path))
    calendar = config.calendar
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, str):
            stream = stream.advance_watermark_to(Timestamp(micros=calendar.on_line(micros(step))))
        else:
            batch = at(*step, calendar)
            when = Timestamp(micros=int(batch["time"][0].as_py()))
            stream = stream.add_elements([beam.window.TimestampedValue(batch, when)])
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
            batches = pipeline | stream.advance_watermark_to_infinity()
            source = BaselineSource(baseline_path)
            _ = judge_events(batches, config, source, streaming=streaming) | beam.Map(_keep, directory)
        emitted = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    rows = [row for batch in emitted for row in rows_in_utc(batch, TABLE, calendar).to_pylist()]
    return [
        (f"{row['window_start']:%m-%dT%H}", f"{row['window_end']:%m-%dT%H}", row["n"], row["pane"])
        for row in rows
        if row["segment"] == "*" and row["feature"] == "x"
    ]


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "behind"),
    [
        ("03-28T23", "03-29T22", "2026-03-28T23:00", "2026-03-29T21:59:59.999", "2026-03-29T22:00"),
        ("10-24T22", "10-25T23", "2026-10-24T22:00", "2026-10-25T22:59:59.999", "2026-10-25T23:00"),
    ],
    ids=["23 hours", "25 hours"],
)
def test_a_day_ends_when_it_ends_in_its_zone(start, end, first, last, behind, baseline_path):
    steps = [(first, 60), last, (last, 1), (behind, 70), f"{behind}:01", (first, 2), "2027-01-01T00:00"]
    rows = run(steps, baseline_path)
    assert [row for row in rows if row[0] == start] == [
        (start, end, 61, "on_time"),
        (start, end, 63, "late"),
    ]
    assert [row[2:] for row in rows if row[0] == end] == [(70, "on_time")]


@pytest.mark.parametrize("hour", ["2026-10-25T00:30", "2026-10-25T01:30"])  # 02:30 for both
def test_an_hour_that_comes_twice_counts_twice(hour, baseline_path):
    rows = run([("2026-10-24T22:00", 60), (hour, 5)], baseline_path)
    assert rows == [("10-24T22", "10-25T23", 65, "on_time")]


def test_sliding_windows_step_by_the_clock_of_the_zone(baseline_path):
    rows = run([("2026-03-29T04:30", 60)], baseline_path, size="1d", every="6h")  # 06:30 in Berlin
    assert [row[:2] for row in sorted(rows)] == [
        ("03-28T11", "03-29T10"),
        ("03-28T17", "03-29T16"),
        ("03-28T23", "03-29T22"),
        ("03-29T04", "03-30T04"),
    ]


@pytest.mark.parametrize("streaming", [True, False])
def test_weeks_and_months(baseline_path, streaming):
    steps = [("2026-03-29T21:59", 60), ("2026-03-29T22:00", 70)]
    weeks = run(steps, baseline_path, "1w", "1w", streaming)
    assert [row[:3] for row in sorted(weeks)] == [("03-22T23", "03-29T22", 60), ("03-29T22", "04-05T22", 70)]
    steps = [("2026-03-31T21:59", 60), ("2026-03-31T22:00", 70)]
    months = run(steps, baseline_path, "1mo", "1mo", streaming)
    assert [row[:3] for row in sorted(months)] == [("02-28T23", "03-31T22", 60), ("03-31T22", "04-30T22", 70)]


@pytest.mark.parametrize(
    "when", ["2026-03-28T23:00", "2026-03-29T21:59", "2026-10-25T00:30", "2026-10-25T22:59"]
)
def test_what_the_source_lets_through_reaches_its_window(when, baseline_path):
    config = parse_config(CONFIG % ("1d", "1d", baseline_path))
    windows, calendar = config.windows, config.calendar
    slice_ = slice_length(windows.every, streaming=True).slice
    rule = LateRule(windows.size, slice_, windows.allowed_lateness)
    row = calendar.to_line(np.array([micros(when)]))
    edge = (row // slice_ + 1) * slice_ + windows.size - slice_ + windows.allowed_lateness
    assert rule.too_late(row, edge - 1) == [False]
    assert rule.too_late(row, edge) == [True]
    last = datetime.fromtimestamp(calendar.in_utc(int(edge[0])) / 1e6 - 0.001, timezone.utc)
    rows = run([(when, 60), f"{last:%Y-%m-%dT%H:%M:%S.%f}"[:-3], (when, 1)], baseline_path)
    assert [row[2:] for row in rows] == [(60, "on_time"), (61, "late")]


def test_rows_are_named_by_their_times_in_utc(baseline_path):
    config = parse_config(CONFIG % ("1w", "1w", baseline_path))
    table = table_named("detections")
    line = config.calendar.on_line(micros("2026-03-30T10:00"))
    stamp = pa.timestamp("us", "UTC")
    arrays = {field.name: pa.nulls(1, field.type) for field in table.schema.arrow}
    arrays |= {name: pa.array(["x"]) for name in ("model", "segment", "signal", "detector", "row_id")}
    arrays |= {name: pa.array([line]).cast(stamp) for name in ("at", "emitted_at")}
    arrays["detected_at"] = pa.array([line + MINUTE]).cast(stamp)
    fields = [pa.field(field.name, arrays[field.name].type) for field in table.schema.arrow]
    rows = pa.RecordBatch.from_arrays([arrays[field.name] for field in fields], schema=pa.schema(fields))
    row = rows_in_utc(rows, table, config.calendar).to_pylist()[0]
    known = micros("2026-03-30T10:00")
    assert row["at"] == EPOCH + timedelta(microseconds=known)
    assert row["emitted_at"] == EPOCH + timedelta(microseconds=line)  # by the clock, not on the line
    assert row["row_id"] == table.row_id("x", "x", "x", "x", known, known + MINUTE)
