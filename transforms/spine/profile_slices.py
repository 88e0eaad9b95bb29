"""Profile events where they are read: one partial a (segment, feature block) and slice, never one a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np

from driftline.measures.slicing import EventBuffer
from driftline.profiles.coverage import Coverage, covered
from driftline.profiles.layout import Layout
from driftline.segments import ALL
from driftline.transforms.counters import PROFILED, count
from driftline.transforms.spine.parts import COVERAGE, fingerprint_of, part_of
from driftline.transforms.timestamps import stamped
from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.transforms.spine.baseline_source import BaselineSource
    from driftline.transforms.spine.parts import Key
    from driftline.windows.slices import SliceLength

# A partial costs about as much to merge as some hundred rows to profile, and a row of 60 features holds
# half a kilobyte.
_MOST_ROWS = 131_072
_MOST_BYTES = 128 << 20


class ProfileSlices(beam.DoFn):
    """Profile event batches by segment and slice, buffered within the bundle.

    Parameters
    ----------
    baseline
        Gives the layout and the monitored segments; None where a `Plan` comes as side input.
    """

    def __init__(self, length: SliceLength, baseline: BaselineSource | None = None) -> None:
        self._length = length
        self._baseline = baseline
        self._layout: Layout | None = None
        self._monitored: frozenset[str] = frozenset()
        self._fingerprint = ""

    def setup(self) -> None:
        """Read the baseline."""
        if self._baseline is not None:
            self._baseline.get()

    def start_bundle(self) -> None:
        """Begin with an empty buffer, and the newest baseline for all of the bundle."""
        if self._baseline is not None:
            self._baseline.refresh()
            newest = self._baseline.newest
            self._layout, self._monitored = newest.baseline.layout, newest.baseline.monitored
            self._fingerprint = newest.fingerprint
        self._buffer: EventBuffer | None = None
        self._covered: set[int] = set()

    def process(
        self, events: pa.RecordBatch, plan: tuple[bytes, list[str]] | None = None
    ) -> Iterator[WindowedValue]:
        """Buffer a batch; emit partial profiles when the buffer is full.

        Parameters
        ----------
        plan
            Encoded layout and monitored segments, where there is no baseline yet.
        """
        if plan is not None and self._layout is None:
            self._layout, self._monitored = Layout.from_bytes(plan[0]), frozenset(plan[1])
            self._fingerprint = fingerprint_of(self._layout, self._monitored)
        assert self._layout is not None
        if self._buffer is None:
            self._buffer = EventBuffer(self._layout, self._monitored, self._length.slice)
        self._buffer.add(events)
        self._covered.update(covered(events["time"].to_numpy(), self._length.coverage).tolist())
        if self._buffer.rows >= _MOST_ROWS:
            self._compact()
        if self._buffer.bytes >= _MOST_BYTES:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Emit what is left."""
        yield from self._flush()

    def _compact(self) -> None:
        if self._buffer is not None:
            count(PROFILED, self._buffer.rows)
            self._buffer.compact()

    def _flush(self) -> Iterator[WindowedValue]:
        if self._buffer is None:
            return
        self._compact()
        for partial in self._buffer.flush():
            key = (partial.segment, part_of(partial.part, self._fingerprint))
            yield _at_the_end(partial.start, self._length.slice, (key, partial.profile))
        key = (ALL, part_of(COVERAGE, self._fingerprint))
        for unit in sorted(self._covered):
            coverage = Coverage.of(np.array([unit]), self._length.coverage)
            yield _at_the_end(unit, self._length.coverage, (key, coverage.to_bytes()))
        self._covered = set()


def _at_the_end(start: int, length: int, element: tuple[Key, bytes]) -> WindowedValue:
    return stamped(element, start + length - MILLISECOND)
