"""Values on timelines of blocks and watermarks: the detections of a plain detector on the sorted series.

Slices are 1 minute long. With a lateness of 3 minutes and a hold back of 1::

    minute           0    1    2    3    4    5
    slice            [-s0-]
    s0's values      |------ come in any order --|
    s0 is followed                               |
"""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.coders import BytesCoder, StrUtf8Coder, TupleCoder
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.losses import Loss
from driftline.outcomes import LABELS, OUTCOMES, PREDICTIONS
from driftline.signals import (
    DetectorSpec,
    SignalLedger,
    SignalState,
    SignalValues,
    decode_block,
    encode_block,
)
from driftline.tables.detections import DETECTION, detection_id
from driftline.tables.results import RESULT
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY, counts_of
from driftline.transforms.decide.detect_changes import (
    LATE,
    UNUSABLE,
    DetectChanges,
    FeatureSignals,
    FollowSignal,
    OutcomeSignals,
    StatisticSignals,
)
from driftline.transforms.outcomes.join_labels import JoinLabels

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

MINUTE = 60_000_000
LOSS = ("*", "loss")
WATCHES = {
    "loss": [("adwin", {}), ("ddm", {})],
    "feature.x": [("page_hinkley", {"threshold": 20.0})],
    "psi.x": [("page_hinkley", {"min_instances": 5, "threshold": 3.0})],
}
CODER = TupleCoder((TupleCoder((StrUtf8Coder(), StrUtf8Coder())), BytesCoder()))


def errors(minutes=12, a_minute=70, seed=1):
    """Losses that rise halfway, several in each second, known one minute after their event."""
    random = np.random.default_rng(seed)
    n = minutes * a_minute
    known = np.arange(n) * MINUTE // a_minute // 5_000_000 * 5_000_000
    ids = random.integers(0, 2**63, (2, n))
    value = random.random(n) < np.where(np.arange(n) < n / 2, 0.1, 0.8)
    return SignalValues.of(known, value, time=known - MINUTE, high=ids[0], low=ids[1]).in_order()


def plain(values, signal="loss", watches=WATCHES):
    """(detector, at, detected_at, width) of plain detectors on values in order."""
    return sorted(
        (name, int(values.time[c.position - c.width + 1]), int(values.known[c.position]), c.width)
        for name, parameters in watches[signal]
        for c in DetectorSpec.of(name, parameters).fresh().changes(values.value)
    )


def told(rows):
    """The same of detection rows."""
    return sorted(
        zip(
            rows["detector"].to_pylist(),
            rows["at"].cast(pa.int64()).to_pylist(),
            rows["detected_at"].cast(pa.int64()).to_pylist(),
            rows["width"].to_pylist(),
            strict=True,
        )
    )


def run(steps, watches=WATCHES, **options):
    """Play ((key, values) or watermark in minutes); give rows by key, and counts."""
    stream = TestStream(coder=CODER)
    for step in steps:
        if isinstance(step, tuple):
            key, values = step
            at = Timestamp(micros=int(values.known.min()))
            stream = stream.add_elements([TimestampedValue((key, encode_block(values)), at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    stream = stream.advance_watermark_to_infinity()
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    with TemporaryDirectory() as directory:
        TALLY.clear()  # this runner's own counters miss bundles
        with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
            rows = pipeline | stream | DetectChanges("m", watches, slice_length=MINUTE, **options)
            _ = rows | beam.Map(_keep, directory)
        batches = [RecordBatchCoder().decode(path.read_bytes()) for path in sorted(Path(directory).iterdir())]
    found = defaultdict(list)
    for batch in batches:
        assert batch.schema == DETECTION.arrow
        found[batch["segment"][0].as_py(), batch["signal"][0].as_py()] += told(batch)
    counts = TALLY.snapshot()
    assert counts.get("detections", 0) == sum(map(len, found.values()))
    return {key: sorted(rows) for key, rows in found.items()}, counts


def _keep(rows, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(rows))


def arriving(values, lateness, seed):
    """Steps in which values come up to `lateness` minutes behind the watermark."""
    random = np.random.default_rng(seed)
    arrival = values.known / MINUTE + random.uniform(0, lateness, len(values.known))
    steps = []
    for minute in range(int(arrival.max()) + 1):
        rows = random.permutation(np.flatnonzero((minute <= arrival) & (arrival < minute + 1)))
        steps += [(LOSS, values.take(part)) for part in np.array_split(rows, 2) if len(part)]
        steps.append(minute + 1)
    return steps


def test_shuffled_within_the_lateness_is_as_sorted():
    values = errors()
    wanted = plain(values)
    assert {name for name, *_ in wanted} == {"adwin", "ddm"}
    in_order = [
        step
        for minute in range(12)
        for step in ((LOSS, values.take(values.known // MINUTE == minute)), minute + 1)
    ]
    assert run(in_order, allowed_lateness=0)[0] == {LOSS: wanted}
    shuffled = run(arriving(values, 4, seed=2), allowed_lateness=4 * MINUTE)
    assert shuffled == ({LOSS: wanted}, {"detections": len(wanted)})


def test_later_than_the_lateness_is_dropped_and_counted():
    values = errors()
    found, counts = run(arriving(values, 4, seed=2), allowed_lateness=1 * MINUTE)
    assert counts[LATE] > 100
    assert found != {LOSS: plain(values)}
    held, counts = run(
        arriving(values, 4, seed=2), allowed_lateness=1 * MINUTE, hold_back={"loss": 3 * MINUTE}
    )
    assert held == {LOSS: plain(values)}
    assert LATE not in counts


def test_timeline_of_a_slice():
    """Followed at minute 5 and not before; one that comes then is followed only if next in order."""
    ahead = SignalValues.of([10 * MINUTE], [0.0])
    early, late = SignalValues.of([20_000_000], [0.0]), SignalValues.of([10_000_000], [0.0])
    options = {"allowed_lateness": 3 * MINUTE, "hold_back": MINUTE}
    for watermark, number in ((4.99, 0), (5.01, 1)):
        assert (
            run([(LOSS, early), (LOSS, ahead), watermark, (LOSS, late)], **options)[1].get(LATE, 0) == number
        )
    assert LATE not in run([(LOSS, late), (LOSS, ahead), 6, (LOSS, early)], **options)[1]


def test_segments_and_signals_are_followed_apart_and_what_is_not_watched_is_left_out():
    values = errors()
    shifted = values._replace(value=np.random.default_rng(5).normal(values.value * 9))
    steps = [
        (("a", "loss"), values),
        (("b", "loss"), values._replace(value=1 - values.value)),
        (("a", "feature.x"), shifted),
        (("a", "feature.y"), shifted),
    ]
    found, _ = run(steps, allowed_lateness=0)
    assert found == {
        ("a", "loss"): plain(values),
        ("b", "loss"): plain(values._replace(value=1 - values.value)),
        ("a", "feature.x"): plain(shifted, "feature.x"),
    }
    assert found["a", "feature.x"]


def test_unusable_values_are_counted_for_each_detector():
    value = np.array([0.0, np.nan, np.inf, 0.5, 7.0])
    _, counts = run([(LOSS, SignalValues.of(np.arange(5), value)), 5], allowed_lateness=0)
    assert counts == {UNUSABLE: 2 + 2 + 1}  # 7 is one for DDM only


def test_a_window_that_is_corrected():
    """The pane with the most rows, of those that come in time; afterwards none, and none is late."""
    key = ("*", "psi.x")
    panes = [SignalValues.of([m * MINUTE], [float(m > 8)], low=[100]) for m in range(1, 17)]
    wanted = plain(SignalValues.concatenate(panes), "psi.x")
    assert wanted
    wrong = [SignalValues.of([m * MINUTE], [0.5], low=[90]) for m in range(1, 17)]
    steps = [step for m in range(16) for step in ((key, wrong[m]), (key, panes[m]), m + 2.5, (key, wrong[m]))]
    assert run(steps, allowed_lateness=0) == ({key: wanted}, {"detections": len(wanted)})


def test_rows():
    values = errors()
    with beam.Pipeline("FnApiRunner") as pipeline:
        rows = (
            pipeline
            | beam.Create([(("origin=JFK", "loss"), encode_block(values))])
            | DetectChanges("flights", WATCHES, None)
            | beam.FlatMap(
                lambda batch, at=beam.DoFn.TimestampParam: [(r, at.micros) for r in batch.to_pylist()]
            )
            | beam.Map(_checked)
        )
        assert_that(rows, equal_to(["adwin", "ddm"]))


def _checked(element):
    row, at = element
    micros = {name: int(row[name].timestamp()) * 1_000_000 for name in ("at", "detected_at")}
    assert row["row_id"] == detection_id("flights", "origin=JFK", "loss", row["detector"], **micros)
    assert (row["model"], row["segment"], row["signal"]) == ("flights", "origin=JFK", "loss")
    assert row["before"] < 0.3
    assert row["after"] > 0.5
    assert at >= micros["detected_at"]
    assert at % MINUTE == 0
    return row["detector"]


def test_bounded_input_on_the_batch_runner():
    values = errors(minutes=30)
    parts = np.array_split(np.random.default_rng(6).permutation(len(values.known)), 11)
    pipeline = beam.Pipeline("FnApiRunner")
    found = (
        pipeline
        | beam.Create([(LOSS, encode_block(values.take(part))) for part in parts])
        | DetectChanges("m", WATCHES, None)
        | beam.FlatMap(told)
    )
    assert_that(found, equal_to(plain(values)))
    counts = counts_of(pipeline.run())
    assert counts == {"detections": len(plain(values))}


def test_what_cannot_run_is_refused_when_the_pipeline_is_made():
    with pytest.raises(ValueError, match="'adwim' is unknown"):
        DetectChanges("m", {"loss": [("adwim", {})]}, 0)
    with pytest.raises(ValueError, match="slice_length 1500: give a whole number of milliseconds"):
        DetectChanges("m", WATCHES, 0, slice_length=1500)


def side(schema, **columns):
    """A batch of predictions or labels."""
    return pa.RecordBatch.from_arrays([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def test_outcomes_of_the_join_with_its_slice_held_back():
    """Predictions, labels two minutes later and in any order, the join, losses: as the plain detectors."""
    values, random = errors(minutes=6), np.random.default_rng(4)
    stream = TestStream(coder=RecordBatchCoder())
    for minute in range(6):
        some = values.take(random.permutation(np.flatnonzero(values.known // MINUTE == minute)))
        n = len(some.known)
        ids = {"id_high": some.high, "id_low": some.low}
        predictions = side(PREDICTIONS, time=some.time, segment=["*"] * n, score=[0.9] * n, **ids)
        labels = side(LABELS, time=some.known, label=1 - some.value, where=["here"] * n, **ids)
        at = Timestamp(micros=minute * MINUTE)
        stream = stream.add_elements([TimestampedValue(batch, at) for batch in (labels, predictions)])
        stream = stream.advance_watermark_to(at + 60)
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    TALLY.clear()
    with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
        rows = pipeline | stream.advance_watermark_to_infinity()
        joined = {
            "predictions": rows | "P" >> beam.Filter(lambda rows: "score" in rows.schema.names),
            "labels": rows | "L" >> beam.Filter(lambda rows: "label" in rows.schema.names),
        } | JoinLabels(10 * MINUTE, MINUTE, slice_length=MINUTE)
        found = (
            joined["outcomes"]
            | beam.ParDo(OutcomeSignals(Loss("zero_one")))
            | DetectChanges("m", WATCHES, MINUTE, MINUTE, hold_back=MINUTE)
            | "Told" >> beam.FlatMap(told)
        )
        assert_that(found, equal_to(plain(values)))
    assert LATE not in TALLY.snapshot()


class Bag:
    def __init__(self):
        self.values = []

    def read(self):
        return list(self.values)

    def add(self, value):
        self.values.append(value)

    def clear(self):
        self.values = []


class Cell:
    value = None

    def read(self):
        return self.value

    def write(self, value):
        self.value = value

    def clear(self):
        self.value = None


class Timer:
    at = None

    def set(self, at):
        self.at = at


class Key:
    """State of one key in memory; all of it is bytes."""

    def __init__(self, key=LOSS):
        self.key = key
        self.waiting, self.detectors, self.ledger, self.timer = Bag(), Cell(), Cell(), Timer()

    def process(self, follow, values):
        element = (self.key, encode_block(values))
        assert not follow.process(element, self.waiting, self.ledger, self.timer)

    def fire(self, follow):
        at, self.timer.at = self.timer.at, None
        out = follow.follow(self.key, at, self.waiting, self.detectors, self.ledger, self.timer)
        return [row for batch in out for row in told(batch.value)]

    def advance(self, follow, watermark):
        """Fire what is due."""
        rows = []
        while self.timer.at is not None and self.timer.at.micros <= watermark:
            rows += self.fire(follow)
        return rows


def follower(watches=WATCHES, delay=0):
    checked = {signal: tuple(DetectorSpec.of(*w) for w in some) for signal, some in watches.items()}
    return FollowSignal("m", checked, MINUTE, dict.fromkeys(watches, delay))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 9), st.integers(1, 30))
def test_any_arrival_through_the_timers(seed, lateness, a_bundle):
    """A value comes no later than the lateness; each firing is by a worker that knows only the state."""
    random = np.random.default_rng(seed)
    values, key, found = errors(), Key(), []
    arrival = values.known / MINUTE + random.uniform(0, lateness, len(values.known))
    for minute in range(14 + lateness):
        rows = random.permutation(np.flatnonzero((minute <= arrival) & (arrival < minute + 1)))
        for start in range(0, len(rows), a_bundle):
            key.process(follower(delay=lateness * MINUTE), values.take(rows[start : start + a_bundle]))
        found += key.advance(follower(delay=lateness * MINUTE), (minute + 1) * MINUTE)
    assert sorted(found) == plain(values)
    assert (key.waiting.values, key.timer.at) == ([], None)
    assert SignalLedger.from_bytes(key.ledger.value).due is None


def test_a_slice_is_looked_at_once_and_an_idle_signal_not_at_all():
    key, follow = Key(), follower(delay=2 * MINUTE)
    for second in range(0, 240, 5):
        key.process(follow, SignalValues.of([second * 1_000_000], [0.0]))
    fired = 0
    while key.timer.at is not None:
        fired += 1
        assert key.timer.at.micros == (fired + 2) * MINUTE
        key.fire(follow)
    assert fired == 4
    key.process(follow, SignalValues.of([MINUTE], [0.0]))  # late: with the next slice that can be
    assert key.timer.at.micros == 7 * MINUTE


def test_a_clock_that_is_a_day_ahead_holds_up_nothing():
    key, follow, values = Key(), follower(), errors()
    day = 24 * 60 * MINUTE
    key.process(follow, SignalValues.of([day], [1.0]))
    found = []
    for minute in range(12):
        key.process(follow, values.take(values.known // MINUTE == minute))
        found += key.advance(follow, (minute + 1) * MINUTE)
    assert sorted(found) == plain(values)
    assert [decode_block(data).known.tolist() for data in key.waiting.values] == [[day]]
    assert key.timer.at.micros == day + MINUTE


def test_another_configuration_of_a_running_job():
    """DDM stays and finds what it would have found; KSWIN begins anew; ADWIN goes, and a signal with it."""
    values, key, gone = errors(), Key(), Key(("*", "feature.x"))
    gone.process(follower(), values)
    first, second = values.take(values.known < 5 * MINUTE), values.take(values.known >= 5 * MINUTE)
    key.process(follower(), first)
    found = key.advance(follower(), 5 * MINUTE)
    other = {"loss": [("kswin", {"window_size": 40, "stat_size": 15}), ("ddm", {})]}
    key.process(follower(other), second)
    found += key.advance(follower(other), 30 * MINUTE)
    wanted = plain(second, watches={"loss": other["loss"][:1]}) + plain(
        values, watches={"loss": [("ddm", {})]}
    )
    assert {name for name, *_ in wanted} == {"kswin", "ddm"}
    assert sorted(found) == sorted(wanted)
    assert gone.fire(follower(other)) == []
    assert (gone.waiting.values, gone.detectors.value, gone.ledger.value) == ([], None, None)


def test_another_lateness_of_a_running_job():
    values, key = errors(), Key()
    first, second = values.take(values.known < 5 * MINUTE), values.take(values.known >= 5 * MINUTE)
    key.process(follower(), first)
    found = key.advance(follower(), 5 * MINUTE)
    key.process(follower(delay=5 * MINUTE), second)
    found += key.advance(follower(delay=5 * MINUTE), 30 * MINUTE)
    assert sorted(found) == plain(values)


def test_state_of_a_signal_is_bounded():
    key, follow = Key(), follower()
    for minute in range(200):
        key.process(follow, SignalValues.of(minute * MINUTE + np.arange(500), np.zeros(500)))
        key.advance(follow, (minute + 1) * MINUTE)
    assert key.waiting.values == []
    assert len(key.detectors.value) < 2 * 20_000
    assert SignalState.from_bytes(key.detectors.value).n == 100_000
    assert len(key.ledger.value) == 20


def test_many_segments_and_one_that_is_large():
    """A hundred segments of a few values, one with half of them, and all traffic."""
    random = np.random.default_rng(9)
    n = 4_000
    names = np.array([f"s={i}" for i in range(100)])
    which = np.where(random.random(n) < 0.5, 0, random.integers(0, 100, n))
    rows = {
        "id_high": random.integers(0, 2**63, n),
        "id_low": random.integers(0, 2**63, n),
        "time": np.arange(n) * 1000,
        "segment": names[which],
        "score": np.full(n, 0.9),
        "label": (random.random(n) > np.where(np.arange(n) < n / 2, 0.1, 0.4)).astype(float),
        "known": np.arange(n) * 1000 + 5,
    }
    outcomes = pa.RecordBatch.from_pydict(
        {f.name: pa.array(rows[f.name], f.type) for f in OUTCOMES}, OUTCOMES
    )
    watches = {"loss": [("ddm", {"drift_threshold": 5.0})]}
    values = SignalValues.of(rows["known"], 1 - rows["label"], time=rows["time"])
    with beam.Pipeline("FnApiRunner") as pipeline:
        found = (
            pipeline
            | beam.Create([outcomes.slice(start, 1000) for start in range(0, n, 1000)])
            | beam.ParDo(OutcomeSignals(Loss("zero_one")))
            | DetectChanges("m", watches, None)
            | beam.Map(lambda batch: (batch["segment"][0].as_py(), told(batch)))
        )
        wanted = [("*", plain(values, watches=watches))]
        for i, name in enumerate(names):
            some = plain(values.take(which == i), watches=watches)
            wanted += [(name, some)] if some else []
        assert wanted[1][0] == "s=0"
        assert_that(found, equal_to(wanted))


class Baseline:
    """A source of a baseline that monitors one segment."""

    monitored = frozenset(["origin=JFK"])

    def get(self):
        return self

    def refresh(self):
        pass

    newest = property(get)
    baseline = property(get)


def signals_of(do_fn, batches):
    """Elements of one bundle: timestamp and values by key."""
    do_fn.setup()
    do_fn.start_bundle()
    out = [element for batch in batches for element in do_fn.process(batch)]
    out += do_fn.finish_bundle()
    found = {}
    for element in out:
        key, block = element.value
        assert key not in found
        found[key] = (element.timestamp.micros, decode_block(block).value.tolist())
    assert not list(do_fn.finish_bundle())
    return found


def test_signals_of_features_are_few_and_stamped_with_their_earliest_value():
    events = [
        pa.record_batch(
            {
                "time": pa.array([at + 1_500, at], pa.int64()),
                "segment.origin": ["JFK", "EWR"],
                "feature.x": [float(at), None],
                "feature.carrier": ["a", "b"],
            }
        )
        for at in (7_000_400, 3_000_700)
    ]
    empty = events[0].slice(0, 0)
    assert signals_of(FeatureSignals(["x"], Baseline()), [empty, *events]) == {
        ("origin=JFK", "feature.x"): (3_002_000, [7_000_400.0, 3_000_700.0]),
        ("*", "feature.x"): (3_002_000, [7_000_400.0, 3_000_700.0]),
    }
    assert signals_of(FeatureSignals(["x"], Baseline()), []) == {}


def test_signals_leave_when_they_are_many(monkeypatch):
    monkeypatch.setattr(FeatureSignals, "MOST_ROWS", 3)
    batch = pa.record_batch({"time": pa.array([1, 2], pa.int64()), "feature.x": [1.0, 2.0]})
    do_fn = FeatureSignals(["x"], Baseline())
    do_fn.start_bundle()
    assert [len(list(do_fn.process(batch))) for _ in range(4)] == [0, 1, 0, 1]


def test_signals_of_results():
    rows = [
        {
            "segment": "*",
            "feature": "x",
            "status": "ok",
            "window_start": 3000,
            "window_end": 5000,
            "n": 500,
            "psi": 0.5,
        },
        {
            "segment": "a=1",
            "feature": "x",
            "status": "ok",
            "window_start": 2000,
            "window_end": 4000,
            "n": 500,
            "psi": 0.25,
        },
    ]
    schema = pa.schema([field.with_nullable(True) for field in RESULT.arrow])
    batches = [pa.RecordBatch.from_pylist([row], schema=schema) for row in rows]
    assert signals_of(StatisticSignals(["psi.x", "ks.x"]), batches) == {
        ("*", "psi.x"): (5000, [0.5]),
        ("a=1", "psi.x"): (4000, [0.25]),
    }
