"""Tell of what a detector has found when the newest values are farther from normal than the reference."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.detectors.change import Change
from driftline.framing import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.signals.alarm_limits import Limits

    Floats = NDArray[np.float64]

_HEAD: Final = Head(b"dAC", 1, "confirmation of a detector", "IIIqqdd")
# block, number of sums, values since the last block, level blocks, open, sum since the last block, level sum
_NONE: Final = -1
_NO_SUMS: Final = np.empty(0)


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
    level_n, level_total
        Number and sum of the blocks since the change that was told last; -1 and 0 while there is none, and
        since the signal went back to what the reference knows.
    open
        Values since the detector last saw a change that is not settled; -1 if there is none.
    """

    block: int = 0
    n: int = 0
    total: float = 0.0
    sums: Floats = field(default_factory=lambda: _NO_SUMS)
    level_n: int = _NONE
    level_total: float = 0.0
    open: int = _NONE

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, seven numbers, sums."""
        numbers = (self.block, len(self.sums), self.n, self.level_n, self.open, self.total, self.level_total)
        return _HEAD.pack(*numbers) + self.sums.astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Confirmation:
        """Read what `to_bytes` wrote; other bytes raise ValueError."""
        (block, number, n, level_n, open_, total, level_total), arrays = _HEAD.unpack(data)
        sums = arrays.take("<f8", number).astype(np.float64)
        arrays.done()
        return cls(block, n, total, sums, level_n, level_total, open_)


class _Looks(NamedTuple):
    """The ends of the blocks that became whole: m of them."""

    ends: NDArray[np.int64]  # index of the last value of each
    sums: Floats  # (m,) of the block alone
    runs: Floats  # (m, L) of the newest runs of each length, nan while there are too few blocks
    away: Floats  # (m, L) of their means from the reference, as shares of the limits
    is_open: NDArray[
        np.int64
    ]  # the last value at which the detector saw a change recently, else a low number


_LOW: Final = -(1 << 62)


def confirm(
    before: Confirmation, limits: Limits, values: Floats, found: NDArray[np.int64]
) -> tuple[Confirmation, list[Change]]:
    """Take values, and tell of changes that are beyond what the reference knows.

    A change is told when a detector has seen one, no longer ago than the longest run, and the mean of the
    newest values is beyond the limit for so many values; of several lengths that of the farthest. From then
    on normal is the mean since that change as well as the reference's: what is told next is beyond the limits
    from both. When the signal has left that mean for what the reference knows, only the reference's is left,
    and nothing is told.

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
    It does not depend on how values are spread over calls: sums are added up in one order.
    """
    if before.block != limits.block:
        before = Confirmation(block=limits.block)
    looks = _look(before, limits, values, found)
    told = []
    settled, at = _LOW, 0
    level_n, level_total = before.level_n, before.level_total
    while at < len(looks.ends):
        ready = looks.is_open[at:] > settled
        far, away = looks.away[at:], None
        if level_n != _NONE:
            away, level_n_then, level_total_then = _from_level(looks, at, limits, level_n, level_total)
            far = away
        hit = np.flatnonzero(ready & (far > 1).any(1))
        if not len(hit):
            if away is not None:
                level_n, level_total = int(level_n_then[-1]), float(level_total_then[-1])
            break
        row = at + int(hit[0])
        run = int(np.nanargmax(far[hit[0]]))
        length = int(limits.lengths[run])
        settled, at = int(looks.ends[row]), row + 1
        if away is not None and not looks.away[row, run] > 1:
            level_n, level_total = _NONE, 0.0
            continue
        level = limits.level
        if away is not None:
            gone = float(level_total_then[hit[0]]) - float(looks.runs[row, run])
            level = gone / ((int(level_n_then[hit[0]]) - length) * limits.block)
        mean = float(looks.runs[row, run]) / (length * limits.block)
        told.append(Change(settled, length * limits.block, level, mean))
        level_n, level_total = length, float(looks.runs[row, run])
    after = _after(before, limits, values, found, settled)
    return replace(after, level_n=level_n, level_total=level_total), told


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
    recent = ends - newest < int(lengths[-1]) * block
    return _Looks(ends, sums[len(before.sums) :], runs, away, np.where(recent, newest, _LOW - 1))


def _last_seen(before: Confirmation) -> int:
    """Index, in the values that come, of the one at which the detector last saw a change."""
    return _LOW if before.open == _NONE else -1 - before.open


def _from_level(
    looks: _Looks, at: int, limits: Limits, level_n: int, level_total: float
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Say how far runs are from the mean since the last change before them, in shares of the limits.

    A mean of few values is uncertain itself, so distances from it count less.
    """
    runs = looks.runs[at:]
    n = level_n + 1 + np.arange(len(runs))
    total = np.add.accumulate(np.concatenate(([level_total], looks.sums[at:])))[1:]
    earlier = n[:, None] - limits.lengths
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(earlier > 0, (total[:, None] - runs) / (earlier * limits.block), np.nan)
        weight = np.sqrt(np.maximum(earlier, 0) / n[:, None])
    means = runs / (limits.lengths * limits.block)
    return limits.share(limits.distance(means, level) * weight), n, total


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
    is_open = last > settled and since < longest * block
    return Confirmation(block, over, total, sums[-(longest - 1) :], open=since if is_open else _NONE)
