"""Join predictions with their labels, which come early, late, out of order, twice, or never."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam import pvalue
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.outcomes import LABELS, NO_PREDICTION, PREDICTIONS, UNMATCHED, MatchRule, settle
from driftline.outcomes.packed_rows import first_time
from driftline.outcomes.shard_ledger import ShardLedger
from driftline.outcomes.shards import pack_by_shard, without_id
from driftline.outcomes.travelling_features import FEATURES
from driftline.outcomes.waiting import split
from driftline.transforms.counters import count
from driftline.transforms.looks import SLICE, Looks, checked_slice
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.timestamps import stamped, whole_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.outcomes import Settled

OUTCOMES_OUT: Final = "outcomes"
UNMATCHED_OUT: Final = "unmatched"

PREDICTIONS_COUNT: Final = "predictions"
LABELS_COUNT: Final = "labels"
MATCHED: Final = "matched"
EXPIRED: Final = "expired"
DUPLICATE_PREDICTIONS: Final = "duplicate_predictions"
DUPLICATE_LABELS: Final = "duplicate_labels"
UNMATCHED_LABELS: Final = "unmatched_labels"

_ROWS_A_BATCH: Final = 65_536


class PackByShard(GatherBundle):
    """Pack batches of predictions or of labels by shard of request id.

    An element is stamped with its earliest row. A prediction without a request id can have no label and
    counts as expired; a label without one is unmatched.
    """

    def process(self, batch: pa.RecordBatch) -> Iterator[WindowedValue | pvalue.TaggedOutput]:
        """Gather a batch of one side."""
        labels = "label" in batch.schema.names
        count(LABELS_COUNT if labels else PREDICTIONS_COUNT, batch.num_rows)
        names = {FEATURES, *(LABELS if labels else PREDICTIONS).names}
        batch, nameless = without_id(batch.select([name for name in batch.schema.names if name in names]))
        if nameless.num_rows:
            count(UNMATCHED_LABELS if labels else EXPIRED, nameless.num_rows)
            if labels:
                yield pvalue.TaggedOutput(UNMATCHED_OUT, _without_prediction(nameless))
        yield from self.gather(batch)

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Pack rows."""
        for shard, first, block in pack_by_shard(batch):
            yield stamped((shard, block), first)


class JoinShard(beam.DoFn):
    """Match predictions and labels of a shard, all that is due at once, when a slice of event time is over.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.
    allowed_lateness
        How long after the end of a slice its rows are looked at, microseconds; None for bounded input.

    Notes
    -----
    Rows are packed into blocks; a block is an element of a bag. A row is written when it arrives, again with
    the rest of its slice when that is looked at, and again whenever a third of what is held is of no more
    use. What becomes of a row is a mark of 5 bytes. A look reads everything that is held. Rows far ahead of
    the others, as when one source lags or a clock is wrong, are put aside until it is almost their turn.
    """

    ARRIVED = BagStateSpec("join_arrived_v1", BytesCoder())
    HELD = BagStateSpec("join_held_v1", BytesCoder())
    LATER = BagStateSpec("join_later_v1", BytesCoder())
    LEDGER = ReadModifyWriteStateSpec("join_ledger_v1", BytesCoder())
    DUE = TimerSpec("join_due_v1", TimeDomain.WATERMARK)

    def __init__(self, rule: MatchRule, slice_length: int, allowed_lateness: int | None) -> None:
        self._rule = rule
        delay = None if allowed_lateness is None else whole_milliseconds(allowed_lateness)
        self._looks = Looks(slice_length, delay)
        self._ahead = max(rule.wait // 4, 16 * slice_length)

    def process(
        self,
        element: tuple[int, bytes],
        arrived=beam.DoFn.StateParam(ARRIVED),  # noqa: ANN001, B008
        later=beam.DoFn.StateParam(LATER),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep rows until their slice is over."""
        _, block = element
        before = ShardLedger.from_bytes(ledger.read())
        near, far = (block, None) if before.horizon is None else split(block, before.horizon)
        after = replace(before, due=_first(before.due, self._looks.due(first_time(block), before.cut)))
        if near is not None:
            arrived.add(near)
        if far is not None:
            later.add(far)
            after = replace(after, later=_first(before.later, first_time(far)))
        if after.due != before.due:
            due.set(Timestamp(micros=after.due))
        if after != before:
            ledger.write(after.to_bytes())

    @on_timer(DUE)
    def look(  # noqa: PLR0917  (states and timers are parameters)
        self,
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        arrived=beam.DoFn.StateParam(ARRIVED),  # noqa: ANN001, B008
        held=beam.DoFn.StateParam(HELD),  # noqa: ANN001, B008
        later=beam.DoFn.StateParam(LATER),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> Iterator[WindowedValue | pvalue.TaggedOutput]:
        """Match what is due."""
        before = ShardLedger.from_bytes(ledger.read())
        if before.due is None:
            return
        now = min(at.micros, before.due)  # never look further than the watermark is sure to be
        cut = self._looks.cut(now)
        horizon = None if self._looks.delay is None else cut + self._ahead
        blocks, put_aside = list(arrived.read()), before.later
        arrived.clear()
        if put_aside is not None and put_aside < cut + self._looks.slice_length:
            blocks += later.read()
            later.clear()
            put_aside = None
        found = settle(list(held.read()), blocks, cut, self._rule, horizon)
        if found.instead:
            held.clear()
        for block in found.blocks:
            held.add(block)
        for block in found.later:
            later.add(block)
            put_aside = _first(put_aside, first_time(block))
        following = _first(found.next, put_aside)
        again = None if following is None else self._looks.due(following, cut)
        if again is not None:
            due.set(Timestamp(micros=again))
        ledger.write(ShardLedger(cut, again, horizon, put_aside).to_bytes())
        _count(found)
        yield from self._said(found, now)

    def _said(self, found: Settled, now: int) -> Iterator[WindowedValue | pvalue.TaggedOutput]:
        for batch in _batches(found.outcomes):
            yield stamped(batch, self._looks.stamp(pc.max(batch["known"]).as_py(), now))
        for batch in _batches(found.unmatched):
            at = self._looks.stamp(pc.max(batch["time"]).as_py(), now)
            yield pvalue.TaggedOutput(UNMATCHED_OUT, stamped(batch, at))


@dataclass
class JoinLabels(beam.PTransform):
    """From ``{"predictions": ..., "labels": ...}`` to ``{"outcomes": ..., "unmatched": ...}``.

    All four are record batches, with the columns of `PREDICTIONS`, `LABELS`, `OUTCOMES` and `UNMATCHED`.
    Encoded features of predictions travel along if there are any.

    Parameters
    ----------
    wait
        How far apart the times of a prediction and its label may be, microseconds.
    allowed_lateness
        How far behind the watermark rows may come and still be joined as if they had come in order,
        microseconds. All outcomes wait for so long. Rows that come later still are joined with what is there.
        None for bounded input, which is joined when all of it is there.
    remember
        How long after its deadline a prediction is remembered, microseconds, to tell labels that come too
        late from labels without a prediction; `wait` by default. It takes two thirds of the state of a
        waiting prediction.
    slice_length
        How much event time is looked at together, microseconds; whole milliseconds. Every look reads all
        that is held, so with many predictions and a long wait a slice should be longer.

    Notes
    -----
    A look at time T, a multiple of `slice_length` plus `allowed_lateness`, finds all outcomes not found
    before whose ``known`` is before T - `allowed_lateness`. Its output has the timestamp T, and the timer for
    the next look holds the watermark of the output back until then. So when a timer of the next step fires at
    D, every outcome with ``known`` < D - `slice_length` - `allowed_lateness` has come, except those of rows
    later than the allowed lateness. Beam's Python timers take no output timestamp, so the watermark cannot be
    held further back than the timer itself. BundleBasedDirectRunner does not hold it at all: where the
    watermark jumps over many slices at once, the next step's timers may fire first. Bounded output is stamped
    with the end of the slice of its latest row.

    The counters are ``predictions`` = matched + expired + duplicate_predictions + what waits, and ``labels``
    = matched + unmatched_labels + duplicate_labels + what waits.
    """

    wait: int
    allowed_lateness: int | None = 0
    remember: int | None = None
    slice_length: int = SLICE

    def __post_init__(self) -> None:
        """Refuse what the workers could not run."""
        checked_slice(self.slice_length)

    def expand(self, rows: dict[str, beam.PCollection]) -> dict[str, beam.PCollection]:
        """Pack both sides by shard, then match each shard when a slice of event time is over."""
        rule = MatchRule(self.wait, self.wait if self.remember is None else self.remember)
        block = tuple[int, bytes]
        batches = {UNMATCHED_OUT: pa.RecordBatch}  # named, so that no output is ever pickled
        predictions = rows["predictions"] | "PackPredictions" >> beam.ParDo(PackByShard()).with_output_types(
            block
        )
        labels = rows["labels"] | "PackLabels" >> beam.ParDo(PackByShard()).with_output_types(
            block, **batches
        ).with_outputs(UNMATCHED_OUT, main="blocks")
        joined = (
            (predictions, labels["blocks"])
            | "Flatten" >> beam.Flatten()
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Join"
            >> beam.ParDo(JoinShard(rule, self.slice_length, self.allowed_lateness))
            .with_output_types(pa.RecordBatch, **batches)
            .with_outputs(UNMATCHED_OUT, main=OUTCOMES_OUT)
        )
        unmatched = (labels[UNMATCHED_OUT], joined[UNMATCHED_OUT]) | "Unmatched" >> beam.Flatten()
        return {OUTCOMES_OUT: joined[OUTCOMES_OUT], UNMATCHED_OUT: unmatched}


def _first(one: int | None, other: int | None) -> int | None:
    return min((time for time in (one, other) if time is not None), default=None)


def _batches(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, _ROWS_A_BATCH):
        yield batch.slice(start, _ROWS_A_BATCH)


def _without_prediction(labels: pa.RecordBatch) -> pa.RecordBatch:
    reason = pa.array([NO_PREDICTION] * labels.num_rows, pa.string())
    return pa.RecordBatch.from_arrays([*labels.columns, reason], schema=UNMATCHED)


def _count(found: Settled) -> None:
    count(MATCHED, found.outcomes.num_rows)
    count(UNMATCHED_LABELS, found.unmatched.num_rows)
    count(EXPIRED, found.expired)
    count(DUPLICATE_PREDICTIONS, found.duplicate_predictions)
    count(DUPLICATE_LABELS, found.duplicate_labels)
