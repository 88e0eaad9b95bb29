"""Follow features and performance from window to window: take what is followed of rows, scan it in order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindows

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.transforms.counters import count
from driftline.transforms.follow_in_order import Followed, FollowInOrder
from driftline.transforms.looks import SLICE
from driftline.transforms.timestamps import stamped, whole_milliseconds
from driftline.trends import (
    FollowedWindows,
    TrendState,
    advance_trends,
    alarm_limit,
    features_followed,
    followed_part,
    followed_windows,
    trend_batch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.baseline import Baseline
    from driftline.config.budgets import AlarmBudget
    from driftline.transforms.spine.baseline_source import BaselineSource
    from driftline.trends import FollowedPart

#: (segment label, name of the part)
TrendKey = tuple[str, str]

if TYPE_CHECKING:
    Take = Callable[[pa.RecordBatch, Baseline], Iterator[tuple[TrendKey, FollowedWindows]]]

#: Windows that were settled after a later one was followed.
LATE: Final = "late_for_trends"


class TakeWindows(beam.DoFn):
    """From batches of rows to what trends follow; an element is stamped with its earliest window.

    Parameters
    ----------
    take
        What takes windows from a batch.
    """

    def __init__(self, baseline: BaselineSource, take: Take) -> None:
        self._source = baseline
        self._take = take

    def setup(self) -> None:
        """Read the baseline."""
        self._source.get()

    def start_bundle(self) -> None:
        """Look for a new version."""
        self._source.refresh()

    def process(self, rows: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Take windows."""
        for key, windows in self._take(rows, self._source.get()):
            yield stamped((key, windows.to_bytes()), windows.first_known)


class FollowTrends(FollowInOrder):
    """Scan the windows of a (segment, part) in order, all that are due when a slice is over.

    Parameters
    ----------
    budget
        False alarms that all trends of the model may raise.
    wait
        How long after its end a window is followed, microseconds; None for bounded input.

    Notes
    -----
    What a (segment, part) remembers are the newest windows of its features, and the alarms that are on.
    """

    WAITING = BagStateSpec("trend_waiting_v1", BytesCoder())
    WINDOWS = ReadModifyWriteStateSpec("trend_windows_v1", BytesCoder())
    LEDGER = ReadModifyWriteStateSpec("trend_ledger_v1", BytesCoder())
    DUE = TimerSpec("trend_due_v1", TimeDomain.WATERMARK)

    def __init__(self, baseline: BaselineSource, budget: AlarmBudget, wait: int | None) -> None:
        super().__init__(SLICE)
        self._source = baseline
        self._budget = budget
        self._wait = wait
        self._version, self._limit = "", 0.0
        self._parts: dict[TrendKey, FollowedPart] = {}

    def setup(self) -> None:
        """Read the baseline."""
        self._source.get()

    def start_bundle(self) -> None:
        """Look for a new version."""
        self._source.refresh()

    def process(
        self,
        element: tuple[TrendKey, bytes],
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep windows until their slice is over."""
        self.keep(element, waiting, ledger, due)

    @on_timer(DUE)
    def follow(  # noqa: PLR0917  (states and timers are parameters)
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        windows=beam.DoFn.StateParam(WINDOWS),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> Iterator[WindowedValue]:
        """Follow what is due."""
        yield from self.follow_due(key, at, waiting, windows, ledger, due)

    def is_followed(self, key: TrendKey) -> bool:
        """Say whether the newest baseline has the (segment, part)."""
        return key in self._source.get().entries

    def delay(self, key: TrendKey) -> int | None:  # noqa: ARG002
        """Give the delay, the same for all."""
        return self._wait

    def first_known(self, block: bytes) -> int:
        """Read when the first window of a block was over."""
        return FollowedWindows.from_bytes(block).first_known

    def advance(self, key: TrendKey, state: bytes | None, blocks: Sequence[bytes], cut: int) -> Followed:
        """Scan what is due."""
        baseline = self._source.get()
        followed = self._followed(baseline, key)
        found = advance_trends(TrendState.from_bytes(state) if state else None, blocks, cut, followed)
        count(LATE, found.late)
        said = []
        if found.trends:
            now = time.time_ns() // 1000
            rows = trend_batch(
                found.trends, baseline=baseline, segment=key[0], limit=followed.limit, emitted_at=now
            )
            said.append((rows, max(trend.start for trend in found.trends) + baseline.size))
        return Followed(found.state.to_bytes(), found.pending, found.next, said)

    def _followed(self, baseline: Baseline, key: TrendKey) -> FollowedPart:
        """Give what is known of a part; read once for each version of the baseline."""
        if self._version != baseline.version:
            self._version, self._parts = baseline.version, {}
            alarms = self._budget.in_time(baseline.size)
            self._limit = alarm_limit(alarms, features_followed(baseline))
        if key not in self._parts:
            self._parts[key] = followed_part(baseline, *key, self._limit)
        return self._parts[key]


@dataclass
class Trends(beam.PTransform):
    """From batches of result rows, or of performance rows, to rows of the table `trends`.

    Parameters
    ----------
    baseline
        What the rows were judged by.
    budget
        False alarms that all trends of the model may raise.
    corrected_for
        How long after its end a window may still be corrected, microseconds; all trends wait for so long.
        None for bounded input, which is followed when all of it is there.
    take
        `followed_windows` of result rows, `performance_windows` of performance rows.

    Notes
    -----
    What waits is merged whenever a window is followed. Until then it holds each window as often as it came
    with all its labels: some 150 bytes for every component of performance.
    """

    baseline: BaselineSource
    budget: AlarmBudget
    corrected_for: int | None
    take: Take = followed_windows

    def expand(self, rows: beam.PCollection) -> beam.PCollection:
        """Follow each part of each segment."""
        late = self.corrected_for
        wait = None if late is None else whole_milliseconds(late + SLICE)
        take = beam.ParDo(TakeWindows(self.baseline, self.take))
        follow = FollowTrends(self.baseline, self.budget, wait)
        return (
            rows
            | "TakeWindows" >> take.with_output_types(tuple[tuple[str, str], bytes])
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Follow" >> beam.ParDo(follow).with_output_types(pa.RecordBatch)
        )
