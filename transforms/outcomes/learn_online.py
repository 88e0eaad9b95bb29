"""Learn from outcomes beside the frozen model: by how much its loss is above the learner's, as a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindows

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.learning import LearnerState, encode_examples, examples_of, first_known, learn
from driftline.signals import encode_block
from driftline.signals.signal_values import parts
from driftline.tables.detections import LEARNING_GAP
from driftline.transforms.counters import count
from driftline.transforms.follow_in_order import Followed, FollowInOrder
from driftline.transforms.looks import SLICE, checked_slice
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.timestamps import stamped, whole_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.learning import Learnt
    from driftline.outcomes.travelling_features import FeatureLayout

#: Outcomes that came too late to be learnt in order, once a learner, and were dropped.
LATE: Final = "late_for_learning"

#: Outcomes without usable score, label or features, once a learner at most.
UNUSABLE: Final = "unusable_for_learning"


class MakeExamples(GatherBundle):
    """From batches of outcomes with features to examples of each segment and all traffic.

    An element is stamped with its earliest outcome.
    """

    MOST_ROWS: ClassVar[int] = 65_536

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Make examples."""
        left_out, examples_by_segment = examples_of(batch)
        count(UNUSABLE, left_out)
        for segment, examples in examples_by_segment:
            block = encode_examples(examples)
            yield stamped((segment, block), first_known(block))


class LearnSegment(FollowInOrder):
    """Let the learner of a segment take its outcomes in order, all that are due when a slice is over.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.
    delay
        How long after a slice the outcomes known in it are learnt, microseconds; None for bounded input.
    """

    WAITING = BagStateSpec("learn_waiting_v1", BytesCoder())
    LEARNER = ReadModifyWriteStateSpec("learn_learner_v1", BytesCoder())
    LEDGER = ReadModifyWriteStateSpec("learn_ledger_v1", BytesCoder())
    DUE = TimerSpec("learn_due_v1", TimeDomain.WATERMARK)

    def __init__(self, layout: FeatureLayout, slice_length: int, delay: int | None) -> None:
        super().__init__(slice_length)
        self._layout = layout
        self._delay = delay

    def process(
        self,
        element: tuple[str, bytes],
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep outcomes until their slice is over."""
        self.keep(element, waiting, ledger, due)

    @on_timer(DUE)
    def follow(  # noqa: PLR0917  (states and timers are parameters)
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        learner=beam.DoFn.StateParam(LEARNER),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> Iterator[WindowedValue]:
        """Learn what is due."""
        yield from self.follow_due(key, at, waiting, learner, ledger, due)

    def is_followed(self, key: str) -> bool:  # noqa: ARG002
        """Learn for every segment that comes."""
        return True

    def delay(self, key: str) -> int | None:  # noqa: ARG002
        """Give the delay, the same for all."""
        return self._delay

    def first_known(self, block: bytes) -> int:
        """Read the earliest time of a block."""
        return first_known(block)

    def advance(self, key: str, state: bytes | None, blocks: Sequence[bytes], cut: int) -> Followed:
        """Learn what is due."""
        before = LearnerState.from_bytes(state) if state else LearnerState()
        found = learn(before, blocks, cut, self._layout)
        count(LATE, found.late)
        count(UNUSABLE, found.unusable)
        return Followed(found.state.to_bytes(), found.pending, found.next, list(_said(key, found)))


@dataclass
class LearnOnline(beam.PTransform):
    """From outcomes with features to blocks of the signal ``learning_gap``, for each segment and all traffic.

    Parameters
    ----------
    layout
        The features to learn from; outcomes that lack them are left out and counted.
    allowed_lateness
        How far behind the watermark outcomes may come and still be learnt in order, microseconds. All wait
        for so long. None for bounded input, which is learnt when all of it is there.
    hold_back
        How far outcomes come behind the watermark although they are not late, microseconds: the slice length
        of `JoinLabels`.
    slice_length
        How much event time is learnt together, microseconds; whole milliseconds.

    Notes
    -----
    The elements are ``((segment, "learning_gap"), block)``, as `DetectChanges` takes them; give that
    `hold_back` + `slice_length` to hold back. A gap has the times of its outcome, but a batch of 100 comes
    when the last of it is known: up to 99 gaps wait for the next outcomes. They come in order, so none is
    ever late for a detector.

    A segment keeps its learner: with k numeric features, c categorical ones and a batch of 100, at most about
    40 k + 99 (8 k + 4 c + 20) bytes, 2 kB more with categorical features, and 5 kB for the partial batch. It
    also keeps the outcomes that wait for their slice to be over, 29 to 41 bytes and 8 k + 4 c each, once for
    the segment and once for all traffic.
    """

    layout: FeatureLayout
    allowed_lateness: int | None
    hold_back: int = 0
    slice_length: int = SLICE

    def __post_init__(self) -> None:
        """Refuse what the workers could not run."""
        checked_slice(self.slice_length)

    def expand(self, outcomes: beam.PCollection) -> beam.PCollection:
        """Learn segment by segment."""
        late = self.allowed_lateness
        delay = None if late is None else whole_milliseconds(late + self.hold_back)
        examples = beam.ParDo(MakeExamples()).with_output_types(tuple[str, bytes])
        learners = beam.ParDo(LearnSegment(self.layout, self.slice_length, delay))
        return (
            outcomes
            | "Examples" >> examples
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Learn" >> learners.with_output_types(tuple[tuple[str, str], bytes])
        )


def _said(segment: str, found: Learnt) -> Iterator[tuple[Any, int]]:
    for gaps in parts(found.gaps):
        yield ((segment, LEARNING_GAP), encode_block(gaps)), int(gaps.known[-1])
