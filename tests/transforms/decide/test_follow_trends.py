"""Trends on a stream: in order whatever comes when, late corrections within the lateness."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.coders import BytesCoder
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from driftline.baseline import decode_baseline
from driftline.config.budgets import AlarmBudget
from driftline.judging import judge
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.tables.trends import TREND
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY
from driftline.transforms.decide.follow_trends import LATE, Trends
from driftline.transforms.spine.baseline_source import BaselineSource
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

SIZE = 30
BUDGET = AlarmBudget(1.0, "week")


@cache
def built():
    data = encoded_baseline(reference_events(windows=60), every=SIZE)
    return data, decode_baseline(data, "b")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("trends") / "b.avro"
    path.write_bytes(built()[0])
    return BaselineSource(str(path))


def results(window, rows=300, shift=0.0):
    """Result rows of all traffic in one window."""
    rng = np.random.default_rng(window)
    batch = events(
        np.full(rows, window * SIZE + 1),
        ["A"] * rows,
        rng.normal(size=rows) + shift,
        rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]),
    )
    known, place = built()[1], (window * SIZE * MINUTE, (window + 1) * SIZE * MINUTE)
    found = []
    for part in profile_events(batch, known.layout, None, SIZE * MINUTE):
        of = known.layout.part(part.part)
        found.append(judge(decode_profile(part.profile), "*", of, place, baseline=known, min_n=50)["results"])
    return pa.Table.from_batches(found).combine_chunks().to_batches()[0]


def _keep(rows, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(rows))


def run(source, steps, lateness=10 * MINUTE):
    """Play (window, rows, shift) or watermark in minutes; give trend rows without the time of emission."""
    stream = TestStream(coder=BytesCoder())
    for step in steps:
        if isinstance(step, tuple):
            rows = RecordBatchCoder().encode(results(*step))
            at = Timestamp(micros=(step[0] + 1) * SIZE * MINUTE)
            stream = stream.add_elements([TimestampedValue(rows, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        TALLY.clear()
        with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
            rows = pipeline | stream | beam.Map(RecordBatchCoder().decode) | Trends(source, BUDGET, lateness)
            _ = rows | beam.Map(_keep, directory)
        batches = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    assert all(batch.schema == TREND.arrow for batch in batches)
    return [row | {"emitted_at": None} for batch in batches for row in batch.to_pylist()]


def in_order(rows):
    return sorted(rows, key=lambda row: (row["feature"], row["window_start"]))


SHIFTED = [(window, 300, 0.3 * (window >= 6)) for window in range(14)]


def sorted_steps():
    steps = []
    for step in SHIFTED:
        steps += [step, (step[0] + 1) * SIZE + 1]
    return steps


def test_a_shift_is_told_since_when_and_how_far(source):
    rows = run(source, sorted_steps())
    assert len(rows) == 28
    alarms = [row for row in in_order(rows) if row["alarm"]]
    assert {row["feature"] for row in alarms} == {"x"}
    first = alarms[0]
    assert first["window_start"].timestamp() / 60 / SIZE in {7, 8}
    assert first["alarm_since"] == first["window_end"]
    assert first["change"].startswith("shift +0.")
    limit = BUDGET.in_time(SIZE * MINUTE) / 6  # two features of three segments
    assert [row["limit"] for row in rows] == pytest.approx([limit] * 28)
    assert {row["baseline_version"] for row in rows} == {built()[1].version}


def test_the_order_within_the_lateness_does_not_matter(source):
    rng = np.random.default_rng(1)
    arrival = np.array([(window + 1) * SIZE + int(rng.uniform(0, 90)) for window, *_ in SHIFTED])
    steps = []
    for at in np.argsort(arrival):
        steps += [SHIFTED[at], arrival[at]]
    late = run(source, steps, lateness=90 * MINUTE)
    assert in_order(late) == in_order(run(source, sorted_steps()))
    assert LATE not in TALLY.snapshot()


def test_a_window_that_is_corrected_counts_once_with_all_its_rows(source):
    steps = sorted_steps()
    partial = [(window, 100, shift) if window == 7 else (window, n, shift) for window, n, shift in SHIFTED]
    corrected = []
    for step in partial:
        corrected += [step, (step[0] + 1) * SIZE + 1]
        if step[0] == 7:
            corrected += [SHIFTED[7]]  # within the lateness
    assert in_order(run(source, corrected)) == in_order(run(source, steps))
    corrected += [(9, 400, 5.0)]  # behind it: followed already
    assert in_order(run(source, corrected)) == in_order(run(source, steps))


def test_a_window_behind_the_lateness_is_counted(source):
    steps = [step for step in sorted_steps() if step != SHIFTED[3]] + [SHIFTED[3]]
    rows = run(source, steps)
    assert TALLY.snapshot()[LATE] == 4  # two features, two statistics each
    assert len(rows) == 26


def test_bounded_input_is_followed_as_a_whole(source, tmp_path):
    with beam.Pipeline("BundleBasedDirectRunner") as pipeline:
        rows = (
            pipeline | beam.Create([results(*step) for step in SHIFTED[::-1]]) | Trends(source, BUDGET, None)
        )
        _ = rows | beam.Map(_keep, str(tmp_path))
    found = [
        row | {"emitted_at": None}
        for path in tmp_path.iterdir()
        for row in RecordBatchCoder().decode(path.read_bytes()).to_pylist()
    ]
    assert in_order(found) == in_order(run(source, sorted_steps()))
