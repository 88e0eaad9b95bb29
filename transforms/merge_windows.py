"""Merge partial profiles in levels: slice, window period, sliding window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows, SlidingWindows
from apache_beam.utils.timestamp import Duration
from apache_beam.utils.windowed_value import WindowedValue

from driftline.profiles.encoded import merge_encoded
from driftline.segments import ALL
from transforms.merge_encoded import MergeEncoded
from transforms.profile_slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apache_beam.transforms.window import WindowFn

    from transforms.parts import Key


@dataclass
class MergePerWindow(beam.PTransform):
    """Merge profiles by key and window; each late arrival makes another pane.

    Parameters
    ----------
    windows
        The windows of this level.
    accumulation_mode
        DISCARDING where the next level adds up, ACCUMULATING where the whole is wanted.
    allowed_lateness
        Microseconds; None for bounded input, where nothing is late and a runner may combine before it
        shuffles.
    """

    windows: WindowFn
    accumulation_mode: int
    allowed_lateness: int | None

    def expand(self, profiles: beam.PCollection) -> beam.PCollection:
        """Window, merge, and drop the empty panes that Beam emits when a window closes."""
        if self.allowed_lateness is None:
            window = beam.WindowInto(self.windows)
        else:
            window = beam.WindowInto(
                self.windows,
                trigger=AfterWatermark(late=AfterCount(1)),
                accumulation_mode=self.accumulation_mode,
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
    window holds size / every of them. What is too late is dropped at the source and nowhere else: every level
    allows the lateness a row needs to reach the last window it belongs to, and a slice more, which is for
    rows that are on their way while the watermark moves on.
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
        return (
            partials
            | "Slices"
            >> MergePerWindow(FixedWindows(_seconds(self.slice)), AccumulationMode.DISCARDING, lateness)
            | "AllTraffic" >> beam.FlatMap(with_all_traffic).with_output_types(tuple[tuple[str, str], bytes])
            | "Periods"
            >> MergePerWindow(FixedWindows(_seconds(self.every)), AccumulationMode.DISCARDING, lateness)
            | "Windows"
            >> MergePerWindow(
                SlidingWindows(_seconds(self.size), _seconds(self.every)),
                AccumulationMode.ACCUMULATING,
                lateness,
            )
        )


def _seconds(micros: int) -> Duration:
    return Duration(micros=micros)
