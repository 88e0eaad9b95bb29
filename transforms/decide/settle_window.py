"""Settle each window of a model as a whole: when it ends, and again after late arrivals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.judging import Emitted, settle_window
from driftline.judging.window_rows import WindowRows
from driftline.transforms.counters import count, distribution
from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.baseline import Baseline
    from driftline.config import Tests
    from driftline.profiles.coverage import Coverage
    from driftline.transforms.spine.baseline_source import BaselineSource
    from driftline.transforms.spine.judge_profiles import WindowKey

#: seconds in which late arrivals gather before their window is settled once more
SETTLE_AGAIN_AFTER = 3.0

_FIRST, _SETTLED, _LATE = b"first", b"settled", b"late"  # waits for its end; all is said; waits to correct
_ROWS_A_PART = 1024
_SPARE = 16


class SettleWindow(beam.DoFn):
    """Decide all tests of a window together when it closes, and again after late arrivals.

    Rows that changed are the main output. The window as a whole, as an encoded `WindowSummary`, goes to the
    output `SUMMARIES` each time.

    This is state and timers in the global window rather than a GroupByKey, which would see a late pane
    beside the pane it corrects.

    Parameters
    ----------
    keep_for
        How long after its end a window can still be corrected, microseconds.
    streaming
        Whether events come as they happen. Then late arrivals of some seconds are settled together, and how
        long after its end a window settles is of interest.

    Notes
    -----
    A window in which the baseline was replaced is settled once for each of the two, each with the rows and
    the coverage of its own share. Their rows have the same `row_id`: those with more rows stand. Their
    summaries are told apart by `WindowSummary.layout`.

    Judged rows are only ever added to a bag, until more than half of what it holds is superseded. What is
    written again each time the window settles is small.
    """

    SUMMARIES = "summaries"

    GATHERED = BagStateSpec("window_rows_v2", BytesCoder())
    EMITTED = ReadModifyWriteStateSpec("window_emitted_v1", BytesCoder())
    PHASE = ReadModifyWriteStateSpec("window_phase_v1", BytesCoder())
    SETTLE = TimerSpec("settle_window_v2", TimeDomain.WATERMARK)
    AGAIN = TimerSpec("settle_again_v1", TimeDomain.REAL_TIME)
    CLOSE = TimerSpec("close_window_v2", TimeDomain.WATERMARK)

    def __init__(self, baseline: BaselineSource, tests: Tests, keep_for: int, *, streaming: bool) -> None:
        self._source = baseline
        self._tests = tests
        self._keep_for = keep_for
        self._streaming = streaming

    def setup(self) -> None:
        """Read the baseline."""
        self._source.get()

    def start_bundle(self) -> None:
        """Look for a new version."""
        self._source.refresh()

    def process(  # noqa: PLR0917  (states and timers are parameters)
        self,
        element: tuple[WindowKey, bytes],
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
        phase=beam.DoFn.StateParam(PHASE),  # noqa: ANN001, B008
        settle=beam.DoFn.TimerParam(SETTLE),  # noqa: ANN001, B008
        again=beam.DoFn.TimerParam(AGAIN),  # noqa: ANN001, B008
        close=beam.DoFn.TimerParam(CLOSE),  # noqa: ANN001, B008
    ) -> None:
        """Keep judged rows until the window is settled."""
        (_, _, end, _), rows = element
        gathered.add(rows)
        before = phase.read()
        if before in {_FIRST, _LATE}:
            return
        if before is None:
            close.set(Timestamp(micros=end + self._keep_for))
        if before == _SETTLED and self._streaming:
            again.set(Timestamp.of(time.time() + SETTLE_AGAIN_AFTER))
        else:
            # behind the end, at which the profiles of the window set out
            settle.set(Timestamp(micros=end + MILLISECOND))
        phase.write(_FIRST if before is None else _LATE)

    @on_timer(SETTLE)
    def settle(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
        emitted=beam.DoFn.StateParam(EMITTED),  # noqa: ANN001, B008
        phase=beam.DoFn.StateParam(PHASE),  # noqa: ANN001, B008
    ) -> Iterator[Any]:
        """Emit what is new and keep what is known."""
        if phase.read() in {_FIRST, _LATE}:  # else it is said already, or the window was closed before this
            phase.write(_SETTLED)
            yield from self._settled(key, gathered, emitted)

    @on_timer(AGAIN)
    def settle_again(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
        emitted=beam.DoFn.StateParam(EMITTED),  # noqa: ANN001, B008
        phase=beam.DoFn.StateParam(PHASE),  # noqa: ANN001, B008
    ) -> Iterator[Any]:
        """Emit what late arrivals changed."""
        yield from self.settle(key, gathered, emitted, phase)

    @on_timer(CLOSE)
    def close(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
        emitted=beam.DoFn.StateParam(EMITTED),  # noqa: ANN001, B008
        phase=beam.DoFn.StateParam(PHASE),  # noqa: ANN001, B008
    ) -> Iterator[Any]:
        """Emit what is still pending (this timer may fire first) and forget the window."""
        yield from self.settle(key, gathered, emitted, phase)
        gathered.clear()
        emitted.clear()
        phase.clear()

    def _settled(self, key: WindowKey, gathered: Any, emitted: Any) -> Iterator[Any]:
        _, start, end, fingerprint = key
        parts = [WindowRows.from_bytes(data) for data in gathered.read()]
        rows = WindowRows.merge(parts)
        if not rows.batches:
            return
        said = emitted.read()
        now = time.time_ns() // 1000
        baseline = self._source.of_layout(fingerprint)
        settled = settle_window(
            rows.batches,
            (start, end),
            _covered(rows.coverage, start, end, baseline),
            baseline,
            self._tests,
            layout=fingerprint,
            emitted=Emitted.from_bytes(said) if said else None,
            emitted_at=now,
        )
        if settled.summary is not None:
            emitted.write(settled.emitted.to_bytes())
            yield beam.pvalue.TaggedOutput(self.SUMMARIES, settled.summary.to_bytes())
        held = sum(batch.num_rows for batch in rows.batches) + sum(not part.batches for part in parts)
        if held > 2 * len(settled.judged) + _SPARE:
            gathered.clear()
            for part in WindowRows(tuple(settled.judged.to_batches()), rows.coverage).split(_ROWS_A_PART):
                gathered.add(part.to_bytes())
        if not said:
            count("windows", 1)
            if self._streaming:
                ended = end if baseline is None else baseline.calendar.in_utc(end)
                distribution("window_delay_ms", (now - ended) // 1000)
        count("results", len(settled.changed))
        yield from settled.changed.combine_chunks().to_batches()


def _covered(coverage: Coverage | None, start: int, end: int, baseline: Baseline | None) -> float:
    if coverage is None:
        return 0.0
    if baseline is None:  # it is lost, and with it what is usual
        return coverage.count(start, end) / ((end - start) // coverage.unit)
    return baseline.coverage(coverage, start, end)
