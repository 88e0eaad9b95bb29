"""Time pressed together: a recorded span of time, played as if it happened now and `speed` times as fast.

Event times move along with the clock, so for the job a replay is a live stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY = 86_400
SPEED = 17_280  # a day in five seconds
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def day_length(speed: int) -> int:
    """Seconds that a recorded day lasts; windows are as long, so it must be a whole number."""
    if speed < 1 or DAY % speed:
        near = min(
            (DAY // seconds for seconds in range(1, 121) if DAY % seconds == 0), key=lambda n: abs(n - speed)
        )
        raise ValueError(
            f"SPEED={speed}: 86400 must be a multiple of it, so that a day lasts whole seconds; try {near}"
        )
    return DAY // speed


@dataclass(frozen=True)
class Replay:
    """Which moment of the clock stands for which recorded one.

    `first` is a recorded midnight and `begin` the moment that stands for it, ms since 1970 and a multiple of
    the pressed day, so that windows of that length are recorded days.
    """

    first: datetime
    begin: int
    speed: int

    @classmethod
    def starting(cls, first: datetime, not_before: float, speed: int) -> Replay:
        """Begin at the first possible moment after `not_before`, seconds since 1970."""
        day = 1000 * day_length(speed)
        return cls(first, -(-int(1000 * not_before) // day) * day, speed)

    def restamped(self, recorded: NDArray[np.int64]) -> NDArray[np.int64]:
        """When recorded moments (seconds since 1970) happen in the replay: ms since 1970."""
        return self.begin + (recorded - int(self.first.timestamp())) * 1000 // self.speed

    def recorded(self, moment: datetime) -> datetime:
        """The recorded moment that a moment of the replay stands for."""
        since = moment - EPOCH - timedelta(milliseconds=self.begin)
        return self.first + since * self.speed


def reference_replay(speed: int) -> Replay:
    """Press the reference too; where it lies does not matter, only that days stay days."""
    return Replay(EPOCH, 0, speed)
