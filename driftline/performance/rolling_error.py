"""The rolling error at the end of every window: said once, the same whenever the window is given again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Arrays, frame, refuses_damage, unframe
from driftline.performance.recent import RecentOutcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

TAG: Final = b"dPE"

_VERSION: Final = 1
_WHAT: Final = "rolling error of a segment"


@dataclass(frozen=True, eq=False)
class RollingError:
    """Mean loss of the last outcomes that were known at the ends of windows.

    Parameters
    ----------
    ends
        (k,) int64, ascending, in numbers of periods: from each of these ends on, until the next, ...
    values
        (k,) float64, ... this is the rolling error.
    recent
        What the rolling error of later ends is made of.
    """

    ends: Integers
    values: Floats
    recent: RecentOutcomes

    @classmethod
    def none(cls) -> RollingError:
        """Begin before any outcome."""
        return cls(np.empty(0, np.int64), np.empty(0), RecentOutcomes.none())

    def at(self, ends: Integers) -> Floats:
        """Look up the rolling error.

        Parameters
        ----------
        ends
            (n,) int64, ends of windows in numbers of periods; none before those that were forgotten.

        Returns
        -------
        ndarray of float64
            (n,), nan where no outcome was known.
        """
        if not len(self.ends):
            return np.full(len(ends), np.nan)
        step = np.searchsorted(self.ends, ends, side="right") - 1
        return np.where(step >= 0, self.values[np.maximum(step, 0)], np.nan)

    def advance(self, more: RecentOutcomes, every: int, *, after: int | None, until: int) -> RollingError:
        """Compute the rolling error of further ends, all at once.

        Parameters
        ----------
        more
            Outcomes that have come; those known before `after` change later ends only.
        every
            Length of a period, microseconds.
        after
            The last end that was computed; None computes all, again if need be.
        until
            The last end to compute.
        """
        recent = RecentOutcomes.merge([self.recent, more], every)
        ends = np.unique(recent.known // every + 1)
        if after is None:
            ends, kept = ends[ends <= until], 0
        else:
            ends = np.unique(np.append(ends, after + 1))
            ends, kept = ends[(ends > after) & (ends <= until)], len(self.ends)
        values = np.concatenate([self.values[:kept], recent.before(ends * every)])
        ends = np.concatenate([self.ends[:kept], ends])
        steps = np.append([True], values[1:] != values[:-1])[: len(values)]
        return RollingError(ends[steps], values[steps], recent)

    def since(self, first: int, until: int, every: int) -> RollingError:
        """Forget ends before `first`, and outcomes that are in no rolling error after `until`."""
        step = max(int(np.searchsorted(self.ends, first, side="right")) - 1, 0)
        return RollingError(self.ends[step:], self.values[step:], self.recent.since(until * every))

    def to_bytes(self) -> bytes:
        """Write it, format version 1: 16 bytes a step, then the recent outcomes."""
        steps = (
            self.ends.astype("<i8", copy=False).tobytes() + self.values.astype("<f8", copy=False).tobytes()
        )
        return frame(TAG, _VERSION, {"steps": len(self.ends)}, steps + self.recent.to_bytes())

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> RollingError:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        steps = head.get("steps")
        arrays = Arrays(payload, _WHAT)
        if not isinstance(steps, int) or steps < 0:
            raise arrays.damaged()
        ends, values = arrays.take("<i8", steps), arrays.take("<f8", steps)
        return cls(ends, values, RecentOutcomes.from_bytes(payload[arrays.at :]))
