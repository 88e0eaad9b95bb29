"""Judge merged profiles against the baseline, then settle each window of the model as a whole."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

import transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.judging import judge, settle_window
from driftline.judging.state import WindowRows
from driftline.profiles.coverage import Coverage
from driftline.profiles.encoded import decode_profile
from transforms.counters import count
from transforms.profile_slices import COVERAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.config import Tests
    from transforms.baseline_source import BaselineSource
    from transforms.profile_slices import Key, SliceLength

#: (model, window start, window end), times in microseconds
WindowKey = tuple[str, int, int]


class JudgeProfiles(beam.DoFn):
    """Turn a window's profile into judged rows, keyed by the window they belong to.

    Parameters
    ----------
    baseline
        The baseline.
    min_n
        Fewest rows a window is judged on.
    """

    def __init__(self, baseline: BaselineSource, min_n: int) -> None:
        self._source = baseline
        self._min_n = min_n

    def setup(self) -> None:
        """Read the baseline."""
        self._baseline = self._source.get()

    def process(
        self, element: tuple[Key, bytes], window: Any = beam.DoFn.WindowParam
    ) -> Iterator[tuple[WindowKey, bytes]]:
        """Judge one profile."""
        (segment, name), data = element
        bounds = (window.start.micros, window.end.micros)
        if name == COVERAGE:
            rows = WindowRows(coverage=Coverage.from_bytes(data))
        else:
            block = self._baseline.layout.block(name)
            profile = decode_profile(data)
            rows = WindowRows(
                batches=(judge(profile, segment, block, bounds, baseline=self._baseline, min_n=self._min_n),)
            )
        yield (self._baseline.model, *bounds), rows.to_bytes()


class SettleWindow(beam.DoFn):
    """Decide all tests of a window together when it closes, and again after every late arrival.

    This is state and timers in the global window rather than a GroupByKey, which would see a late pane
    beside the pane it corrects.

    Parameters
    ----------
    baseline
        The baseline.
    tests
        Thresholds.
    coverage_unit
        Length of a unit of coverage, microseconds.
    keep_for
        How long after its end a window can still be corrected, microseconds.
    """

    GATHERED = BagStateSpec("window_rows_v1", BytesCoder())
    SETTLE = TimerSpec("settle_window_v1", TimeDomain.WATERMARK)
    CLOSE = TimerSpec("close_window_v1", TimeDomain.WATERMARK)

    def __init__(self, baseline: BaselineSource, tests: Tests, coverage_unit: int, keep_for: int) -> None:
        self._source = baseline
        self._tests = tests
        self._unit = coverage_unit
        self._keep_for = keep_for

    def setup(self) -> None:
        """Read the baseline."""
        self._baseline = self._source.get()

    def process(
        self,
        element: tuple[WindowKey, bytes],
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
        settle=beam.DoFn.TimerParam(SETTLE),  # noqa: ANN001, B008
        close=beam.DoFn.TimerParam(CLOSE),  # noqa: ANN001, B008
    ) -> None:
        """Keep judged rows until the window is settled."""
        (_, _, end), rows = element
        gathered.add(rows)
        settle.set(Timestamp(micros=end))
        close.set(Timestamp(micros=end + self._keep_for))

    @on_timer(SETTLE)
    def settle(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
    ) -> Iterator[pa.RecordBatch]:
        """Emit what is new and keep what is known."""
        parts = list(gathered.read())
        if not parts:  # the window was closed before this timer fired
            return
        changed, known = self._settled(key, parts)
        gathered.clear()
        gathered.add(known)
        yield from changed

    @on_timer(CLOSE)
    def close(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        gathered=beam.DoFn.StateParam(GATHERED),  # noqa: ANN001, B008
    ) -> Iterator[pa.RecordBatch]:
        """Emit what is still pending (this timer may fire first) and forget the window."""
        changed, _ = self._settled(key, list(gathered.read()))
        gathered.clear()
        yield from changed

    def _settled(self, key: WindowKey, gathered: list[bytes]) -> tuple[list[pa.RecordBatch], bytes]:
        _, start, end = key
        parts = [WindowRows.from_bytes(data) for data in gathered]
        rows = WindowRows.merge(parts)
        if not rows.batches or all(part.settled for part in parts):
            return [], rows.to_bytes()
        units = (end - start) // self._unit
        coverage = rows.coverage.count(start, end) / units if rows.coverage is not None else 0.0
        settled = settle_window(
            rows.batches,
            (start, end),
            coverage,
            self._baseline,
            self._tests,
            late=rows.settled,
            emitted_at=time.time_ns() // 1000,
        )
        if not rows.settled:
            count("windows", 1)
        count("results", len(settled.changed))
        known = WindowRows(tuple(settled.rows.to_batches()), rows.coverage, settled=True)
        return settled.changed.combine_chunks().to_batches(), known.to_bytes()


@dataclass
class JudgeWindows(beam.PTransform):
    """From the profiles of windows to result rows.

    Parameters
    ----------
    baseline
        The baseline.
    tests
        Thresholds.
    length
        Slice and coverage lengths.
    keep_for
        How long after its end a window can still be corrected, microseconds.
    """

    baseline: BaselineSource
    tests: Tests
    length: SliceLength
    keep_for: int

    def expand(self, profiles: beam.PCollection) -> beam.PCollection:
        """Judge by key, settle by window."""
        return (
            profiles
            | "Judge"
            >> beam.ParDo(JudgeProfiles(self.baseline, self.tests.min_n)).with_output_types(
                tuple[tuple[str, int, int], bytes]
            )
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Settle"
            >> beam.ParDo(
                SettleWindow(self.baseline, self.tests, self.length.coverage, self.keep_for)
            ).with_output_types(pa.RecordBatch)
        )
