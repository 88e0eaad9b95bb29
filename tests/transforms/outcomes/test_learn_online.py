"""Outcomes on timelines of batches and watermarks: the gaps of a plain learner on the sorted outcomes.

Slices are 1 minute long. With a lateness of 3 minutes and a hold back of 1::

    minute           0    1    2    3    4    5
    slice            [-s0-]
    s0's outcomes    |------ come in any order --|
    s0 is learnt                                 |
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

from driftline.detectors import ADWIN
from driftline.learning import LearnerState, encode_examples, examples_of, learn
from driftline.learning.online_learner import OnlineLearningDetector
from driftline.losses import log_loss
from driftline.outcomes import LABELS, OUTCOMES, PREDICTIONS
from driftline.outcomes.travelling_features import FEATURES, FeatureLayout
from driftline.signals import SignalLedger, SignalValues, decode_block
from driftline.tables.detections import LEARNING_GAP
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY, counts_of
from driftline.transforms.decide.detect_changes import LATE as LATE_FOR_DETECTORS
from driftline.transforms.decide.detect_changes import DetectChanges
from driftline.transforms.outcomes.join_labels import JoinLabels
from driftline.transforms.outcomes.learn_online import LATE, UNUSABLE, LearnOnline, LearnSegment
from tests.transforms.decide.test_detect_changes import Bag, Cell, Timer, told

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # of a gap, which is below 0 too

MINUTE = 60_000_000
MINUTES = 12
N = MINUTES * 350
LAYOUT = FeatureLayout(("x",), ("c",))
NARROWER = FeatureLayout(("x",))
WIDER = FeatureLayout(("x", "z"), ("c",))
CODER = TupleCoder((TupleCoder((StrUtf8Coder(), StrUtf8Coder())), BytesCoder()))
WATCHES = {LEARNING_GAP: [("adwin", {})]}


def traffic(seed=1):
    """Outcomes of a model whose world flips at two thirds, in order, many in each 5 seconds."""
    random = np.random.default_rng(seed)
    known = np.arange(N) * MINUTES * MINUTE // N // 5_000_000 * 5_000_000
    x, z, c = random.normal(size=N), random.normal(size=N), random.choice(["u", "v"], N)
    logit = 2 * x + np.where(c == "u", 0.5, -0.5)
    truth = np.where(np.arange(N) < N * 2 // 3, logit, -logit)
    rows = {
        "id_high": pa.array(random.integers(0, 2**63, N), pa.uint64()),
        "id_low": pa.array(random.integers(0, 2**63, N), pa.uint64()),
        "time": known - MINUTE,
        "segment": random.choice(["s=A", "s=B"], N, p=[0.8, 0.2]),
        "score": 1 / (1 + np.exp(-logit)),
        "label": (random.random(N) < 1 / (1 + np.exp(-truth))).astype(float),
        "known": known,
        "feature.x": np.where(random.random(N) < 0.02, np.nan, x),
        "feature.z": z,
        "feature.c": c,
    }
    return pa.table(rows).sort_by([(name, "ascending") for name in ("known", "time", "id_high", "id_low")])


def minutes_of(rows):
    return rows["known"].to_numpy() / MINUTE


def some(rows, which):
    """Rows by a mask or by their numbers."""
    which = np.asarray(which)
    return rows.take(pa.array(np.flatnonzero(which) if which.dtype == bool else which, pa.int64()))


def batch(rows, layout=LAYOUT):
    """Outcomes, with their features if there is a layout."""
    rows = rows.combine_chunks()
    whole = rows.to_batches()[0]
    out = whole.select(OUTCOMES.names).cast(OUTCOMES)
    return out if layout is None else out.append_column(FEATURES, layout.encode(whole))


def segment_of(rows, segment):
    return rows if segment == "*" else some(rows, rows["segment"].to_numpy() == segment)


def plain(rows, segment="*"):
    """The gaps of a plain learner on rows in order."""
    rows = segment_of(rows, segment)
    score, label = rows["score"].to_numpy(), rows["label"].to_numpy()
    features = rows.select(["feature.x", "feature.c"]).rename_columns(["x", "c"])
    learner = OnlineLearningDetector(["x"], ["c"])
    gaps, positions = learner.update_many(features, label, log_loss(score, label))
    columns = [rows[name].to_numpy()[positions] for name in ("known", "time", "id_high", "id_low")]
    return SignalValues(*columns, gaps)


def same(gaps, wanted):
    for name, one, other in zip(wanted._fields, gaps, wanted, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def stream_of(steps):
    """A stream of batches and watermarks in minutes."""
    stream = TestStream(coder=RecordBatchCoder())
    for step in steps:
        if isinstance(step, pa.RecordBatch):
            at = Timestamp(micros=int(step["known"].to_numpy().min()))
            stream = stream.add_elements([TimestampedValue(step, at)])
        else:
            stream = stream.advance_watermark_to(Timestamp(micros=int(step * MINUTE)))
    return stream.advance_watermark_to_infinity()


def streaming():
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    TALLY.clear()  # this runner's own counters miss bundles
    return beam.Pipeline("BundleBasedDirectRunner", options=options)


def run(steps, **options):
    """Play batches and watermarks; give (minute, block) by segment, and counts."""
    with TemporaryDirectory() as directory:
        with streaming() as pipeline:
            blocks = pipeline | stream_of(steps) | LearnOnline(LAYOUT, slice_length=MINUTE, **options)
            _ = blocks | beam.Map(_keep, directory)
        found = defaultdict(list)
        for path in sorted(Path(directory).iterdir()):
            (segment, signal), block = CODER.decode(path.read_bytes())
            assert signal == LEARNING_GAP
            found[segment].append((int(path.suffix[1:]) / MINUTE, block))
    return dict(found), TALLY.snapshot()


def _keep(element, directory, at=beam.DoFn.TimestampParam):
    Path(directory, f"{time.monotonic_ns():020}.{at.micros}").write_bytes(CODER.encode(element))


def gaps_of(blocks):
    return SignalValues.concatenate([decode_block(block) for _, block in blocks])


def in_order(rows, layout=LAYOUT):
    """Steps in which a minute comes, then its watermark."""
    for minute in range(MINUTES):
        yield batch(some(rows, minutes_of(rows) // 1 == minute), layout)
        yield minute + 1


def arrivals(rows, lateness, seed=2):
    """Minutes at which rows come, up to `lateness` behind the watermark."""
    return minutes_of(rows) + np.random.default_rng(seed).uniform(0, lateness, len(rows))


def arriving(rows, arrival, seed=3, parts=2):
    """Steps in which rows come in any order, when they come."""
    random = np.random.default_rng(seed)
    for minute in range(int(arrival.max()) + 1):
        which = random.permutation(np.flatnonzero(arrival // 1 == minute))
        yield from (batch(some(rows, part)) for part in np.array_split(which, parts) if len(part))
        yield minute + 1


def test_shuffled_within_the_lateness_is_as_sorted():
    rows = traffic()
    ordered, counts = run(in_order(rows), allowed_lateness=0)
    assert counts == {}
    assert sorted(ordered) == ["*", "s=A"]  # the other is still warming up
    for segment, blocks in ordered.items():
        wanted = plain(rows, segment)
        assert len(wanted.known) > 1_000
        same(gaps_of(blocks), wanted)
    shuffled, counts = run(arriving(rows, arrivals(rows, 4)), allowed_lateness=4 * MINUTE)
    assert counts == {}
    later = {segment: [(at + 4, block) for at, block in blocks] for segment, blocks in ordered.items()}
    assert shuffled == later  # byte for byte, when the lateness has passed


def taken(rows, arrival, lateness):
    """Which rows are learnt by a learner that looks at each minute's end, those too late left out."""
    known, n = minutes_of(rows), np.arange(len(rows))
    learnt, waits, last = np.zeros(len(rows), bool), np.zeros(len(rows), bool), -1
    for minute in range(MINUTES + 10):
        waits |= arrival // 1 == minute
        due = waits & (known < minute + 1 - lateness)
        waits &= ~due
        due &= n > last
        learnt |= due
        last = max(last, n[due].max(initial=-1))
    assert not waits.any()
    return learnt


def test_later_than_the_lateness_is_dropped_and_counted():
    rows = traffic()
    arrival = arrivals(rows, 4)
    found, counts = run(arriving(rows, arrival), allowed_lateness=1 * MINUTE)
    late = 0
    for segment in ("*", "s=A", "s=B"):
        inside = segment_of(rows, segment)
        at = arrival if segment == "*" else arrival[rows["segment"].to_numpy() == segment]
        learnt = taken(inside, at, 1)
        late += np.count_nonzero(~learnt)
        wanted = plain(some(inside, learnt))
        assert (len(wanted.known) > 0) == (segment in found)
        same(gaps_of(found.get(segment, [])), wanted)
    assert late > 1_000
    assert counts == {LATE: late}
    held, counts = run(arriving(rows, arrival), allowed_lateness=1 * MINUTE, hold_back=3 * MINUTE)
    assert counts == {}
    same(gaps_of(held["*"]), plain(rows))


def test_timeline_of_a_slice():
    """Learnt at minute 5 and not before; one that comes then is learnt only if next in order."""
    rows = traffic()
    known = minutes_of(rows)
    late, early, ahead = (batch(some(rows, [np.argmax(known >= m)])) for m in (0.2, 0.5, 10))
    options = {"allowed_lateness": 3 * MINUTE, "hold_back": MINUTE}
    for watermark, counts in ((4.99, {}), (5.01, {LATE: 2})):  # for its segment and all traffic
        assert run([early, ahead, watermark, late], **options) == ({}, counts)
    assert run([late, ahead, 6, early], **options) == ({}, {})


def test_gaps_come_when_the_hold_back_has_passed():
    """Although all outcomes are there from the start."""
    rows = traffic()
    found, _ = run([batch(rows)], allowed_lateness=3 * MINUTE, hold_back=MINUTE)
    wanted = plain(rows)
    same(gaps_of(found["*"]), wanted)
    # 100 at once, when the last of them is known and its minute over
    last = minutes_of(rows)[2_099::100] // 1
    times, numbers = np.unique(last, return_counts=True)
    assert [(at, len(decode_block(block).known)) for at, block in found["*"]] == [
        (minute + 1 + 4, 100 * number) for minute, number in zip(times, numbers, strict=True)
    ]


def test_outcomes_of_another_layout_are_counted_and_left_out():
    """As of predictions from before features were added or taken away, or from before a learner."""
    rows = traffic()
    kind = np.random.default_rng(5).choice(4, N, p=[0.7, 0.1, 0.1, 0.1])
    parts = [some(rows, kind == number) for number in range(4)]
    steps = []
    for minute in range(MINUTES):
        for part, layout in zip(parts, (LAYOUT, NARROWER, WIDER, None), strict=True):
            steps.append(batch(some(part, minutes_of(part) // 1 == minute), layout))
        steps.append(minute + 1)
    found, counts = run(steps, allowed_lateness=MINUTE)
    assert sorted(found) == ["*", "s=A"]
    for segment, blocks in found.items():
        wanted = plain(parts[0], segment)
        assert len(wanted.known) > 300
        same(gaps_of(blocks), wanted)
    # those with features once for their segment and once for all traffic
    assert counts == {UNUSABLE: 2 * (len(parts[1]) + len(parts[2])) + len(parts[3])}


def changes_of(gaps):
    """(detector, at, detected_at, width) of a plain detector."""
    return sorted(
        ("adwin", int(gaps.time[c.position - c.width + 1]), int(gaps.known[c.position]), c.width)
        for c in ADWIN().changes(gaps.value)
    )


def _keep_rows(rows, directory):
    Path(directory, f"{time.monotonic_ns():020}").write_bytes(RecordBatchCoder().encode(rows))


def kept(directory):
    """(segment, detection) of what was written."""
    batches = [RecordBatchCoder().decode(path.read_bytes()) for path in Path(directory).iterdir()]
    return sorted((rows["segment"][0].as_py(), row) for rows in batches for row in told(rows))


def all_changes(rows):
    wanted = {name: changes_of(plain(rows, name)) for name in ("*", "s=A")}
    assert all(wanted.values())
    return sorted((segment, row) for segment, found in wanted.items() for row in found)


@pytest.mark.parametrize("lateness", [0, 3])
def test_detections_behind_it(tmp_path, lateness):
    rows = traffic()
    wanted = all_changes(rows)
    with streaming() as pipeline:
        _ = (
            pipeline
            | stream_of(arriving(rows, arrivals(rows, lateness)))
            | LearnOnline(LAYOUT, lateness * MINUTE, slice_length=MINUTE)
            | DetectChanges("m", WATCHES, lateness * MINUTE, MINUTE, hold_back={LEARNING_GAP: MINUTE})
            | "Keep" >> beam.Map(_keep_rows, str(tmp_path))
        )
    assert kept(tmp_path) == wanted
    assert TALLY.snapshot() == {"detections": len(wanted)}


def test_outcomes_of_the_join_with_its_slice_held_back(tmp_path):
    """Predictions with features, labels a minute later, in any order; the join, the learner, the detector."""
    rows, random = traffic(), np.random.default_rng(4)
    steps = []
    for minute in range(MINUTES):
        here = random.permutation(np.flatnonzero(minutes_of(rows) // 1 == minute))
        outcomes = batch(some(rows, here))
        predictions = outcomes.select([*PREDICTIONS.names, FEATURES])
        columns = [outcomes[name] for name in ("id_high", "id_low", "known", "label")]
        labels = pa.record_batch([*columns, pa.array(["here"] * len(here))], schema=LABELS)
        steps += [(labels, minute), (predictions, minute)]
    stream = TestStream(coder=RecordBatchCoder())
    for rows_of_side, minute in steps:
        at = Timestamp(micros=minute * MINUTE)
        stream = stream.add_elements([TimestampedValue(rows_of_side, at)])
        if "score" in rows_of_side.schema.names:
            stream = stream.advance_watermark_to(at + 60)
    wanted = all_changes(rows)
    with streaming() as pipeline:
        sides = pipeline | stream.advance_watermark_to_infinity()
        joined = {
            "predictions": sides | "P" >> beam.Filter(lambda rows: "score" in rows.schema.names),
            "labels": sides | "L" >> beam.Filter(lambda rows: "label" in rows.schema.names),
        } | JoinLabels(10 * MINUTE, MINUTE, slice_length=MINUTE)
        _ = (
            joined["outcomes"]
            | LearnOnline(LAYOUT, MINUTE, hold_back=MINUTE, slice_length=MINUTE)
            | DetectChanges("m", WATCHES, MINUTE, MINUTE, hold_back={LEARNING_GAP: 2 * MINUTE})
            | "Keep" >> beam.Map(_keep_rows, str(tmp_path))
        )
    assert kept(tmp_path) == wanted
    counts = TALLY.snapshot()
    assert counts["detections"] == len(wanted)
    assert not {LATE, UNUSABLE, LATE_FOR_DETECTORS} & set(counts)


def test_bounded_input_on_the_batch_runner():
    rows = traffic()
    parts = np.array_split(np.random.default_rng(6).permutation(N), 7)
    pipeline = beam.Pipeline("FnApiRunner")
    found = (
        pipeline
        | beam.Create([batch(some(rows, part)) for part in parts])
        | LearnOnline(LAYOUT, None)
        | beam.Map(_bits)
    )
    assert_that(found, equal_to([(name, *_columns(plain(rows, name))) for name in ("*", "s=A")]))
    assert counts_of(pipeline.run()) == {}


def _bits(element):
    (segment, _), block = element
    return (segment, *_columns(decode_block(block)))


def _columns(gaps):
    return [column.tobytes() for column in gaps]


def test_slices_that_timers_cannot_end_are_refused():
    with pytest.raises(ValueError, match="slice_length 1500: give a whole number of milliseconds"):
        LearnOnline(LAYOUT, 0, slice_length=1500)


class Key:
    """State of the learner of all traffic in memory; all of it is bytes."""

    def __init__(self):
        self.waiting, self.learner, self.ledger, self.timer = Bag(), Cell(), Cell(), Timer()

    def process(self, learns, outcomes):
        block = encode_examples(dict(examples_of(outcomes)[1])["*"])
        assert not learns.process(("*", block), self.waiting, self.ledger, self.timer)

    def advance(self, learns, watermark):
        """Fire what is due; give the gaps, and see that they are stamped with the time."""
        found = []
        while self.timer.at is not None and self.timer.at.micros <= watermark:
            at, self.timer.at = self.timer.at, None
            for out in learns.follow("*", at, self.waiting, self.learner, self.ledger, self.timer):
                assert out.timestamp == at
                assert out.value[0] == ("*", LEARNING_GAP)
                found.append(decode_block(out.value[1]))
        for state in (*self.waiting.values, self.learner.value, self.ledger.value):
            assert state is None or isinstance(state, bytes)
        return found


def learner_of(delay, layout=LAYOUT):
    return LearnSegment(layout, MINUTE, delay * MINUTE)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 5), st.integers(1, 4))
def test_any_arrival_through_the_timers(seed, lateness, parts):
    """Each look is by a worker that knows only the state; gaps come as soon as they can."""
    rows, key, found = traffic(), Key(), []
    TALLY.clear()
    wanted = plain(rows)
    complete = minutes_of(rows)[2_099::100].repeat(100)  # when the last of each one's batch is known
    for step in arriving(rows, arrivals(rows, lateness, seed), seed, parts):
        if isinstance(step, pa.RecordBatch):
            key.process(learner_of(lateness), step)
        else:
            found += key.advance(learner_of(lateness), step * MINUTE)
            assert sum(len(gaps.known) for gaps in found) == np.count_nonzero(complete < step - lateness)
    found += key.advance(learner_of(lateness), 2 * MINUTES * MINUTE)
    same(SignalValues.concatenate(found), wanted)
    assert (key.waiting.values, key.timer.at) == ([], None)
    assert SignalLedger.from_bytes(key.ledger.value).due is None
    assert TALLY.snapshot().get(LATE, 0) == TALLY.snapshot().get(UNUSABLE, 0) == 0


def test_a_restart_goes_on_where_a_learner_in_one_go_would_be():
    rows, key = traffic(), Key()
    for step in arriving(rows, arrivals(rows, 2)):
        if isinstance(step, pa.RecordBatch):
            key.process(learner_of(2), step)
        else:
            key.advance(learner_of(2), step * MINUTE)
    key.advance(learner_of(2), 2 * MINUTES * MINUTE)
    block = encode_examples(dict(examples_of(batch(rows))[1])["*"])
    assert key.learner.value == learn(LearnerState(), [block], 1 << 62, LAYOUT).state.to_bytes()
    assert LearnerState.from_bytes(key.learner.value).to_bytes() == key.learner.value


def test_another_layout_of_a_running_job():
    """What waits with the features of before is counted; the learner begins anew, with its warm-up."""
    rows, key = traffic(), Key()
    TALLY.clear()
    before, waits, after = (
        some(rows, (a <= minutes_of(rows)) & (minutes_of(rows) < b))
        for a, b in ((0, 3), (3, 4), (4, MINUTES))
    )
    other = FeatureLayout(("x",), ("c",))
    key.process(learner_of(0, WIDER), batch(pa.concat_tables([before, waits]), WIDER))
    assert key.advance(learner_of(0, WIDER), 3 * MINUTE) == []  # warming up
    key.process(learner_of(0, other), batch(after, other))
    found = key.advance(learner_of(0, other), MINUTES * MINUTE)
    same(SignalValues.concatenate(found), plain(after))
    assert TALLY.snapshot() == {UNUSABLE: len(waits)}
