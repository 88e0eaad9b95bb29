"""Merge partial profiles in levels: slice, window period, sliding window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import FixedWindows, GlobalWindows, SlidingWindows
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from driftline.measures.measure_registry import merge_encoded
from driftline.segments import ALL
from driftline.transforms.spine.merge_encoded import MergeEncoded
from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apache_beam.transforms.window import WindowFn

    from driftline.transforms.spine.parts import Key

#: (segment label, part, window start, window end), times in microseconds
WindowKey = tuple[str, str, int, int]

# time for a pane to come through the levels
_SLACK = 60_000_000


@dataclass
class MergePerWindow(beam.PTransform):
    """Merge profiles by key and window; each late arrival makes another pane, of what was added.

    Parameters
    ----------
    windows
        The windows of this level.
    allowed_lateness
        Microseconds; None for bounded input, where nothing is late and a runner may combine before it
        shuffles.
    """

    windows: WindowFn
    allowed_lateness: int | None

    def expand(self, profiles: beam.PCollection) -> beam.PCollection:
        """Window, merge, and drop the empty panes that Beam emits when a window closes."""
        if self.allowed_lateness is None:
            window = beam.WindowInto(self.windows)
        else:
            window = beam.WindowInto(
                self.windows,
                trigger=AfterWatermark(late=AfterCount(1)),
                accumulation_mode=AccumulationMode.DISCARDING,
                allowed_lateness=Duration(micros=self.allowed_lateness),
            )
        return (
            profiles
            | "Window" >> window
            | "Merge" >> beam.CombinePerKey(MergeEncoded(merge_encoded))
            | "DropEmpty" >> beam.FlatMap(_at_the_end).with_output_types(tuple[tuple[str, str], bytes])
        )


def _at_the_end(element: tuple[Key, bytes], window: Any = beam.DoFn.WindowParam) -> Iterator[WindowedValue]:
    """Stamp with the last whole millisecond of the window, for the windows of the next level.

    Beam's own stamp, a microsecond before the end, is cut to milliseconds towards 1970 between workers:
    before that year it would be the end itself, and so belong to the next window.
    """
    if element[1]:
        # not a TimestampedValue, which Beam would put into every window of its time
        yield WindowedValue(element, window.end - Duration(micros=MILLISECOND), (window,))


def with_all_traffic(element: tuple[Key, bytes]) -> Iterable[tuple[Key, bytes]]:
    """Count a segment's profile for all traffic as well, so that no row is profiled twice.

    Parameters
    ----------
    element
        ((segment label, part), encoded profile).

    Returns
    -------
    iterable
        The element, and its copy under ``*`` unless it is of ``*`` already.
    """
    (segment, part), profile = element
    yield element
    if segment != ALL:
        yield (ALL, part), profile


class MergePeriods(beam.DoFn):
    """Merge the periods of a window, give it when it ends, and give it again after each late arrival.

    Parameters
    ----------
    keep_for
        How long after its end a window can still be corrected, microseconds.

    Notes
    -----
    Sliding windows of Beam that accumulate would keep every period once for each of its windows, and Prism
    would hold its watermark, and so all results, until nothing can be late any more.
    """

    PROFILE = ReadModifyWriteStateSpec("window_profile_v1", BytesCoder())
    ENDED = ReadModifyWriteStateSpec("window_ended_v1", BytesCoder())
    END = TimerSpec("end_of_window_v1", TimeDomain.WATERMARK)
    FORGET = TimerSpec("forget_profile_v1", TimeDomain.WATERMARK)

    def __init__(self, keep_for: int) -> None:
        self._keep_for = keep_for

    def process(
        self,
        element: tuple[WindowKey, bytes],
        profile=beam.DoFn.StateParam(PROFILE),  # noqa: ANN001, B008
        ended=beam.DoFn.StateParam(ENDED),  # noqa: ANN001, B008
        end=beam.DoFn.TimerParam(END),  # noqa: ANN001, B008
        forget=beam.DoFn.TimerParam(FORGET),  # noqa: ANN001, B008
    ) -> Iterator[tuple[WindowKey, bytes]]:
        """Merge what was added."""
        key, added = element
        before = profile.read()
        whole = added if before is None else merge_encoded([before, added])
        profile.write(whole)
        if before is None:
            end.set(Timestamp(micros=key[3]))
            forget.set(Timestamp(micros=key[3] + self._keep_for))
        elif ended.read():
            yield key, whole

    @on_timer(END)
    def end(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        profile=beam.DoFn.StateParam(PROFILE),  # noqa: ANN001, B008
        ended=beam.DoFn.StateParam(ENDED),  # noqa: ANN001, B008
    ) -> Iterator[tuple[WindowKey, bytes]]:
        """Give the window."""
        whole = profile.read()
        if whole and not ended.read():
            ended.write(b"1")
            yield key, whole

    @on_timer(FORGET)
    def forget(
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        profile=beam.DoFn.StateParam(PROFILE),  # noqa: ANN001, B008
        ended=beam.DoFn.StateParam(ENDED),  # noqa: ANN001, B008
    ) -> Iterator[tuple[WindowKey, bytes]]:
        """Forget a window that nothing can correct any more; this timer may fire first."""
        yield from self.end(key, profile, ended)
        profile.clear()
        ended.clear()


def _with_bounds(element: tuple[Key, bytes], window: Any = beam.DoFn.WindowParam) -> tuple[WindowKey, bytes]:
    (segment, part), profile = element
    return (segment, part, window.start.micros, window.end.micros), profile


def _in_its_windows(element: tuple[WindowKey, bytes], size: int) -> Iterator[tuple[WindowKey, bytes]]:
    """Give a period to each window of `size` that it is part of."""
    (segment, part, start, end), profile = element
    for first in range(start, end - size - 1, start - end):
        yield (segment, part, first, first + size), profile


@dataclass
class MergeWindows(beam.PTransform):
    """Merge slice profiles into those of sliding windows.

    Parameters
    ----------
    size, every
        Window length and period, microseconds.
    slice
        Slice length, microseconds; divides `every`.
    allowed_lateness
        How long after its end a window is corrected, microseconds; None for bounded input.

    Notes
    -----
    Portable Flink keeps every input of a combine in state until its window fires. The levels keep that
    small: partials of a slice become one element, slices of a period become one element, and a sliding
    window of a stream holds the sum of its periods. What is too late is dropped at the source and nowhere
    else: every level allows the lateness a row needs to reach the last window it belongs to, and a slice
    more, which is for rows that are on their way while the watermark moves on.

    What comes out is keyed by `WindowKey`; a window that is corrected comes again as a whole.
    """

    size: int
    every: int
    slice: int
    allowed_lateness: int | None

    def expand(self, partials: beam.PCollection) -> beam.PCollection:
        """Merge level by level."""
        lateness = None
        if self.allowed_lateness is not None:
            lateness = self.size + self.allowed_lateness
        key = tuple[str, str, int, int]
        periods = (
            partials
            | "Slices" >> MergePerWindow(FixedWindows(_seconds(self.slice)), lateness)
            | "AllTraffic" >> beam.FlatMap(with_all_traffic).with_output_types(tuple[tuple[str, str], bytes])
            | "Periods" >> MergePerWindow(FixedWindows(_seconds(self.every)), lateness)
        )
        if lateness is None:
            windows = SlidingWindows(_seconds(self.size), _seconds(self.every))
            return (
                periods
                | "Windows" >> MergePerWindow(windows, lateness)
                | "Bounds" >> beam.Map(_with_bounds).with_output_types(tuple[key, bytes])
            )
        return (
            periods
            | "Bounds" >> beam.Map(_with_bounds).with_output_types(tuple[key, bytes])
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "InItsWindows" >> beam.FlatMap(_in_its_windows, self.size).with_output_types(tuple[key, bytes])
            | "Windows" >> beam.ParDo(MergePeriods(lateness + _SLACK)).with_output_types(tuple[key, bytes])
        )


def _seconds(micros: int) -> Duration:
    return Duration(micros=micros)
