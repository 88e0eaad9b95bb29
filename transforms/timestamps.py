"""Timestamps of elements and timers, in whole milliseconds: Beam sends no finer ones between workers."""

from __future__ import annotations

from typing import Any, Final

from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from driftline.windows.slices import MILLISECOND

#: when the timers of bounded input fire, microseconds since the epoch
LAST: Final = GlobalWindow().max_timestamp().micros // MILLISECOND * MILLISECOND

#: microseconds since the epoch: no row is as late, and waits can be added to it
END_OF_TIME: Final = 1 << 62


def stamped(value: Any, micros: int) -> WindowedValue:
    """Give an element a time, microseconds since the epoch, or up to a millisecond before."""
    return WindowedValue(value, Timestamp(micros=micros // MILLISECOND * MILLISECOND), (GlobalWindow(),))


def whole_milliseconds(micros: int) -> int:
    """Round up to whole milliseconds, which timers can wait for."""
    return -(-micros // MILLISECOND) * MILLISECOND
