"""Trends of performance on a stream: followed once labels are in, whatever came when."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from driftline.config.budgets import AlarmBudget
from driftline.tables.trends import OF_PERFORMANCE, TREND
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY
from driftline.transforms.decide.follow_trends import LATE, Trends
from driftline.transforms.outcomes.monitor_performance import PERFORMANCE_TOO_LATE, MonitorPerformance
from driftline.transforms.outcomes.performance_references import BaselineReferences
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.trends import performance_windows
from tests.driftline.performance.outcome_rows import outcomes, predictions
from tests.driftline.trends import of_performance
from tests.driftline.trends.of_performance import EVERY, SIZE, ZERO_ONE
from tests.transforms.timelines import MINUTE

BUDGET = AlarmBudget(10.0, "day")
WAIT, LATENESS = 85 * MINUTE, 2 * MINUTE  # no multiple of the period
WINDOWS, ROWS, WORSE_FROM = 12, 150, 6
N = WINDOWS * ROWS


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("performance") / "b.avro"
    path.write_bytes(of_performance.encoded())
    return BaselineSource(str(path))


def made(seed=4):
    """Times of predictions, scores and labels; more errors from `WORSE_FROM` on."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(0, WINDOWS * SIZE, N))
    parts = [of_performance.outcomes(rng, 1, worse=0.12 * (each >= WORSE_FROM * SIZE)) for each in at]
    score, label = (np.concatenate(each) for each in zip(*parts, strict=True))
    return at, score, label


AT, SCORE, LABEL = made()
ALL = np.ones(N, bool)


def delays(seed, longest=WAIT):
    return np.random.default_rng(seed).integers(0, longest, N)


def known_in(known, first, last):
    return np.flatnonzero((known >= first) & (known < last))


def steps(known, labelled=ALL):
    """Batches of ten minutes of predictions, and of outcomes as they become known; watermarks between."""
    known = np.where(labelled, known, np.iinfo(np.int64).max)
    for first in range(0, WINDOWS * SIZE + WAIT + 10 * MINUTE, 10 * MINUTE):
        last = first + 10 * MINUTE
        rows, come = known_in(AT, first, last), known_in(known, first, last)
        if len(rows):
            yield predictions(AT[rows], SCORE[rows], ids=rows)
        if len(come):
            yield outcomes(AT[come], known[come], SCORE[come], LABEL[come], ids=come)
        yield last + 3 * MINUTE + 1_000


def follow(rows, source, lateness):
    split = {
        "predictions": rows | "P" >> beam.Filter(lambda rows: "label" not in rows.schema.names),
        "outcomes": rows | "O" >> beam.Filter(lambda rows: "label" in rows.schema.names),
    }
    references = BaselineReferences(source)
    measured = MonitorPerformance("m", ZERO_ONE, SIZE, EVERY, WAIT, lateness, 50, references)
    trends = Trends(source, BUDGET, measured.corrected_for, performance_windows)
    return split | "Performance" >> measured | "Trends" >> trends


def _keep(rows, directory, at=beam.DoFn.TimestampParam):
    name = f"{time.monotonic_ns():020}-{at.micros}"
    Path(directory, name).write_bytes(RecordBatchCoder().encode(rows))


def kept(directory):
    """Rows by window, each with the time at which it was told."""
    found = []
    for path in sorted(Path(directory).iterdir()):
        batch = RecordBatchCoder().decode(path.read_bytes())
        assert batch.schema == TREND.arrow
        told = int(path.name.split("-")[1])
        found += [(row | {"emitted_at": None}, told) for row in batch.to_pylist()]
    return sorted(found, key=lambda each: each[0]["window_start"])


def streamed(source, elements):
    stream = TestStream(coder=RecordBatchCoder())
    for step in elements:
        if isinstance(step, int):
            stream = stream.advance_watermark_to(Timestamp(micros=step))
        else:
            first = min(step.column("known" if "known" in step.schema.names else "time").to_pylist())
            stream = stream.add_elements([TimestampedValue(step, Timestamp(micros=first))])
    stream = stream.advance_watermark_to_infinity()
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        TALLY.clear()
        with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
            rows = follow(pipeline | stream, source, LATENESS)
            _ = rows | "Keep" >> beam.Map(_keep, directory)
        return kept(directory)


def at_once(source, labelled=ALL):
    """Bounded input: all that the stream would have."""
    parts = [predictions(AT, SCORE), outcomes(*(each[labelled] for each in (AT, AT + 1, SCORE, LABEL)))]
    with TemporaryDirectory() as directory:
        with beam.Pipeline("BundleBasedDirectRunner") as pipeline:
            rows = follow(pipeline | beam.Create(parts), source, None)
            _ = rows | "Keep" >> beam.Map(_keep, directory)
        return [row for row, _ in kept(directory)]


def starts(rows):
    return [int(row["window_start"].timestamp() * 1e6) // SIZE for row in rows]


def test_labels_that_come_at_any_time_within_the_wait_count(source):
    expected = at_once(source)
    assert starts(expected) == [*range(WINDOWS)]
    alarms = [row for row in expected if row["alarm"]]
    assert WORSE_FROM < starts(alarms)[0] <= WORSE_FROM + 3
    assert {row["feature"] for row in expected} == {OF_PERFORMANCE}
    assert alarms[-1]["change"].startswith(("errors 1", "false positives 1"))
    for seed in (1, 2):
        found = streamed(source, steps(AT + delays(seed)))
        assert [row for row, _ in found] == expected
        for row, told in found:
            settled = int(row["window_end"].timestamp() * 1e6) + WAIT + LATENESS
            assert settled <= told <= settled + EVERY + 5 * MINUTE
    assert LATE not in TALLY.snapshot()
    assert PERFORMANCE_TOO_LATE not in TALLY.snapshot()


def test_a_window_is_corrected_until_its_last_label(source):
    """Most labels come at once, which is enough to compare; the last ones just before the deadline."""
    early = delays(3, MINUTE)
    last = np.random.default_rng(3).random(N) < 0.04
    known = AT + np.where(last, WAIT - MINUTE, early)
    expected = at_once(source)
    assert [row for row, _ in streamed(source, steps(known))] == expected
    assert at_once(source, ~last) != expected


def test_a_window_most_labels_of_which_never_come_does_not_count(source):
    missing = (AT // SIZE == 8) & (np.random.default_rng(5).random(N) < 0.6)
    expected = at_once(source, ~missing)
    assert starts(expected) == [window for window in range(WINDOWS) if window != 8]
    assert [row for row, _ in streamed(source, steps(AT + delays(6), ~missing))] == expected
