"""Windows, late rows and replays, on timelines of events and watermarks.

Windows are 30 minutes long, one every 15, allowed lateness 10 minutes::

    minute     0         15        30        45        60
    window     [--------- w0 ------]
                         [--------- w15 ------]
                                   [--------- w30 ------]
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
from apache_beam.utils.timestamp import Timestamp

from driftline.config import parse_config
from driftline.pipelines.monitor import judge_events
from driftline.tables import standing_rows
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.windows.lateness import LateRule
from driftline.windows.slices import slice_length
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

CONFIG = """
model: m
event_time: {column: t, unit: us}
segments: [s]
features: {x: numeric, c: categorical}
windows: {size: 30m, every: 15m, allowed_lateness: 10m}
source: {files: {pattern: "*.parquet"}}
baseline: {path: %s}
tests: {min_n: 50}
"""

PAUSE = object()


@pytest.fixture(scope="module")
def baseline_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "baseline.avro"
    path.write_bytes(encoded_baseline(reference_events()))
    return str(path)


def run(steps, baseline_path, streaming=True):
    """Play a timeline of batches, watermarks (minutes) and pauses on the clock; give every emitted row."""
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, pa.RecordBatch):
            at = Timestamp(micros=int(min(step["time"].to_numpy())))
            stream = stream.add_elements([beam.window.TimestampedValue(step, at)])
        elif step is PAUSE:
            # the clock of the stream begins in 1970, timers are set by that of the machine
            stream = stream.advance_processing_time(int(time.time()) + 60)
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=round(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    config = parse_config(CONFIG % baseline_path)
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
            results = pipeline | stream | "Judge" >> _Judge(config, baseline_path, streaming)
            _ = results | "Keep" >> beam.Map(_keep, directory)
        emitted = sorted(Path(directory).iterdir())
        return [row for path in emitted for row in RecordBatchCoder().decode(path.read_bytes()).to_pylist()]


def _keep(batch, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(batch))


class _Judge(beam.PTransform):
    def __init__(self, config, path, streaming):
        self.config, self.path, self.streaming = config, path, streaming

    def expand(self, batches):
        return judge_events(batches, self.config, BaselineSource(self.path), streaming=self.streaming)


def of(rows, *, segment="*", feature="x", start=None):
    return [
        row
        for row in rows
        if row["segment"] == segment
        and row["feature"] == feature
        and (start is None or row["window_start"].timestamp() == start * 60)
    ]


def test_a_row_counts_in_both_sliding_windows_it_belongs_to(baseline_path):
    rows = run([events([20] * 60, "A" * 60), 60], baseline_path)
    assert {row["window_start"].timestamp() // 60: row["n"] for row in of(rows)} == {0: 60, 15: 60}


def test_late_rows_correct_a_reported_window_under_the_same_row_id(baseline_path):
    early, late = events([20] * 60, "A" * 60), events([21] * 5, "AABBB")
    rows = of(run([early, 31, late, 60], baseline_path), start=0)
    assert [(row["n"], row["pane"], row["pane_index"]) for row in rows] == [
        (60, "on_time", 0),
        (65, "late", 1),
    ]
    assert len({row["row_id"] for row in rows}) == 1


def test_late_rows_of_some_seconds_are_settled_together(baseline_path):
    early, late = events([20] * 60, "A" * 60), [events([21] * n, "A" * n) for n in (1, 2, 4, 8)]
    rows = of(run([early, 31, *late[:3], PAUSE, late[3], PAUSE, 60], baseline_path), start=0)
    assert [(row["n"], row["pane"], row["pane_index"]) for row in rows] == [
        (60, "on_time", 0),
        (67, "late", 1),
        (75, "late", 2),
    ]


def test_late_rows_that_still_wait_are_said_before_their_window_is_forgotten(baseline_path):
    early, late = events([20] * 60, "A" * 60), [events([21] * n, "A" * n) for n in (1, 2)]
    rows = of(run([early, 31, late[0], PAUSE, late[1], 200], baseline_path), start=0)
    assert [row["n"] for row in rows] == [60, 61, 63]


@pytest.mark.parametrize("minute", [20.999, 15, 29.999, 0])
@pytest.mark.parametrize("on_the_way", [-1_000, 9_000_000], ids=["just let through", "seconds on the way"])
def test_what_the_source_lets_through_reaches_all_of_its_windows(baseline_path, minute, on_the_way):
    slice_ = slice_length(15 * MINUTE, streaming=True).slice
    rule = LateRule(30 * MINUTE, slice_, 10 * MINUTE)
    late = events([minute], "A")
    times = late["time"].to_numpy()
    edge = (times // slice_ + 1) * slice_ + 40 * MINUTE - slice_
    assert rule.too_late(times, edge - 1) == [False]
    assert rule.too_late(times, edge) == [True]
    period = minute // 15 * 15
    early = events([period + 7] * 60, "A" * 60)
    rows = run([early, (edge[0] + on_the_way) / MINUTE, late, 300], baseline_path)
    for start in (period - 15, period):
        assert [row["n"] for row in of(rows, start=start)] == [60, 61]


def test_late_rows_add_a_segment_that_had_no_data(baseline_path):
    rows = run([events([20] * 60, "A" * 60), 31, events([21] * 5, "B" * 5), 60], baseline_path)
    b = of(rows, segment="s=B", start=0)
    assert [(row["status"], row["n"]) for row in b] == [("no_data", 0), ("insufficient", 5)]


def test_what_stands_after_late_rows_is_what_one_pass_would_have_said(baseline_path):
    early, late = events([20] * 60, "A" * 60), events([21] * 80, "AB" * 40)
    corrected = run([early, 31, late, 60], baseline_path)
    at_once = run([early, late, 60], baseline_path)
    assert decided(corrected) == decided(at_once)


def decided(rows):
    table = standing_rows(pa.Table.from_pylist(rows))
    return table.drop_columns(["emitted_at", "pane", "pane_index"]).sort_by("row_id").to_pylist()


def test_every_baseline_segment_and_feature_has_a_row_in_a_window_with_any_data(baseline_path):
    rows = run([events([1, 8, 12, 17, 26] * 12, "A" * 60), 60], baseline_path)
    first = [row for row in rows if row["window_start"].timestamp() == 0]
    assert {(row["segment"], row["feature"], row["status"]) for row in first} == {
        ("*", "x", "ok"),
        ("*", "c", "ok"),
        ("s=A", "x", "ok"),
        ("s=A", "c", "ok"),
        ("s=B", "x", "no_data"),
        ("s=B", "c", "no_data"),
    }


def test_a_window_that_is_mostly_empty_is_partial(baseline_path):
    rows = run([events([5] * 60, "A" * 60), 60], baseline_path)
    assert [(row["status"], row["coverage"], row["drifted"]) for row in of(rows, start=0)] == [
        ("partial", 0.125, None)
    ]


def test_a_segment_the_baseline_does_not_know_is_counted_as_other(baseline_path):
    rows = run([events([5] * 60, "Z" * 60), 60], baseline_path)
    other = of(rows, segment="(other)", start=0)
    assert [(row["n"], row["status"], row["p_value"]) for row in other] == [(60, "no_baseline", None)]


def test_replaying_the_same_timeline_gives_the_same_rows(baseline_path):
    timeline = [events([20] * 60, "AB" * 30), 31, events([22] * 3, "ABA"), 60]
    assert decided(run(timeline, baseline_path)) == decided(run(timeline, baseline_path))


def test_slices_of_seconds_and_of_a_period_give_the_same_results(baseline_path):
    batch = events([1, 7, 14, 16, 29] * 20, "AB" * 50)
    fine, coarse = run([batch, 60], baseline_path), run([batch, 60], baseline_path, streaming=False)
    assert [(row["row_id"], row["n"], row["ks"], row["psi"], row["coverage"]) for row in decided(fine)] == [
        (row["row_id"], row["n"], row["ks"], row["psi"], row["coverage"]) for row in decided(coarse)
    ]
