"""When a model usually has rows: which units of a day or a week hold some, as learnt from a reference."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Arrays, frame, refuses_damage, unframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.profiles.coverage import Coverage

    Integers = NDArray[np.int64]

TAG: Final = b"dRH"

_VERSION: Final = 1
_WHAT: Final = "rhythm of rows"
_DAY: Final = 86_400_000_000
_CYCLES: Final = (7 * _DAY, _DAY)
_FEWEST_CYCLES: Final = 3
_MOST_UNITS: Final = 100_000
_QUIET: Final = 10  # a cycle with less than a tenth of what the fullest holds is an outage, or a wrong clock
_ALWAYS: Final = 1_000_000
_NEARLY: Final = 900_000  # nine of ten: the rest is outages
_HARDLY: Final = 100_000


@dataclass(frozen=True, eq=False)
class Rhythm:
    """In how many of the cycles of a reference each unit of time held rows.

    Parameters
    ----------
    unit
        Length of a unit, microseconds.
    held, seen
        (C,) int64, by place in the cycle: in how many cycles the unit held rows, and of how many. A cycle
        is C units; the first begins with the epoch.

    Examples
    --------
    One batch at each midnight, in units of six hours:

    >>> from driftline.profiles.coverage import Coverage
    >>> days = np.arange(30) * 24
    >>> rhythm = Rhythm.learn(Coverage.of(days, unit=6), period=24)
    >>> rhythm.held.tolist(), rhythm.seen.tolist()
    ([30, 0, 0, 0], [30, 29, 29, 29])
    >>> rhythm.coverage(Coverage.of(days[:1], unit=6), 0, 24)
    1.0
    """

    unit: int
    held: Integers
    seen: Integers

    @classmethod
    def learn(cls, coverage: Coverage, *, period: int, excluded: Sequence[tuple[int, int]] = ()) -> Rhythm:
        """Learn when rows come.

        Parameters
        ----------
        coverage
            The units of the reference that hold rows of the model, at least one.
        period
            Distance between windows, microseconds, a multiple of the unit: a cycle where it is longer than a
            week, and where units divide neither a week nor a day of which the reference has three.
        excluded
            Spans from which nothing is learned, microseconds.

        Returns
        -------
        Rhythm
            Of a week, a day or the period: of those that the reference has three of, the one that predicts
            it best, each cycle from all others.
        """
        unit, units = coverage.unit, _units(coverage)
        cycles = [cycle // unit for cycle in _CYCLES if cycle % unit == 0]
        cycles = [period // unit, *cycles] if period > _CYCLES[0] else [*cycles, period // unit]
        possible = [cycle for cycle in cycles if cycle <= _MOST_UNITS] or [1]
        long_enough = (at for at, cycle in enumerate(possible) if len(_busy(units, cycle)) >= _FEWEST_CYCLES)
        longest = next(long_enough, len(possible) - 1)
        known = _busy(units, possible[longest])
        units = units[np.isin(units // possible[longest], known)]
        every = (known[:, None] * possible[longest] + np.arange(possible[longest])).ravel()
        every = every[(every >= units[0]) & (every <= units[-1])]
        units, every = (each[~_outside(each, unit, excluded)] for each in (units, every))
        learnt = [
            cls(
                unit, np.bincount(units % cycle, minlength=cycle), np.bincount(every % cycle, minlength=cycle)
            )
            for cycle in possible[longest:]
        ]
        return min(reversed(learnt), key=Rhythm._error)  # the shortest of equals

    def _error(self) -> float:
        """Sum of squared errors if each unit is predicted from its place in all other cycles."""
        held, rest = self.held, self.seen - self.held
        return float((held * rest * self.seen / np.maximum(self.seen - 1, 1) ** 2).sum())

    @property
    def cycle(self) -> int:
        """Length of a cycle, microseconds."""
        return len(self.held) * self.unit

    @cached_property
    def _usual(self) -> Integers:
        """(C,) millionths: the share of cycles in which a unit holds rows; nine of ten are all."""
        share = self.held * _ALWAYS // np.maximum(self.seen, 1)
        usual: Integers = np.where(share >= _NEARLY, _ALWAYS, np.where(share <= _HARDLY, 0, share))
        return usual

    @cached_property
    def _expected(self) -> Integers:
        """(C,) millionths: the square of that share, without bias: two cycles both hold rows."""
        pairs = self.seen * (self.seen - 1)
        square = self.held * (self.held - 1) * _ALWAYS // np.maximum(pairs, 1)
        usual = self._usual
        expected: Integers = np.where((usual == 0) | (usual == _ALWAYS), usual, square)
        return expected

    def expected(self, starts: Integers, ends: Integers) -> Integers:
        """Say how much of each span [start, end) usually holds rows, (W,) int64, in millionths of a unit."""
        before = np.concatenate([[0], np.cumsum(self._expected)])

        def until(times: Integers) -> Integers:
            turns, place = np.divmod(-(-times // self.unit), len(self._expected))
            found: Integers = turns * before[-1] + before[place]
            return found

        between: Integers = np.maximum(until(ends) - until(starts), 0)
        return between

    def coverages(self, coverage: Coverage, starts: Integers, size: int) -> NDArray[np.float64]:
        """Say how much of what usually holds rows does.

        Parameters
        ----------
        coverage
            The units that hold rows.
        starts
            (W,) int64, of windows, microseconds.
        size
            Their length, microseconds.

        Returns
        -------
        ndarray of float64, shape (W,)
            Of the usual units of each window the share that holds rows, a unit with rows in the share p of
            all cycles weighing p, over what is to be expected, the sum of p²; at most 1. 1 for windows of
            which nothing is usual and that hold rows, for nothing is missing there.
        """
        units = _units(coverage)
        at, behind = (np.searchsorted(units, -(-bounds // self.unit)) for bounds in (starts, starts + size))
        weights = np.concatenate([[0], np.cumsum(self._usual[units % len(self.held)])])
        there, expected = weights[behind] - weights[at], self.expected(starts, starts + size)
        share = np.minimum(there / np.maximum(expected, 1), 1.0)
        return np.where(behind == at, 0.0, np.where(expected == 0, 1.0, share))

    def coverage(self, coverage: Coverage, start: int, end: int) -> float:
        """Say it of one window [start, end)."""
        return float(self.coverages(coverage, np.array([start]), end - start)[0])

    def usual_units(self, size: int) -> float:
        """Count the units that usually hold rows in windows of a size that have any, on average.

        Examples
        --------
        >>> Rhythm(6, np.array([9, 0, 0, 0]), np.array([9, 9, 9, 9])).usual_units(24)
        1.0
        """
        starts = np.arange(0, self.cycle, min(size, self.cycle), dtype=np.int64)
        expected = self.expected(starts, starts + size)
        return float(expected[expected > 0].mean() / _ALWAYS) if expected.any() else 0.0

    def to_bytes(self) -> bytes:
        """Write it, format version 1: a JSON head, then both counts, deflated."""
        counts = np.stack([self.held, self.seen]).astype("<i8").tobytes()
        head = {"unit": self.unit, "units": len(self.held)}
        return frame(TAG, _VERSION, head, zlib.compress(counts))

    @classmethod
    @refuses_damage(_WHAT, "build the baseline again")
    def from_bytes(cls, data: bytes) -> Rhythm:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        damaged = Arrays(payload, _WHAT, "build the baseline again").damaged
        unit, units = head.get("unit"), head.get("units")
        if type(unit) is not int or type(units) is not int or unit < 1 or not 1 <= units <= _MOST_UNITS:
            raise damaged()
        reader = zlib.decompressobj()
        try:
            counts = reader.decompress(payload, 16 * units + 1)
        except zlib.error as error:
            raise damaged(str(error)) from None
        if len(counts) != 16 * units or not reader.eof or reader.unused_data:
            raise damaged(f"{len(counts)} bytes instead of {16 * units}")
        held, seen = np.frombuffer(counts, "<i8").astype(np.int64).reshape(2, units)
        if (held < 0).any() or (held > seen).any():
            raise damaged()
        return cls(unit, held, seen)


def _units(coverage: Coverage) -> Integers:
    """Give the numbers of all units that hold rows, ascending."""
    lengths = coverage.last - coverage.first
    begins = np.repeat(coverage.first - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    units: Integers = begins + np.arange(int(lengths.sum()))
    return units


def _busy(units: Integers, cycle: int) -> Integers:
    """Give the numbers of the cycles that hold about as much as others."""
    numbers, counts = np.unique(units // cycle, return_counts=True)
    busy: Integers = numbers[counts * _QUIET >= counts.max()]
    return busy


def _outside(units: Integers, unit: int, excluded: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    out = np.zeros(len(units), bool)
    for begin, end in excluded:
        out |= (units * unit < end) & ((units + 1) * unit > begin)
    return out
