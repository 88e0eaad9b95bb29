"""How far means of values in a row stray in the reference, and how far they must be for an alarm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.signals.winsorised_periods import winsorised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.signals.signal_periods import SignalPeriods

    Floats = NDArray[np.float64]

SMALLEST_BLOCK: Final = 8
"""Values are summed in blocks of so many, or more where the reference is known less finely."""

FEWEST_RUNS: Final = 150
"""A reference says what is normal for runs that fit into it so many times."""

FEWEST_VALUES: Final = 4 * SMALLEST_BLOCK * FEWEST_RUNS
"""Values of a reference with fewer than these are too few."""

_LENGTHS: Final = np.array([4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512])  # in blocks
_MOST_CHUNKS: Final = 400
_TOP: Final = 5  # the largest fifth of the chunks' maxima is the tail
_TINY: Final = 1e-200  # no limit is 0
_HEAD: Final = Head(b"dAL", 1, "alarm limits of a signal", "B3xIIqd2d", "build the baseline again")
# rate or not, block, number of lengths, values, level, together, time


class Limits(NamedTuple):
    """When the mean of a run of values is an alarm.

    Parameters
    ----------
    level
        Mean of the reference.
    is_rate
        Whether values are 0 and 1: distances are then those of `distance`.
    block
        Values that are summed together.
    lengths
        (L,) int64, lengths of runs, in blocks.
    rise, fall
        (L,) float64, largest distances above and below the level that are no alarm.
    """

    level: float
    is_rate: bool
    block: int
    lengths: NDArray[np.int64]
    rise: Floats
    fall: Floats

    def share(self, distances: Floats) -> Floats:
        """Give distances, (..., L), as shares of the limits: an alarm is above 1."""
        shares: Floats = np.abs(distances) / np.where(distances > 0, self.rise, self.fall)
        return shares

    def distance(self, means: Any, level: Any) -> Floats:
        """Measure how far means are above a level; see `distance`."""
        return distance(means, level, is_rate=self.is_rate)


@dataclass(frozen=True, eq=False)
class AlarmLimits:
    """What a baseline keeps of a signal so that detectors know how far normal runs of values stray.

    For each length of a run, and for rises and falls apart, the squared distances of runs in the reference
    from its mean: the largest of each of up to 400 pieces of the reference. Those above their 80 % quantile
    have exponential excesses, of which only the mean is kept.

    Parameters
    ----------
    level, is_rate, block, lengths
        As in `Limits`.
    values
        How many there are in the reference.
    time
        How long the reference is, microseconds.
    together
        How many times as often as one length some length is far from the level, rises and falls together.
    number
        (L, 2) float64, maxima above the quantile; first of rises, then of falls.
    start, excess
        (L, 2) float64, the quantile, and the mean excess of the maxima over it.
    """

    level: float
    is_rate: bool
    block: int
    values: int
    time: float
    together: float
    lengths: NDArray[np.int64]
    number: Floats
    start: Floats
    excess: Floats

    @classmethod
    def fit(cls, reference: SignalPeriods, *, is_rate: bool) -> AlarmLimits | None:
        """Learn from a reference.

        Parameters
        ----------
        is_rate
            Whether all values are 0 or 1.

        Returns
        -------
        AlarmLimits or None
            None where the shortest run does not fit into it `FEWEST_RUNS` times, or all values are the same
            but the farthest.

        Notes
        -----
        Neighbouring values belong together, by the minute or for days, so nothing is assumed of how spread
        shrinks with length: each length has its own tail. The maximum of a normal variable's square has
        exponential excesses; of rates on the arcsine scale, which are bounded, hardly more.

        What is not a rate is winsorised first: the mean of a period counts, for the level too, as no farther
        from the median than three times the farthest that is left without one period in 2,000 on each side;
        see `winsorised`. A few wrong losses, however large, then do not silence a detector; more of them are
        normal.
        """
        total = int(reference.n.sum())
        if total < FEWEST_VALUES:
            return None
        block = SMALLEST_BLOCK
        while float(reference.n @ reference.n) / total > 2 * block:
            block *= 2
        lengths = _LENGTHS[_LENGTHS * block * FEWEST_RUNS <= total]
        if not len(lengths):
            return None
        if not is_rate:
            reference = winsorised(reference)
        first = float(reference.mean[0])
        mean = first + float(reference.n @ (reference.mean - first)) / total
        spread = float((reference.m2 + reference.n * (reference.mean - mean) ** 2).sum()) / (total - 1)
        if not spread > 0:
            return None
        # of one value; on the arcsine scale that of any rate is 1/4 of twice the angle's
        variance = 0.25 if is_rate else spread
        tails, far = [], []
        for length in (lengths * block).tolist():
            ends, distances = _runs(reference, length, mean, is_rate=is_rate)
            for side in (distances, -distances):
                tail, chunks = _tail(side, ends, length, total)
                # the excess of independent values is the least to believe
                tails.append((tail[0], tail[1], max(tail[2], 2 * variance / length)))
                far.append(chunks)
        number, start, excess = np.array(tails).reshape(-1, 2, 3).transpose(2, 0, 1)
        together = _together(np.array(far))
        time = float(int(reference.period[-1] + 1 - reference.period[0]) << reference.shift)
        return cls(mean, is_rate, block, total, time, together, lengths, number, start, excess)

    def limits(self, allowed: float) -> Limits:
        """Find the limits for so many alarms in a microsecond while nothing changes.

        Notes
        -----
        With k excesses of mean m, a new one is above x with probability (1 + x / (k m))^-k: the predictive
        distribution, which knows that m is estimated.
        """
        rate = self.number / self.time * self.together
        often = np.maximum(rate / allowed, 1.0)
        with np.errstate(over="ignore"):
            far = self.start + self.number * self.excess * (often ** (1 / self.number) - 1)
        rise, fall = np.sqrt(np.maximum(far, _TINY)).T
        return Limits(self.level, self.is_rate, self.block, self.lengths, rise, fall)

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, seven numbers, lengths, then three arrays of tails."""
        head = _HEAD.pack(
            self.is_rate, self.block, len(self.lengths), self.values, self.level, self.together, self.time
        )
        tails = (self.number, self.start, self.excess)
        arrays = (self.lengths.astype("<i8"), *(each.astype("<f8") for each in tails))
        return head + b"".join(array.tobytes() for array in arrays)

    @classmethod
    @refuses_damage("limits of alarms", "build the baseline again")
    def from_bytes(cls, data: bytes) -> AlarmLimits:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        (is_rate, block, number, values, level, together, time), arrays = _HEAD.unpack(data)
        lengths = arrays.take("<i8", number).astype(np.int64)
        tails = [arrays.take("<f8", 2 * number).astype(np.float64).reshape(-1, 2) for _ in range(3)]
        arrays.done()
        return cls(level, bool(is_rate), block, values, time, together, lengths, *tails)


def distance(means: Any, level: Any, *, is_rate: bool) -> Floats:
    """Measure how far means are above a level.

    Returns
    -------
    ndarray of float64
        Of rates the difference of the angles ``asin sqrt``, whose variance hardly depends on the rate; else
        the difference.

    Examples
    --------
    >>> distance([0.5, 1.0], 0.5, is_rate=True).round(3).tolist()
    [0.0, 0.785]
    """
    if is_rate:
        means, level = (np.arcsin(np.sqrt(np.clip(rate, 0.0, 1.0))) for rate in (means, level))
    away: Floats = np.asarray(means, np.float64) - level
    return away


def _intensity(share: float) -> float:
    """Give the expected number in a piece of what is in such a share of all pieces."""
    return -math.log1p(-min(share, 1 - 1 / _MOST_CHUNKS))


def _together(far: NDArray[np.bool_]) -> float:
    """Say how many times as often as one tail some tail is in a piece; far is (tails, pieces)."""
    if not far.any():
        return float(len(far))  # nothing strays, so nothing is known of it: as if no tail knew of another
    return _intensity(float(far.any(0).mean())) / _intensity(float(far.mean()))


def _runs(
    reference: SignalPeriods, length: int, level: float, *, is_rate: bool
) -> tuple[NDArray[np.int64], Floats]:
    """Give the last value and the distance of every run of at least so many values, one from each period."""
    ends = np.cumsum(reference.n)
    bounds = np.r_[0, ends]
    sums = np.r_[0.0, np.cumsum(reference.n * (reference.mean - level))]
    last = np.searchsorted(bounds, bounds + length)
    first = np.flatnonzero(last < len(bounds))
    last = last[first]
    means = level + (sums[last] - sums[first]) / (bounds[last] - bounds[first])
    return bounds[last] - 1, distance(means, level, is_rate=is_rate)


def _tail(
    side: Floats, ends: NDArray[np.int64], length: int, total: int
) -> tuple[tuple[float, float, float], NDArray[np.bool_]]:
    """Describe the tail of one side of the distances, and say in which pieces of the reference it is."""
    chunks = min(_MOST_CHUNKS, total // length)
    chunk = ends * chunks // total
    most = np.full(chunks, -np.inf)
    np.maximum.at(most, chunk, side)
    squares = np.sort(np.maximum(most[np.isfinite(most)], 0.0) ** 2)
    number = max(len(squares) // _TOP, 1)
    start = float(squares[-number - 1])
    far = (side > 0) & (side**2 > start)
    pieces = np.zeros(_MOST_CHUNKS, bool)
    pieces[ends[far] * _MOST_CHUNKS // total] = True
    return (float(number), start, float((squares[-number:] - start).mean())), pieces
