"""Performance on timelines: rows when windows end, and again as labels come early, hours late, or never.

Windows are 20 minutes long, one every 10; labels are waited for for 3 hours; a slice of the join is a minute.
"""

from __future__ import annotations

import time
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.utils.timestamp import Timestamp
from sklearn import metrics

from driftline.performance import Loss, PerformanceProfile, PerformanceReference
from driftline.performance.periods import Periods
from driftline.performance.window_rule import WindowRule
from driftline.tables.performance import PERFORMANCE
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY, counts_of
from driftline.transforms.outcomes.join_labels import JoinLabels
from driftline.transforms.outcomes.monitor_performance import (
    GiveWindows,
    MonitorPerformance,
    NoReferences,
    ProfilePeriods,
)
from tests.driftline.performance.outcome_rows import outcomes, predictions, rolling_error
from tests.transforms.outcomes.test_join_labels import Bag, Cell, L, P, Timer, batch

MINUTE = 60_000_000
HOUR = 60 * MINUTE
SIZE, EVERY, WAIT = 20 * MINUTE, 10 * MINUTE, 180 * MINUTE
ZERO_ONE = Loss("zero_one")


class Given:
    """References that are told."""

    version = "v7"

    def __init__(self, profiles):
        self.bytes = {segment: profile.to_bytes() for segment, profile in profiles.items()}
        self.refreshed = 0

    def refresh(self):
        self.refreshed += 1

    def reference(self, segment):
        data = self.bytes.get(segment)
        return None if data is None else PerformanceReference.of(PerformanceProfile.from_bytes(data))


def monitor(lateness=0, **settings):
    parameters = {"model": "m", "loss": ZERO_ONE, "size": SIZE, "every": EVERY, "wait": WAIT, "min_n": 2}
    return MonitorPerformance(**(parameters | settings), allowed_lateness=lateness)


def run(steps, lateness=0, **settings):
    """Play lists of rows and watermarks (minutes) through the join and the monitor; rows as they come.

    On this runner a timer that is set does not hold back the watermark of the next step, as the join expects
    of one: so let the join look before the watermark goes far.
    """
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, list):
            rows = batch(step)
            at = Timestamp(micros=min(rows["time"].to_pylist()))
            stream = stream.add_elements([beam.window.TimestampedValue(rows, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        TALLY.clear()  # this runner's own counters miss bundles
        with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
            rows = pipeline | stream
            made = rows | "P" >> beam.Filter(lambda rows: "score" in rows.schema.names)
            labels = rows | "L" >> beam.Filter(lambda rows: "label" in rows.schema.names)
            joined = {"predictions": made, "labels": labels} | JoinLabels(WAIT, lateness)
            out = {"predictions": made, "outcomes": joined["outcomes"]} | monitor(lateness, **settings)
            _ = out | "Keep" >> beam.Map(_keep, directory)
        batches = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    assert all(rows.schema == PERFORMANCE.arrow for rows in batches)
    said = [row for rows in batches for row in rows.to_pylist()]
    assert TALLY.snapshot().get("performance_rows", 0) == len(said)
    return said


def _keep(rows, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(rows))


def minutes(row):
    return int(row["window_end"].timestamp() // 60)


def brief(said, segment="*"):
    """(end of the window, predictions, outcomes, rolling error) in the order they were said."""
    own = [row for row in said if row["segment"] == segment]
    return [(minutes(row), row["n_predictions"], row["n"], row["rolling_error"]) for row in own]


def standing(said):
    """By row_id, the row that stands."""
    ordered = sorted(said, key=lambda row: (row["row_id"], row["n"], row["emitted_at"]))
    return {key: list(rows)[-1] for key, rows in groupby(ordered, key=lambda row: row["row_id"])}


def test_a_label_that_never_comes():
    said = run([[P("a", 3, 0.9)], 10, 11, 12, 20, 22, 400])
    assert brief(said) == [(10, 1, 0, None), (20, 1, 0, None)]
    assert {row["status"] for row in said} == {"no_labels"}
    assert [row["estimated_accuracy"] for row in said] == [0.9, 0.9]


def test_a_label_that_comes_before_the_window_ends():
    said = run([[L("a", 2, 0.0)], [P("a", 3, 0.9)], 5, 10.5, 11, 22, 400])
    assert brief(said) == [(10, 1, 1, 1.0), (20, 1, 1, 1.0)]
    assert {row["mean_loss"] for row in said} == {1.0}


def test_a_label_that_comes_hours_late():
    """Given without it first, then with it at the next look; the rolling error stays as it was."""
    said = run(
        [[P("a", 3, 0.9), P("b", 4, 0.9)], 12, 22, 120, [L("a", 121)], 125, 140, [L("b", 142)], 144, 300]
    )
    assert brief(said) == [
        (10, 2, 0, None),
        (20, 2, 0, None),
        (10, 2, 1, None),
        (20, 2, 1, None),
        (10, 2, 2, None),
        (20, 2, 2, None),
    ]
    assert [row["status"] for row in said] == ["no_labels"] * 2 + ["no_baseline"] * 4
    stands = standing(said)
    assert len(stands) == 2
    assert {row["labelled_share"] for row in stands.values()} == {1.0}
    assert said[-1]["label_delay_p50_s"] == pytest.approx(117 * 60, rel=0.2)


def test_many_labels_make_one_row_a_look():
    """A label every other minute: the windows are given again every ten minutes, not with every label."""
    rows = [P(f"{n}", 3) for n in range(20)]
    labels = [step for n in range(20) for step in ([L(f"{n}", 60 + 2 * n)], 61 + 2 * n)]
    said = run([rows, 12, 22, *labels, 110, 400])
    first = [row for row in said if minutes(row) == 10]
    assert [row["n"] // 5 for row in first] == [0, 1, 2, 3, 4]
    assert [row["n_predictions"] for row in first] == [20] * 5


def test_segments_and_all_traffic():
    rows = [P("a", 3, 0.9, "s=1"), P("b", 4, 0.9, "s=2"), P("c", 14, 0.1, "s=1")]
    said = run([rows, [L("a", 5), L("b", 6, 0.0)], 8, 12, 15, [L("c", 15)], 17, 400], references=Given({}))
    assert brief(said, "s=1") == [(10, 1, 1, 0.0), (20, 2, 2, 0.5), (30, 1, 1, 0.5)]
    assert brief(said, "s=2") == [(10, 1, 1, 1.0), (20, 1, 1, 1.0)]
    assert brief(said) == [(10, 2, 2, 0.5), (20, 3, 3, 2 / 3), (30, 1, 1, 2 / 3)]
    assert {tuple(row["segment_values"]) for row in said if row["segment"] == "s=1"} == {("1",)}
    assert {row["baseline_version"] for row in said} == {"v7"}


def test_rows_that_come_late_within_the_lateness():
    """Windows are given 30 minutes later then, and what comes 25 minutes late counts as if in order."""
    steps = [[P("a", 3)], 28, [P("b", 4)], [L("b", 5, 0.0)], 37, 50, 400]
    assert brief(run(steps, 30 * MINUTE)) == [(10, 2, 1, 1.0), (20, 2, 1, 1.0)]
    assert brief(run(steps, 0))[-2:] == [(10, 2, 1, None), (20, 2, 1, None)]


def simulated(seed, n, *, loss=ZERO_ONE, hours=5):
    """Predictions in three segments, most of them labelled within three hours."""
    r = np.random.default_rng(seed)
    at = np.sort(r.integers(0, hours * HOUR, n))
    score = r.integers(0, 201, n) / 200 if loss.binary else r.normal(50, 9, n)
    label = (r.random(n) < score).astype(float) if loss.binary else score + r.normal(0, 2, n)
    known = at + r.integers(0, WAIT, n)
    segment = r.choice(["s=1", "s=2", "(other)"], n, p=[0.6, 0.3, 0.1])
    whole = outcomes(at, known, score, label, segment, r.permutation(n))
    return predictions(at, score, segment, np.arange(n)), whole, r.random(n) < 0.7


def bounded(made, known, loss, references):
    pipeline = beam.Pipeline("FnApiRunner")
    rows = {
        "predictions": pipeline
        | "P" >> beam.Create([made.slice(i, 500) for i in range(0, made.num_rows, 500)]),
        "outcomes": pipeline
        | "O" >> beam.Create([known.slice(i, 300) for i in range(0, known.num_rows, 300)]),
    }
    with TemporaryDirectory() as directory:
        out = rows | monitor(None, loss=loss, references=references, min_n=50)
        _ = out | "Keep" >> beam.Map(_keep, directory)
        result = pipeline.run()
        result.wait_until_finish()
        said = [
            row
            for path in Path(directory).iterdir()
            for row in RecordBatchCoder().decode(path.read_bytes()).to_pylist()
        ]
    assert counts_of(result) == {"performance_rows": len(said)}
    return said


@pytest.mark.parametrize("name", ["zero_one", "squared"])
def test_bounded_rows_are_what_scikit_learn_says_of_each_window(name):
    loss = Loss(name)
    made, whole, labelled = simulated(3, 3000, loss=loss)
    known = whole.filter(pa.array(labelled))
    normal = PerformanceProfile.of_outcomes(
        loss, *(whole[c].to_numpy() for c in ("score", "label")), np.zeros(3000, int)
    )
    said = bounded(made, known, loss, Given({"*": normal, "s=1": normal}))
    assert len({row["row_id"] for row in said}) == len(said)
    assert sorted(minutes(row) for row in said if row["segment"] == "*") == list(range(10, 5 * 60 + 20, 10))
    for row in said:
        end = minutes(row) * MINUTE
        at, score, label = (whole[column].to_numpy() for column in ("time", "score", "label"))
        inside = (at >= end - SIZE) & (at < end)
        if row["segment"] != "*":
            inside &= np.array(whole["segment"].to_pylist()) == row["segment"]
        score, label = score[inside & labelled], label[inside & labelled]
        assert (row["n_predictions"], row["n"]) == (inside.sum(), len(label))
        if not len(label):
            assert row["status"] == "no_labels"
            continue
        traffic = known
        if row["segment"] != "*":
            traffic = known.filter(pa.array([s == row["segment"] for s in known["segment"].to_pylist()]))
        rolling = rolling_error(traffic, loss, end)
        assert row["rolling_error"] == (None if np.isnan(rolling) else pytest.approx(rolling, rel=1e-12))
        if loss.binary:
            wrong = 1 - metrics.accuracy_score(label, score >= 0.5)
            assert (row["mean_loss"], row["error_rate"]) == (pytest.approx(wrong), pytest.approx(wrong))
            assert row["log_loss"] == pytest.approx(metrics.log_loss(label, score, labels=[0, 1]))
            if 0 < label.sum() < len(label):
                assert row["auc"] == pytest.approx(metrics.roc_auc_score(label, score), abs=0.01)
        else:
            assert row["mean_loss"] == pytest.approx(metrics.mean_squared_error(label, score))
            assert row["mean_absolute_error"] == pytest.approx(metrics.mean_absolute_error(label, score))
        if row["segment"] in {"*", "s=1"}:
            assert row["status"] == ("ok" if row["n"] >= 50 else "insufficient")
            assert row["difference"] == pytest.approx(row["mean_loss"] - normal.losses.mean)
        else:
            assert row["status"] == "no_baseline"


class Key:
    """One segment of `GiveWindows`, with its state in memory."""

    def __init__(self, give, segment="*"):
        self.give, self.segment = give, segment
        self.arrived, self.held, self.progress, self.due = Bag(), Bag(), Cell(), Timer()

    def process(self, data, at):
        assert (
            self.give.process(
                (self.segment, data), Timestamp(micros=at), self.arrived, self.progress, self.due
            )
            is None
        )

    def watermark(self, at):
        said = []
        while self.due.at is not None and self.due.at.micros <= at:
            due, self.due.at = self.due.at, None
            said += self.give.look(self.segment, due, self.arrived, self.held, self.progress, self.due)
        return [row for rows in said for row in rows.to_pylist()]


def give(*, bounded=False, wait=WAIT):
    hold = MINUTE
    rule = WindowRule(SIZE, EVERY, hold, wait + hold + MINUTE)
    return GiveWindows("m", rule, NoReferences(), 2, bounded=bounded)


def parts(rows):
    """What a bundle of rows becomes: segment to bytes."""
    profile = ProfilePeriods(ZERO_ONE, EVERY)
    profile.start_bundle()
    assert not list(profile.process(rows, Timestamp(0)))
    return {element.value[0]: element.value[1] for element in profile.finish_bundle()}


def stream_by_minute(made, known):
    """Bundles of a minute, merged as they come; the keys, and what they said."""
    streamed = {}
    at, when = made["time"].to_numpy(), known["known"].to_numpy()
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftline.transforms.outcomes.monitor_performance._MERGE_FROM", 3000)
        for now in range(MINUTE, 9 * HOUR, MINUTE):
            for rows, moment in ((made, at), (known, when)):
                some = rows.filter(pa.array((moment >= now - MINUTE) & (moment < now)))
                for segment, data in (parts(some) if some.num_rows else {}).items():
                    streamed.setdefault(segment, Key(give(), segment)).process(data, now)
            said += [row for key in streamed.values() for row in key.watermark(now)]
            assert max((len(key.arrived.values) for key in streamed.values()), default=0) < 20
    return streamed, said


def test_streamed_rows_stand_as_bounded_rows_do():
    """Through the DoFns with their timers."""
    made, whole, labelled = simulated(4, 6000)
    known = whole.filter(pa.array(labelled))
    streamed, said = stream_by_minute(made, known)
    at_once, whole_said = {}, []
    for rows in (made, known):
        for segment, data in parts(rows).items():
            at_once.setdefault(segment, Key(give(bounded=True), segment)).process(data, 0)
    for key in at_once.values():
        whole_said += key.watermark(1 << 63)
    stands, wanted = standing(said), {row["row_id"]: row for row in whole_said}
    assert stands.keys() == wanted.keys()
    assert len(wanted) == len(whole_said) == 4 * 31
    for key, row in wanted.items():
        for name, value in row.items():
            if name != "emitted_at":
                assert stands[key][name] == (pytest.approx(value) if isinstance(value, float) else value), (
                    name
                )
        assert stands[key]["rolling_error"] == row["rolling_error"]
    for key in streamed.values():
        assert len(key.held.values) == 1
        assert key.arrived.values == []
        assert key.due.at is None


def test_state_that_nobody_clears_does_not_grow():
    """A day and a half of predictions whose labels come two hours late: about 50 kB a segment."""
    key, sizes = Key(give()), []
    for now in range(10 * MINUTE, 36 * HOUR, 10 * MINUTE):
        times = np.arange(now - 10 * MINUTE, now, 10_000_000)
        score = np.full(len(times), 0.7)
        key.process(parts(predictions(times, score))["*"], now)
        key.process(parts(outcomes(times - 2 * HOUR, times, score, times % 2, ids=times))["*"], now)
        key.watermark(now + MINUTE)
        sizes.append(sum(map(len, [*key.held.values, *key.arrived.values])))
    assert max(sizes[-100:]) <= max(sizes[60:160]) * 1.02
    assert max(sizes) < 100_000


def test_what_is_known_at_once_is_held_no_longer_than_its_windows():
    """A day and a half of events that carry their label: the periods of two windows, the rolling error."""
    key, sizes, said = Key(give(wait=0)), [], []
    for now in range(10 * MINUTE, 36 * HOUR, 10 * MINUTE):
        times = np.arange(now - 10 * MINUTE, now, 10_000_000)
        score = np.full(len(times), 0.7)
        key.process(parts(predictions(times, score))["*"], now)
        key.process(parts(outcomes(times, times, score, times % 2, ids=times))["*"], now)
        said += key.watermark(now + MINUTE)
        sizes.append(sum(map(len, [*key.held.values, *key.arrived.values])))
    assert max(sizes[-100:]) <= max(sizes[60:160]) * 1.02
    assert max(sizes) < 45_000
    assert [minutes(row) for row in said] == list(range(10, 36 * 60, 10))
    assert {row["n"] for row in said[1:]} == {120}


def events_of(rows):
    """Rows of events that carry their label, as predictions and as outcomes known at once."""
    at, score, label = zip(*rows, strict=True)
    at = np.array(at) * MINUTE
    score, segment, ids = np.array(score), ["s=1"] * len(at), np.arange(len(at)) + at
    return predictions(at, score, segment, ids), outcomes(at, at, score, np.array(label), segment, ids)


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_of_labels_that_come_with_the_events_need_no_wait(streaming):
    """In order, out of order within the lateness, after a gap: rows as if windows waited, each given once."""
    steps = [
        [(3, 0.9, 1.0), (14, 0.2, 1.0)],
        28,
        [(4, 0.9, 0.0)],
        50,
        [(26, 0.7, 1.0), (52, 0.1, 0.0)],
        150,
        [(151, 0.6, 1.0)],
    ]
    lateness = 30 * MINUTE if streaming else None
    found = [brief_rows(play(steps, lateness, wait)) for wait in (WAIT, 0)]
    assert found[0] == found[1]
    ends = [(minutes(row), row["n_predictions"], row["n"]) for row in found[0]]
    once = [(10, 2, 2), (20, 3, 3), (30, 2, 2), (40, 1, 1), (60, 1, 1), (70, 1, 1), (160, 1, 1), (170, 1, 1)]
    assert ends == 2 * once


def brief_rows(said):
    return [{name: value for name, value in row.items() if name != "emitted_at"} for row in said]


def play(steps, lateness, wait):
    """Play events that carry their label, and watermarks (minutes); rows by segment as they come."""
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, list):
            at = Timestamp(micros=min(row[0] for row in step) * MINUTE)
            for rows in events_of(step):
                stream = stream.add_elements([beam.window.TimestampedValue(rows, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=step * MINUTE))
    stream = stream.advance_watermark_to_infinity()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
            rows = pipeline | stream
            known = {
                "predictions": rows | "P" >> beam.Filter(lambda rows: "label" not in rows.schema.names),
                "outcomes": rows | "O" >> beam.Filter(lambda rows: "label" in rows.schema.names),
            }
            _ = known | monitor(lateness, wait=wait) | "Keep" >> beam.Map(_keep, directory)
        batches = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    said = [row for rows in batches for row in rows.to_pylist()]
    return sorted(said, key=lambda row: row["segment"])


def test_a_timer_that_was_replaced_is_set_again():
    key = Key(give())
    key.process(parts(predictions([25 * MINUTE], [0.7]))["*"], 0)
    assert key.due.at == Timestamp(micros=31 * MINUTE)
    key.process(parts(predictions([5 * MINUTE], [0.7]))["*"], 0)
    assert key.due.at == Timestamp(micros=11 * MINUTE)
    key.due.at = Timestamp(micros=8 * MINUTE)
    early, key.due.at = key.due.at, None
    assert not list(key.give.look("*", early, key.arrived, key.held, key.progress, key.due))
    assert key.due.at == Timestamp(micros=11 * MINUTE)
    assert [row["n_predictions"] for row in key.watermark(12 * MINUTE)] == [1]


def test_a_timer_that_nobody_waits_for():
    key = Key(give())
    key.due.at = Timestamp(0)
    assert key.watermark(1) == []
    assert key.progress.value is None


def test_what_comes_for_forgotten_windows_is_counted():
    TALLY.clear()
    key = Key(give())
    key.process(parts(predictions([5 * MINUTE], [0.7]))["*"], 0)
    assert len(key.watermark(100 * HOUR)) == 2
    key.process(parts(outcomes([5 * MINUTE], [9 * MINUTE], [0.7], [1]))["*"], 100 * HOUR)
    assert key.watermark(200 * HOUR) == []
    assert TALLY.snapshot() == {"performance_rows": 2, "performance_too_late": 1}


def test_rows_that_the_loss_is_not_for_are_counted():
    TALLY.clear()
    found = parts(outcomes([0, 1, 2], [0, 1, 2], [0.5, np.nan, 1.5], [1, 1, 1]))
    assert PerformanceProfile.from_bytes(Periods.from_bytes(found["*"]).profiles[0]).n == 1
    assert TALLY.snapshot() == {"performance_unusable": 2}
    assert parts(predictions([0], [np.nan])) == {}


def test_a_full_buffer_is_profiled_at_once(monkeypatch):
    monkeypatch.setattr(ProfilePeriods, "MOST_ROWS", 3)
    profile = ProfilePeriods(ZERO_ONE, EVERY)
    profile.start_bundle()
    rows = predictions([25 * MINUTE, 5 * MINUTE], [0.5, 0.5])
    assert not list(profile.process(rows, Timestamp(7)))
    (element,) = profile.process(rows, Timestamp(7))
    assert element.timestamp == Timestamp(micros=10 * MINUTE - 1000)
    assert not list(profile.finish_bundle())
    monkeypatch.setattr(ProfilePeriods, "MOST_ROWS", 1)
    profile.start_bundle()
    (element,) = profile.process(outcomes([5], [6], [0.5], [1]), Timestamp(micros=3 * MINUTE))
    assert element.timestamp == Timestamp(micros=3 * MINUTE)


def test_rows_come_in_batches(monkeypatch):
    monkeypatch.setattr("driftline.transforms.outcomes.monitor_performance._ROWS_A_BATCH", 3)
    references = Given({})
    dofn = give(bounded=True)
    dofn._references = references
    dofn.start_bundle()
    key = Key(dofn)
    key.process(parts(predictions(np.arange(6) * EVERY, np.full(6, 0.7)))["*"], 0)
    at, key.due.at = key.due.at, None
    said = list(dofn.look("*", at, key.arrived, key.held, key.progress, key.due))
    assert [rows.num_rows for rows in said] == [3, 3, 1]
    assert references.refreshed == 1
