"""Which slices of time hold events: a tiny set that merges."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from driftline.framing import UnreadableBytesError, check_tag, refuses_damage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

TAG = b"dCV"
"""How the bytes of a coverage begin."""

_VERSION = 1
_HEADER = struct.Struct("<3sBq")  # tag, version, unit


def covered(times: NDArray[np.int64], unit: int) -> NDArray[np.int64]:
    """Find the slices that events fall into.

    Parameters
    ----------
    times
        (n,) int64, event times in microseconds since the epoch; negative before it.
    unit
        The length of a slice in microseconds; slices are aligned to the epoch.

    Returns
    -------
    numpy.ndarray
        (k,) int64, the starts of the slices with an event, ascending, each once.

    Examples
    --------
    >>> covered(np.array([25, 3, 29, -1]), 10)
    array([-10,   0,  20])
    """
    return np.unique(times // unit) * unit


@dataclass(frozen=True, eq=False)
class Coverage:
    """A set of slices, kept as runs of neighbours: unbroken traffic is one run however long it is.

    Parameters
    ----------
    unit
        The length of a slice in microseconds.
    first, last
        (R,) int64, the first slice of each run and the one behind its last, counted in slices since the
        epoch; ascending, and no two runs touch.

    Examples
    --------
    >>> minutes = Coverage.of(np.array([5, 70, 190]), unit=60)
    >>> minutes.count(0, 240), minutes.count(60, 180)
    (3, 1)
    """

    TAG: ClassVar[bytes] = TAG

    unit: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(cls, times: NDArray[np.int64], unit: int) -> Coverage:
        """Cover the slices that events fall into.

        Parameters
        ----------
        times
            (n,) int64, event times in microseconds since the epoch; slice starts are event times too.
        unit
            The length of a slice in microseconds.

        Returns
        -------
        Coverage
            The slices with an event.
        """
        slices = np.unique(times // unit)
        return cls(unit, *_joined(slices, slices + 1))

    @classmethod
    def merge_all(cls, coverages: Iterable[Coverage | bytes]) -> Coverage:
        """Unite coverages.

        Parameters
        ----------
        coverages
            One or more, or their bytes.

        Returns
        -------
        Coverage
            The slices that any of them holds.

        Raises
        ------
        ValueError
            If there are none, or their slices have different lengths.
        """
        parts = [cls.from_bytes(part) if isinstance(part, bytes) else part for part in coverages]
        units = sorted({part.unit for part in parts})
        if len(units) != 1:
            raise ValueError(
                f"coverages to merge have slices of {units or 'no'} microseconds; "
                "give at least one, all from runs with the same slice length"
            )
        first = np.concatenate([part.first for part in parts])
        order = np.argsort(first, kind="stable")
        return cls(units[0], *_joined(first[order], np.concatenate([part.last for part in parts])[order]))

    def count(self, start: int, end: int) -> int:
        """Count the slices within a span of time.

        Parameters
        ----------
        start, end
            The span [start, end) in microseconds since the epoch.

        Returns
        -------
        int
            How many of the slices that start in the span hold an event.
        """
        low, high = -(-start // self.unit), -(-end // self.unit)
        inside = np.minimum(self.last, high) - np.maximum(self.first, low)
        return int(np.maximum(inside, 0).sum())

    def to_bytes(self) -> bytes:
        """Serialise: tag, version, unit, then each run as two integers.

        Returns
        -------
        bytes
            12 bytes and 16 a run.
        """
        runs = np.stack([self.first, self.last]).astype("<i8")
        return _HEADER.pack(self.TAG, _VERSION, self.unit) + runs.tobytes()

    @classmethod
    @refuses_damage("coverage", "build it again from the events")
    def from_bytes(cls, data: bytes) -> Coverage:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Returns
        -------
        Coverage
            An equal coverage.

        Raises
        ------
        UnreadableBytesError
            If the bytes are of another version or cut short.
        """
        check_tag(cls.TAG, _VERSION, "coverage", data)
        if len(data) < _HEADER.size or (len(data) - _HEADER.size) % 16:
            raise UnreadableBytesError(
                f"coverage of {len(data)} bytes was cut short; build it again from the events"
            )
        runs = np.frombuffer(data, "<i8", -1, _HEADER.size).astype(np.int64).reshape(2, -1)
        return cls(_HEADER.unpack_from(data)[2], runs[0], runs[1])


def _joined(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join runs that overlap or touch; `first` ascends."""
    if len(first) == 0:
        return first, last
    reach = np.maximum.accumulate(last)
    opens = np.concatenate([[True], first[1:] > reach[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return first[opens], reach[closes]
