"""Labels on timelines of batches and watermarks: matched once, whenever they come, and all accounted for.

Slices are 1 minute long, and predictions and labels wait 10 minutes for each other::

    minute          0         5         10        15        20
    prediction      |--------- waits ---|-- remembered -----|
    its label  -----------------------------|xxxxxxxxxxxxxxx| after the deadline
"""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.request_ids import request_keys
from driftline.outcomes import LABELS, OUTCOMES, PREDICTIONS, UNMATCHED, MatchRule
from driftline.outcomes.packed_rows import decode_block
from driftline.outcomes.shard_ledger import ShardLedger
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import TALLY, counts_of
from driftline.transforms.outcomes.join_labels import JoinLabels, JoinShard, PackByShard
from tests.driftline.outcomes import brute_force

MINUTE = 60_000_000
WAIT = 10 * MINUTE
COUNTS = (
    "predictions",
    "labels",
    "matched",
    "expired",
    "duplicate_predictions",
    "duplicate_labels",
    "unmatched_labels",
)


class P(NamedTuple):
    """A prediction."""

    id: str | None
    minute: float
    score: float = 0.5
    segment: str = "*"


class L(NamedTuple):
    """A label."""

    id: str | None
    minute: float
    label: float = 1.0


def batch(rows):
    """Rows of one side as a batch."""
    high, low = request_keys(pa.array([row.id for row in rows], pa.string()))
    at = [round(row.minute * MINUTE) for row in rows]
    if isinstance(rows[0], P):
        columns, schema = [high, low, at, [r.segment for r in rows], [r.score for r in rows]], PREDICTIONS
    else:
        columns, schema = [high, low, at, [r.label for r in rows], [f"at {r.minute}" for r in rows]], LABELS
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


class Said(NamedTuple):
    """What came out: (id, time of the prediction, label, known) and (id, time, reason), minutes; counts."""

    outcomes: list
    unmatched: list
    counts: dict


def keyed(rows):
    """Name the rows of a test by their ids."""
    names = {}
    for row in rows:
        if row.id is not None:
            high, low = request_keys(pa.array([row.id]))
            names[high[0].as_py(), low[0].as_py()] = row.id
    return names


def readable(outcomes, unmatched, names):
    """Batches as sorted lists."""
    return (
        sorted(
            (names[r["id_high"], r["id_low"]], r["time"] / MINUTE, r["label"], r["known"] / MINUTE)
            for rows in outcomes
            for r in rows.to_pylist()
        ),
        sorted(
            (names.get((r["id_high"], r["id_low"])) or "", r["time"] / MINUTE, r["reason"])
            for rows in unmatched
            for r in rows.to_pylist()
        ),
    )


def run(steps, **options):
    """Play lists of rows and watermarks (minutes)."""
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
            joined = {
                "predictions": rows | "P" >> beam.Filter(lambda rows: "score" in rows.schema.names),
                "labels": rows | "L" >> beam.Filter(lambda rows: "label" in rows.schema.names),
            } | JoinLabels(WAIT, **options)
            for name, out in joined.items():
                _ = out | name >> beam.Map(_keep, directory, name)
        out = defaultdict(list)
        for path in sorted(Path(directory).iterdir()):
            out[path.name.split("-")[1]].append(RecordBatchCoder().decode(path.read_bytes()))
    assert all(rows.schema == OUTCOMES for rows in out["outcomes"])
    assert all(rows.schema == UNMATCHED for rows in out["unmatched"])
    counts = {name: TALLY.snapshot().get(name, 0) for name in COUNTS}
    assert counts["predictions"] == sum(
        counts[name] for name in ("matched", "expired", "duplicate_predictions")
    )
    assert counts["labels"] == sum(counts[n] for n in ("matched", "duplicate_labels", "unmatched_labels"))
    names = keyed(row for step in steps if isinstance(step, list) for row in step)
    said = Said(*readable(out["outcomes"], out["unmatched"], names), counts)
    assert counts["matched"] == len(said.outcomes)
    assert counts["unmatched_labels"] == len(said.unmatched)
    return said


def _keep(rows, directory, name):
    Path(directory, f"{time.monotonic_ns():020}-{name}").write_bytes(RecordBatchCoder().encode(rows))


def test_a_label_after_its_prediction():
    said = run([[P("a", 0.2), P("b", 0.3)], 1, [L("a", 4)], 5, 20])
    assert said.outcomes == [("a", 0.2, 1.0, 4)]
    assert said.counts["expired"] == 1


def test_a_label_in_the_same_slice_and_at_the_same_time():
    assert run([[L("a", 0.2)], [P("a", 0.2)], 1]).outcomes == [("a", 0.2, 1.0, 0.2)]


def test_an_early_label_waits():
    assert run([[L("a", 0.2)], 8, [P("a", 9)], 10]).outcomes == [("a", 9, 1.0, 9)]


def test_an_early_label_waits_no_longer_than_that():
    said = run([[L("a", 0.2)], 10, [P("a", 10.3)], 30])
    assert (said.outcomes, said.unmatched) == ([], [("a", 0.2, "no_prediction")])
    assert said.counts["expired"] == 1


def test_at_the_deadline_and_after_it():
    said = run([[P("a", 0.25), P("b", 0.25)], 9, [L("a", 10.25), L("b", 10.5)], 25])
    assert said.outcomes == [("a", 0.25, 1.0, 10.25)]
    assert said.unmatched == [("b", 10.5, "after_deadline")]
    assert said.counts["expired"] == 1


def test_after_the_prediction_has_expired():
    said = run([[P("a", 0.25)], 15, [L("a", 15.5)], 30])
    assert (said.outcomes, said.unmatched) == ([], [("a", 15.5, "after_deadline")])
    said = run([[P("a", 0.25)], 15, [L("a", 5.5)], 30])  # in time, but behind the watermark
    assert (said.outcomes, said.unmatched) == ([], [("a", 5.5, "after_deadline")])


def test_long_after_the_deadline():
    said = run([[P("a", 0.25)], 60, [L("a", 61)], 80])
    assert (said.unmatched, said.counts["expired"]) == ([("a", 61, "no_prediction")], 1)


def test_duplicates_of_predictions():
    rows = [[P("a", 0.2), P("a", 0.2)], 0.5, [P("a", 0.4)], 2, [P("a", 2.1)], 3, [L("a", 3.1)], 4]
    said = run([*rows, [P("a", 4.1)], 30])
    assert said.outcomes == [("a", 0.2, 1.0, 3.1)]
    assert said.counts["duplicate_predictions"] == 4


def test_duplicates_of_labels():
    rows = [[L("a", 0.1), L("a", 0.1)], 0.5, [P("a", 0.6)], 2, [L("a", 2.5, 0.0), L("b", 2.5), L("b", 2.5)]]
    said = run([*rows, 4, [L("a", 9)], 30])
    assert said.outcomes == [("a", 0.6, 1.0, 0.6)]
    assert said.unmatched == [("b", 2.5, "no_prediction")]
    assert said.counts["duplicate_labels"] == 4


def test_hours_out_of_order_within_the_allowed_lateness():
    """A label that comes three hours behind the watermark, and a prediction too."""
    late = [[P("a", 0.2)], 5, [L("b", 5.5)], 180, [L("a", 4)], 180.5, [P("b", 0.7)], 400]
    said = run(late, allowed_lateness=240 * MINUTE)
    assert said.outcomes == [("a", 0.2, 1.0, 4), ("b", 0.7, 1.0, 5.5)]


def test_hours_out_of_order_beyond_the_allowed_lateness():
    """What was said is not taken back, and nothing is lost."""
    said = run([[P("a", 0.2)], 5, [L("b", 5.5)], 180, [L("a", 4)], 180.5, [P("b", 0.7)], 400])
    assert said.outcomes == []
    assert said.unmatched == [("a", 4, "no_prediction"), ("b", 5.5, "no_prediction")]
    assert said.counts["expired"] == 2


def test_late_by_less_than_the_deadline():
    said = run([[P("a", 0.2)], 8, [L("a", 1)], 8.5, [L("b", 0.5)], 9, [P("b", 0.7)], 30])
    assert said.outcomes == [("a", 0.2, 1.0, 1), ("b", 0.7, 1.0, 0.7)]


def test_one_side_runs_hours_ahead():
    """As when a topic is read again from its start: labels of hours are there before their predictions."""
    hours = range(0, 300, 15)
    labels = [[L(f"{n}", n + 5)] for n in hours]
    predictions = [step for n in hours for step in ([P(f"{n}", n)], n + 1)]
    said = run([*labels, *predictions, 400])
    assert len(said.outcomes) == len(hours)
    assert said.counts["expired"] == said.counts["unmatched_labels"] == 0


def test_a_clock_that_is_wrong_by_a_day():
    day = 24 * 60
    said = run([[P("a", 0.2), P("b", 0.2)], 1, [L("a", day + 1), L("b", 1 - day)], 30, [P("c", 30)], 31])
    assert said.outcomes == []
    assert said.unmatched == [("a", day + 1, "no_prediction"), ("b", 1 - day, "no_prediction")]
    assert said.counts["expired"] == 3


def test_no_id_and_an_id_of_a_megabyte():
    long = "x" * 1_000_000
    said = run([[P(None, 0.2), P(long, 0.3), P(None, 0.2)], 1, [L(None, 2), L("", 2), L(long, 3)], 30])
    assert said.outcomes == [(long, 0.3, 1.0, 3)]
    assert said.unmatched == [("", 2, "no_prediction")] * 2
    assert (said.counts["expired"], said.counts["duplicate_predictions"]) == (2, 0)


class SeenAt(beam.DoFn):
    """Next step that relies on the watermark: which outcomes have come when its timer fires at minute 7."""

    HELD = BagStateSpec("seen", beam.coders.VarIntCoder())
    TIMER = TimerSpec("timer", TimeDomain.WATERMARK)

    def process(
        self,
        element,
        held=beam.DoFn.StateParam(HELD),  # noqa: B008
        timer=beam.DoFn.TimerParam(TIMER),  # noqa: B008
    ):
        for known in element[1]:
            held.add(known)
        if min(element[1]) < MINUTE:
            timer.set(Timestamp(micros=7 * MINUTE))

    @on_timer(TIMER)
    def seen(self, held=beam.DoFn.StateParam(HELD)):  # noqa: B008
        yield sorted(known / MINUTE for known in held.read())


def test_what_the_next_step_may_rely_on():
    """When its timer fires at 7 every outcome known before 7 - 1 has come, and the watermark is not held."""
    stream = TestStream(coder=RecordBatchCoder())
    for minute in range(12):
        rows = [batch([P(f"{minute}", minute + 0.1)]), batch([L(f"{minute}", minute + 0.5)])]
        stream = stream.add_elements(
            [beam.window.TimestampedValue(row, Timestamp(micros=int(minute * MINUTE))) for row in rows]
        ).advance_watermark_to(Timestamp(micros=(minute + 1) * MINUTE + 1000))
    streaming = PipelineOptions([])
    streaming.view_as(StandardOptions).streaming = True
    with beam.Pipeline("BundleBasedDirectRunner", options=streaming) as pipeline:
        rows = pipeline | stream.advance_watermark_to_infinity()
        joined = {
            "predictions": rows | "P" >> beam.Filter(lambda rows: "score" in rows.schema.names),
            "labels": rows | "L" >> beam.Filter(lambda rows: "label" in rows.schema.names),
        } | JoinLabels(WAIT)
        seen = (
            joined["outcomes"]
            | "Known" >> beam.Map(lambda rows: (0, rows["known"].to_pylist()))
            | "Seen" >> beam.ParDo(SeenAt())
        )
        assert_that(seen, equal_to([[0.5, 1.5, 2.5, 3.5, 4.5, 5.5]]))


def test_nothing_is_pickled_on_its_way():
    pipeline = beam.Pipeline("FnApiRunner")
    some = pipeline | beam.Create([batch([P("a", 1)])])
    joined = {"predictions": some, "labels": some} | JoinLabels(WAIT)
    assert {name: out.element_type for name, out in joined.items()} == {
        "outcomes": pa.RecordBatch,
        "unmatched": pa.RecordBatch,
    }
    key, value = joined["outcomes"].producer.inputs[0].element_type.tuple_types
    assert (key, value) == (int, bytes)


def test_bounded_input_on_the_batch_runner():
    predictions = [P("a", 0.2), P("b", 500), P("a", 0.4), P("c", 700)]
    labels = [L("b", 505), L("a", 3, 0.0), L("c", 900), L(None, 4)]
    pipeline = beam.Pipeline("FnApiRunner")
    joined = {
        "predictions": pipeline | "P" >> beam.Create([batch([row]) for row in predictions]),
        "labels": pipeline | "L" >> beam.Create([batch([row]) for row in labels]),
    } | JoinLabels(WAIT, allowed_lateness=None)
    stamped = joined["outcomes"] | beam.Map(
        lambda rows, at=beam.DoFn.TimestampParam: (rows["known"].to_pylist(), at.micros / MINUTE)
    )
    assert_that(stamped, equal_to([([3 * MINUTE], 4), ([505 * MINUTE], 506)]))
    reasons = joined["unmatched"] | "R" >> beam.FlatMap(lambda rows: rows["reason"].to_pylist())
    assert_that(reasons, equal_to(["no_prediction"] * 2), "reasons")
    result = pipeline.run()
    wanted = (4, 4, 2, 1, 1, 0, 2)
    assert {n: counts_of(result).get(n, 0) for n in COUNTS} == dict(zip(COUNTS, wanted, strict=True))


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


class Cell:
    value = None

    def read(self):
        return self.value

    def write(self, value):
        self.value = value


class Timer:
    at = None

    def set(self, at):
        self.at = at


class Shard:
    """One key of the join with state in memory."""

    def __init__(self):
        self.arrived, self.held, self.later = Bag(), Bag(), Bag()
        self.ledger, self.timer = Cell(), Timer()

    def process(self, join, block):
        assert not join.process((0, block), self.arrived, self.later, self.ledger, self.timer)

    def fire(self, join):
        at, self.timer.at = self.timer.at, None
        return list(join.look(at, self.arrived, self.held, self.later, self.ledger, self.timer))


def blocks_of(rows):
    pack = PackByShard()
    pack.start_bundle()
    assert not list(pack.process(batch(rows)))
    return [element.value for element in pack.finish_bundle()]


ids = st.sampled_from("abcdef")
rows_of_events = st.lists(
    st.builds(P, ids, st.integers(0, 900).map(lambda n: n / 10), st.sampled_from([0.1, 0.9]))
    | st.builds(L, ids, st.integers(0, 900).map(lambda n: n / 10), st.sampled_from([0.0, 1.0])),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(rows_of_events, st.randoms(use_true_random=False), st.sampled_from([0, 3, 40]))
def test_any_arrival_equals_a_batch_join(rows, random, lateness):
    """Through the DoFns with their timers: a row comes no later than the lateness behind the watermark."""
    join = JoinShard(MatchRule(WAIT, WAIT), MINUTE, lateness * MINUTE)
    join._ahead = random.choice([MINUTE, 30 * MINUTE])
    shards, said = defaultdict(Shard), []
    left = [(row, row.minute + lateness - random.random() * 120) for row in rows]
    random.shuffle(left)
    for watermark in [*range(100 + lateness), 10_000]:
        some, left = [r for r in left if r[1] < watermark], [r for r in left if r[1] >= watermark]
        for row, _ in some:
            for shard, block in blocks_of([row]):
                shards[shard].process(join, block)
        for shard in shards.values():
            while shard.timer.at is not None and shard.timer.at.micros <= watermark * MINUTE:
                said += shard.fire(join)
    names = keyed(rows)
    outcomes = [x.value for x in said if not isinstance(x, beam.pvalue.TaggedOutput)]
    unmatched = [x.value.value for x in said if isinstance(x, beam.pvalue.TaggedOutput)]
    found = brute_force.join(
        [(r.id, r.minute, r.segment, r.score) for r in rows if isinstance(r, P)],
        [(r.id, r.minute, r.label) for r in rows if isinstance(r, L)],
        10,
        10,
    )
    assert readable(outcomes, unmatched, names) == (
        sorted((r[0], r[1], r[4], r[5]) for r in found.outcomes),
        sorted((r[0], r[1], r[3]) for r in found.unmatched),
    )
    for element in said:
        value = element.value if isinstance(element, beam.pvalue.TaggedOutput) else element
        at = value.timestamp.micros
        if not isinstance(element, beam.pvalue.TaggedOutput):
            known = value.value["known"].to_pylist()
            assert all(at - (lateness + 1) * MINUTE <= k < at - lateness * MINUTE for k in known)
    for shard in shards.values():
        assert shard.held.values == shard.arrived.values == shard.later.values == []
        assert shard.timer.at is None


def test_no_timer_fires_where_nothing_happens():
    join, shard = JoinShard(MatchRule(WAIT, 0), MINUTE, 0), Shard()
    ((_, block),) = blocks_of([P("a", 0.5)])
    shard.process(join, block)
    fired = []
    while shard.timer.at is not None:
        fired.append(shard.timer.at.micros / MINUTE)
        shard.fire(join)
    assert fired == [1, 11]


def test_rows_far_ahead_are_not_read_before_their_turn():
    join, shard = JoinShard(MatchRule(WAIT, 0), MINUTE, 0), Shard()
    for rows in ([P("a", 0.5)], [L("a", 200.5)]):
        for _, block in blocks_of(rows):
            shard.process(join, block)
    shard.fire(join)
    assert len(shard.later.values) == 1
    for _, block in blocks_of([L("a", 2), L("a", 300)]):  # parted on arrival
        shard.process(join, block)
    assert [decode_block(data).rows.time.tolist() for data in shard.later.values] == [
        [round(200.5 * MINUTE)],
        [300 * MINUTE],
    ]
    before = shard.later.written
    ((outcome,), *_) = [said for said in (shard.fire(join) for _ in range(1)) if said]
    assert outcome.value["known"].to_pylist() == [2 * MINUTE]
    assert shard.later.written == before
    assert ShardLedger.from_bytes(shard.ledger.value).later == round(200.5 * MINUTE)


def test_a_timer_that_was_replaced_does_not_look_ahead():
    join, shard = JoinShard(MatchRule(WAIT, 0), MINUTE, 0), Shard()
    for rows in ([P("a", 5.5)], [L("a", 5.6)]):
        for _, block in blocks_of(rows):
            shard.process(join, block)
    assert shard.timer.at == Timestamp(micros=6 * MINUTE)
    shard.timer.at = Timestamp(micros=2 * MINUTE)
    assert shard.fire(join) == []
    assert shard.timer.at == Timestamp(micros=6 * MINUTE)
    assert len(shard.fire(join)) == 1


def test_a_timer_that_nobody_waits_for():
    shard = Shard()
    shard.timer.at = Timestamp(0)
    assert shard.fire(JoinShard(MatchRule(WAIT, 0), MINUTE, 0)) == []
    assert shard.ledger.value is None


def test_slices_that_no_timer_can_end_are_refused():
    for length in (0, 1_500):
        with pytest.raises(ValueError, match="whole number of milliseconds"):
            JoinLabels(WAIT, slice_length=length)


def test_a_bundle_makes_one_block_a_shard(monkeypatch):
    pack = PackByShard()
    pack.start_bundle()
    for number in range(50):
        assert not list(pack.process(batch([P(f"{number}-{n}", 3.5 + n) for n in range(20)])))
    elements = list(pack.finish_bundle())
    assert len(elements) == len({element.value[0] for element in elements}) == 32
    assert sum(len(decode_block(element.value[1]).rows) for element in elements) == 1000
    assert min(element.timestamp.micros for element in elements) == 3.5 * MINUTE
    assert not list(pack.finish_bundle())
    monkeypatch.setattr(PackByShard, "MOST_ROWS", 2)
    assert list(pack.process(batch([P("a", 1), P("b", 1)])))


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"\x00" + data])
def test_damaged_state_is_an_error_and_not_a_guess(damage):
    join, shard = JoinShard(MatchRule(WAIT, 0), MINUTE, 0), Shard()
    ((_, block),) = blocks_of([P("a", 0.5)])
    shard.process(join, block)
    shard.arrived.values = [damage(block)]
    with pytest.raises(ValueError, match="block of predictions"):
        shard.fire(join)
