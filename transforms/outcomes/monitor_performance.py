"""Monitor how well a model does, by window of its predictions, as labels come: early, late, or never."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.outcomes.travelling_features import without_features
from driftline.performance import Loss, PerformanceReference, performance_batch, performance_row
from driftline.performance.look import drop_forgotten, first_due, look
from driftline.performance.periods import merge_periods, profile_periods, usable
from driftline.performance.progress import Progress
from driftline.performance.window_rule import WindowRule
from driftline.transforms.counters import count
from driftline.transforms.looks import SLICE
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.timestamps import END_OF_TIME, LAST, stamped, whole_milliseconds
from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.utils.windowed_value import WindowedValue

PERFORMANCE_ROWS: Final = "performance_rows"
PERFORMANCE_TOO_LATE: Final = "performance_too_late"
"""Predictions and outcomes that came after their windows were forgotten; for the segment and for ``*``."""
PERFORMANCE_UNUSABLE: Final = "performance_unusable"
"""Predictions and outcomes whose score or label is not one that the loss is for."""

_ROWS_A_BATCH: Final = 1_024
_SLACK: Final = 60_000_000  # time for what has come to pass the steps before
_MERGE_FROM: Final = 256 << 10  # bytes that may arrive before they are merged


class References(Protocol):
    """Gives the performance that is taken as normal. It travels to the workers by pickle."""

    @property
    def version(self) -> str | None:
        """Version of the baseline; None without one."""

    def refresh(self) -> None:
        """Look for a new version: called when a bundle starts."""

    def reference(self, segment: str) -> PerformanceReference | None:
        """Give the reference of a segment label, of the loss of the job; None if there is none."""


class NoReferences:
    """There is no baseline: rows have nothing to be compared with, and scores are taken as probabilities."""

    version = None

    def refresh(self) -> None:
        """Stay."""

    def reference(self, segment: str) -> None:
        """Give none."""


class ProfilePeriods(GatherBundle):
    """Profile predictions, or outcomes, by segment and period.

    Its output is stamped so that the watermark does not pass the end of the earliest period, or the time of
    the earliest outcomes, while it is on its way.

    Parameters
    ----------
    every
        Length of a period, microseconds.
    """

    def __init__(self, loss: Loss, every: int) -> None:
        self._loss = loss
        self._every = every

    def start_bundle(self) -> None:
        """Begin with nothing."""
        super().start_bundle()
        self._at = END_OF_TIME

    def process(
        self,
        batch: pa.RecordBatch,
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
    ) -> Iterator[WindowedValue]:
        """Gather the usable rows of a batch."""
        if not self._loss.probabilities:
            batch = without_features(batch)
        good = usable(batch, self._loss)
        if not good.all():
            count(PERFORMANCE_UNUSABLE, int((~good).sum()))
            batch = batch.filter(pa.array(good))
        if batch.num_rows:
            self._at = min(self._at, at.micros)
        yield from self.gather(batch)

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Profile rows."""
        outcomes = "label" in batch.schema.names
        for segment, part in profile_periods(batch, self._loss, self._every):
            end = (min(part.profiles) + 1) * self._every
            yield stamped((segment, part.to_bytes()), self._at if outcomes else end - MILLISECOND)


class GiveWindows(beam.DoFn):
    """Keep the periods of a segment; give its windows when they end, and again as labels come.

    Parameters
    ----------
    min_n
        Outcomes below which a row says ``insufficient``.
    bounded
        Whether all input is there before the first window is given.

    Notes
    -----
    One bag holds what has arrived since the last look and is merged whenever it has doubled. Another holds an
    element a period and one for the rolling error. Both are read and written at every look, and only then. A
    period takes some 5 kB, at most 10 kB, and is held from its start until `keep` after its last window. The
    rolling error takes 28 kB, or 36 kB where losses are not 0 or 1. With windows every 15 minutes a segment
    takes about 80 kB where labels are waited for for 2 hours and half a megabyte for a day, whatever its
    traffic; and three times as much, or 256 kB, before what has arrived is merged.
    """

    ARRIVED = BagStateSpec("performance_arrived_v1", BytesCoder())
    HELD = BagStateSpec("performance_held_v1", BytesCoder())
    PROGRESS = ReadModifyWriteStateSpec("performance_progress_v1", BytesCoder())
    DUE = TimerSpec("performance_due_v1", TimeDomain.WATERMARK)

    def __init__(
        self, model: str, rule: WindowRule, references: References, min_n: int, *, bounded: bool
    ) -> None:
        self._model = model
        self._rule = rule
        self._references = references
        self._min_n = min_n
        self._bounded = bounded

    def start_bundle(self) -> None:
        """Look for a new version of the baseline."""
        self._references.refresh()

    def process(
        self,
        element: tuple[str, bytes],
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        arrived=beam.DoFn.StateParam(ARRIVED),  # noqa: ANN001, B008
        progress=beam.DoFn.StateParam(PROGRESS),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep what arrives until it is time to look."""
        before = Progress.from_bytes(progress.read())
        part, dropped = drop_forgotten(element[1], self._rule, before.now)
        count(PERFORMANCE_TOO_LATE, dropped)
        wanted = LAST if self._bounded else first_due(part, self._rule, now=before.now, at=at.micros)
        after = replace(before, arrived=before.arrived + len(part))
        if wanted is not None and (before.due is None or wanted < before.due):
            after = replace(after, due=wanted)
            due.set(Timestamp(micros=wanted))
        if after.arrived > max(_MERGE_FROM, 2 * before.merged):
            part = merge_periods([*arrived.read(), part], self._rule.every)
            arrived.clear()
            after = replace(after, arrived=len(part), merged=len(part))
        arrived.add(part)
        progress.write(after.to_bytes())

    @on_timer(DUE)
    def look(  # noqa: PLR0917  (states and timers are parameters)
        self,
        segment=beam.DoFn.KeyParam,  # noqa: ANN001
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        arrived=beam.DoFn.StateParam(ARRIVED),  # noqa: ANN001, B008
        held=beam.DoFn.StateParam(HELD),  # noqa: ANN001, B008
        progress=beam.DoFn.StateParam(PROGRESS),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> Iterator[pa.RecordBatch]:
        """Give what has ended, and what has changed."""
        before = Progress.from_bytes(progress.read())
        if before.due is None:
            return
        if at.micros < before.due:  # it was replaced
            due.set(Timestamp(micros=before.due))
            return
        now = None if self._bounded else before.due
        found = look(list(held.read()), list(arrived.read()), self._rule, before=before.now, now=now)
        again = None if found.next is None else self._rule.due(found.next)
        if again is not None:
            due.set(Timestamp(micros=again))
        arrived.clear()
        held.clear()
        for data in found.held:
            held.add(data)
        progress.write(Progress(now, again).to_bytes())
        rows = []
        for window in found.windows:
            rows.append(
                performance_row(
                    window.profile,
                    model=self._model,
                    segment=segment,
                    window=(window.start, window.end),
                    reference=self._references.reference(segment),
                    min_n=self._min_n,
                    emitted_at=time.time_ns() // 1000,
                    rolling_error=window.rolling_error,
                    baseline_version=self._references.version,
                )
            )
            if len(rows) == _ROWS_A_BATCH:
                yield _batch(rows)
                rows = []
        if rows:
            yield _batch(rows)


@dataclass
class MonitorPerformance(beam.PTransform):
    """From ``{"predictions": ..., "outcomes": ...}`` to the rows of the table `performance`.

    All are record batches, with the columns of `PREDICTIONS`, `OUTCOMES` (as `JoinLabels` gives them) and
    `PERFORMANCE`. Each segment, and all traffic, has a row for each sliding window of the predictions' event
    time that holds any: when the window ends, and again with the same `row_id` when labels have come.

    Parameters
    ----------
    size, every
        Window length and period, microseconds; `size` is a multiple of `every`.
    wait
        How long predictions wait for their labels, microseconds: so long a window is given again. 0 where
        labels come with the events.
    allowed_lateness
        How far behind the watermark rows may come, microseconds, as for `JoinLabels`. None for bounded input,
        of which each window is given once, when all is there.
    min_n
        Outcomes below which a row says ``insufficient``.
    slice_length
        Of `JoinLabels`, microseconds.

    Notes
    -----
    A window that ends at e is given when the watermark has passed e + `slice_length` + `allowed_lateness`: by
    then `JoinLabels` has given all outcomes known before e. What comes for it later is gathered, and given at
    the next such time of a window's end, at most every `every`. It is given last `wait` + `slice_length` +
    `allowed_lateness` after its end, and a minute.

    ``n_predictions`` counts a prediction that came twice as two, where `DropDuplicates` did not drop it.

    The rolling error of a window is the same whenever it is given: outcomes that come later than the allowed
    lateness count in the rolling errors of later windows only.
    """

    model: str
    loss: Loss
    size: int
    every: int
    wait: int
    allowed_lateness: int | None
    min_n: int
    references: References = field(default_factory=NoReferences)
    slice_length: int = SLICE

    @property
    def corrected_for(self) -> int | None:
        """How long after its end a window gets its last labels, microseconds; None for bounded input."""
        if self.allowed_lateness is None:
            return None
        looks = -(-self.wait // self.every)  # after the last label it is given at the next window's end
        return looks * self.every + self._hold + _SLACK

    @property
    def _hold(self) -> int:
        return self.slice_length + whole_milliseconds(self.allowed_lateness or 0)

    def expand(self, rows: dict[str, beam.PCollection]) -> beam.PCollection:
        """Profile by segment and period, then merge the periods of each window."""
        hold = self._hold
        rule = WindowRule(self.size, self.every, hold, self.wait + hold + _SLACK)
        part = tuple[str, bytes]
        profiles = [
            rows[name]
            | f"Profile{name.title()}"
            >> beam.ParDo(ProfilePeriods(self.loss, self.every)).with_output_types(part)
            for name in ("predictions", "outcomes")
        ]
        give = GiveWindows(
            self.model, rule, self.references, self.min_n, bounded=self.allowed_lateness is None
        )
        return (
            profiles
            | "Flatten" >> beam.Flatten()
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Windows" >> beam.ParDo(give).with_output_types(pa.RecordBatch)
        )


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    count(PERFORMANCE_ROWS, len(rows))
    return performance_batch(rows)
