"""Tell of what a detector has found when the newest values are farther from normal than the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.detectors.change import Change
from driftline.framing import Head, refuses_damage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.signals.alarm_limits import Limits

    Floats = NDArray[np.float64]

_HEAD: Final = Head(b"dAC", 1, "confirmation of a detector", "IIIqqdd")
# block, number of sums, values since the last block, since, open, sum since the last block, level
_NONE: Final = -1
_NO_SUMS: Final = np.empty(0)
_FIRST_LOOK: Final = 16  # blocks looked at together behind a change, then twice as many, and so on
_REMEMBERED: Final = 4  # so many of the longest runs after a detector saw a change


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The newest values of a signal, summed by block, and what one detector has found.

    Parameters
    ----------
    block
        Values in a block.
    n, total
        Number and sum of the values since the last whole block.
    sums
        Sums of the newest blocks, oldest first.
    since
        Blocks since the signal changed, or went back to what the reference knows, whichever was last; -1 if
        it never did.
    level
        Their sum since a change; nan since it went back, and if it never changed.
    open
        Values since the detector last saw a change that is not settled; -1 if there is none.
    """

    block: int = 0
    n: int = 0
    total: float = 0.0
    sums: Floats = field(default_factory=lambda: _NO_SUMS)
    since: int = _NONE
    level: float = math.nan
    open: int = _NONE

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, seven numbers, sums."""
        numbers = (self.block, len(self.sums), self.n, self.since, self.open, self.total, self.level)
        return _HEAD.pack(*numbers) + self.sums.astype("<f8").tobytes()

    @classmethod
    @refuses_damage("confirmation of a change")
    def from_bytes(cls, data: bytes) -> Confirmation:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        (block, number, n, since, open_, total, level), arrays = _HEAD.unpack(data)
        sums = arrays.take("<f8", number).astype(np.float64)
        arrays.done()
        return cls(block, n, total, sums, since, level, open_)


class _Looks(NamedTuple):
    """The ends of the blocks that became whole: m of them."""

    ends: NDArray[np.int64]  # index of the last value of each
    sums: Floats  # (m,) of the block alone
    runs: Floats  # (m, L) of the newest runs of each length, nan while there are too few blocks
    away: Floats  # (m, L) of their means from the reference, as shares of the limits
    is_open: NDArray[
        np.int64
    ]  # the last value at which the detector saw a change recently, else a low number

    def part(self, start: int, size: int) -> _Looks:
        """Give so many of them, or those there are."""
        some = slice(start, start + size)
        return _Looks(self.ends[some], self.sums[some], self.runs[some], self.away[some], self.is_open[some])


_LOW: Final = -(1 << 62)


def confirm(
    before: Confirmation, limits: Limits, values: Floats, found: NDArray[np.int64]
) -> tuple[Confirmation, list[Change]]:
    """Take values, and tell of changes that are beyond what the reference knows.

    A change is told when a detector has seen one, no longer ago than four of the longest runs, and the mean
    of the newest values is beyond the limit for so many values; of several lengths that of the farthest. From
    then on normal is the mean since that change as well as the reference's: what is told next is beyond the
    limits from both. When the signal has left that mean for what the reference knows, only the reference's is
    left, and nothing is told.

    Parameters
    ----------
    values
        (n,) float64, the next values in order.
    found
        Indices of those at which the detector saw a change, ascending.

    Returns
    -------
    Confirmation and list of Change
        `before` is the level it went away from.

    Notes
    -----
    It does not depend on how values are spread over calls: sums are added up in one order. The time grows
    with the values alone: few blocks are looked at beyond the one that settles a change, which is where what
    is normal for those behind it is first known.
    """
    if before.block != limits.block:
        before = Confirmation(block=limits.block)
    looks = _look(before, limits, values, found)
    told = []
    settled, at, size = _LOW, 0, _FIRST_LOOK
    since, level = before.since, before.level
    while at < len(looks.ends):
        some = looks.part(at, size)
        then = _since(some, limits, since, level)
        hit = np.flatnonzero((some.is_open > settled) & (then.far > 1).any(1))
        if not len(hit):
            since, level = int(then.n[-1]) if since != _NONE else _NONE, float(then.level[-1])
            at, size = at + size, 2 * size
            continue
        row = int(hit[0])
        run = int(np.nanargmax(then.far[row]))
        total = float(some.runs[row, run])
        width = int(limits.lengths[run]) * limits.block
        settled = int(some.ends[row])
        since, changed = int(limits.lengths[run]), bool(some.away[row, run] > 1)
        if changed:
            gone = limits.level
            if not math.isnan(level):
                gone = (float(then.level[row]) - total) / (int(then.n[row]) * limits.block - width)
            told.append(Change(settled, width, gone, total / width))
        level = total if changed else math.nan
        at, size = at + row + 1, _FIRST_LOOK
    after = _after(before, limits, values, found, settled)
    return replace(after, since=since, level=level), told


def _look(before: Confirmation, limits: Limits, values: Floats, found: NDArray[np.int64]) -> _Looks:
    block, lengths = limits.block, limits.lengths
    sums = np.concatenate((before.sums, _block_sums(before, values)))
    new = len(sums) - len(before.sums)
    ends = block - before.n - 1 + block * np.arange(new)
    runs = np.full((new, len(lengths)), np.nan)
    by_length = {1: sums}
    for column, length in enumerate(lengths.tolist()):
        run = _run_sums(by_length, length)
        size = min(new, len(run))
        if size:
            runs[new - size :, column] = run[-size:]
    means = runs / (lengths * block)
    away = limits.share(limits.distance(means, limits.level))
    newest = np.concatenate(([_last_seen(before)], found))[np.searchsorted(found, ends, side="right")]
    recent = ends - newest < _REMEMBERED * int(lengths[-1]) * block
    return _Looks(ends, sums[len(before.sums) :], runs, away, np.where(recent, newest, _LOW - 1))


def _last_seen(before: Confirmation) -> int:
    """Index, in the values that come, of the one at which the detector last saw a change."""
    return _LOW if before.open == _NONE else -1 - before.open


class _Since(NamedTuple):
    """What is known at the ends of blocks of the time since the signal last changed or went back."""

    far: Floats  # (m, L) how far the runs are from all that is normal then, nan where they began before
    n: NDArray[np.int64]  # (m,) blocks since then
    level: Floats  # (m,) their sum, nan where the reference alone is normal


def _since(looks: _Looks, limits: Limits, since: int, level: float) -> _Since:
    """Follow the level that the signal changed to: distances from few values count less."""
    runs = looks.runs
    n = since + 1 + np.arange(len(runs))
    total = np.add.accumulate(np.concatenate(([level], looks.sums)))[1:]
    if math.isnan(level):
        inside = (since == _NONE) | (limits.lengths <= n[:, None])
        return _Since(np.where(inside, looks.away, np.nan), n, total)
    earlier = n[:, None] - limits.lengths
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(earlier > 0, (total[:, None] - runs) / (earlier * limits.block), np.nan)
    weight = np.sqrt(np.maximum(earlier, 0) / n[:, None])
    distances = limits.distance(runs / (limits.lengths * limits.block), mean) * weight
    return _Since(limits.share(distances), n, total)


def _block_sums(before: Confirmation, values: Floats) -> Floats:
    """Sum values by block, those of the block that was begun first; each from left to right."""
    block = before.block
    first = block - before.n
    if len(values) < first:
        return _NO_SUMS
    begun = np.add.accumulate(np.concatenate(([before.total], values[:first])))[-1:]
    whole = (len(values) - first) // block
    rest = values[first : first + whole * block].reshape(whole, block)
    return np.concatenate((begun, np.add.accumulate(rest, axis=1)[:, -1]))


def _run_sums(known: dict[int, Floats], length: int) -> Floats:
    """Sum every `length` blocks in a row; always from the same halves, so always to the same number."""
    if length not in known:
        half = 2 if length == 3 else length // 2
        later, earlier = _run_sums(known, length - half), _run_sums(known, half)
        size = len(known[1]) - length + 1
        known[length] = earlier[:size] + later[half : half + size] if size > 0 else _NO_SUMS
    return known[length]


def _after(
    before: Confirmation, limits: Limits, values: Floats, found: NDArray[np.int64], settled: int
) -> Confirmation:
    """Say what is remembered behind the values, without the level."""
    block = limits.block
    sums = np.concatenate((before.sums, _block_sums(before, values)))
    n = before.n + len(values)
    over = n % block
    begun = values[len(values) - over :] if n >= block else np.concatenate(([before.total], values))
    total = float(np.add.accumulate(np.concatenate(([0.0], begun)))[-1])
    last = int(found[-1]) if len(found) else _last_seen(before)
    since = len(values) - 1 - last
    longest = int(limits.lengths[-1])
    is_open = last > settled and since < _REMEMBERED * longest * block
    return Confirmation(block, over, total, sums[-(longest - 1) :], open=since if is_open else _NONE)
