"""ADWIN: a window that is cut where its older part has another mean than its newer part."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from driftline.detectors.buckets import Buckets, Growth, Level
from driftline.detectors.detector import Detector, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from driftline.detectors.change import Change

_ACROSS: Final = 2.0 / 3.0  # the factor of the bound's second term
_DEVIATIONS: Final = 4.0  # standard deviations in the range of values of any scale
_ROUNDING: Final = 1e-11  # of a sum of very many values


class ADWIN(Detector):
    """Adaptive windowing (ADWIN2): a window of the newest values, as long as their mean has not changed.

    An exponential histogram holds the window, so it takes O(log n) memory and a check looks at O(log n) cuts.
    Every `clock` values the detector checks each cut between buckets. While the means of any cut are further
    apart than the bound, it drops the oldest bucket; `width` and `estimation` are those of the values left.
    It stops as soon as it can no longer tell the rest apart, usually long before the change. So a `Change`
    takes the cut whose means are furthest apart for its bound.

    As in river, a detector that has detected a change starts again with the next value.

    Parameters
    ----------
    delta
        Confidence of the bound, 0 to 1, both exclusive: smaller is fewer false alarms.
    clock
        Values from one check to the next.
    max_buckets
        Most buckets of one size, at least 2.
    min_window_length
        Fewest values on each side of a cut.
    grace_period
        No check while the window has so many values or fewer.
    scale_free
        Whether values are of any scale: then the bound's second term, which is made for values from 0 to 1,
        is for a range of four standard deviations of the window. A stream times a number has the same
        detections. Without it the first value outside [0, 1] warns.

    Examples
    --------
    >>> detector = ADWIN()
    >>> detector.update_many([0.0, 0.2] * 500 + [0.8, 1.0] * 500)
    array([1023])
    >>> detector.update_many([]), detector.width
    (array([], dtype=int64), 976)
    >>> ADWIN(scale_free=True).update_many([0.0, 2e-4] * 500 + [8e-4, 1e-3] * 500)
    array([1023])

    References
    ----------
    Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007, 443-448: the cut of
    section 3 with the variance term of equation 3.1.
    """

    NAME: ClassVar[str] = "adwin"
    TAG: ClassVar[bytes] = b"dad"

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
        *,
        scale_free: bool = False,
    ) -> None:
        super().__init__()
        if not 0 < delta < 1:
            raise ValueError(f"delta {delta!r} of ADWIN: give a number between 0 and 1, such as 0.002")
        for name, value, least in (
            ("clock", clock, 1),
            ("max_buckets", max_buckets, 2),
            ("min_window_length", min_window_length, 1),
        ):
            if value < least:
                raise ValueError(f"{name} {value!r} of ADWIN: give at least {least}")
        self.delta = float(delta)
        self.clock = int(clock)
        self.max_buckets = int(max_buckets)
        self.min_window_length = int(min_window_length)
        self.grace_period = int(grace_period)
        self.scale_free = bool(scale_free)
        self._warned = False
        self._reset()

    @property
    def width(self) -> int:
        """Number of values in the window."""
        return int(self._width)

    @property
    def estimation(self) -> float:
        """Mean of the values in the window, 0 if there are none."""
        return self._total / self._width if self._width else 0.0

    def _reset(self) -> None:
        self._drift = False
        self._n = 0  # values since the last detection
        self._width = 0.0
        self._total = 0.0
        self._squares = 0.0  # squared deviations from the mean, summed
        self._buckets = Buckets(self.max_buckets)
        self._found = (0, math.nan, math.nan)  # width and means of the change detected

    def update(self, x: float) -> None:
        """Take one value, as `Detector.update`; the first one outside [0, 1] warns, unless `scale_free`."""
        super().update(x)
        if not 0.0 <= x <= 1.0:
            self._warn(float(x))

    def changes(self, values: ArrayLike) -> tuple[Change, ...]:
        """Take many values, as `Detector.changes`, with the warning of `update`."""
        found = super().changes(values)
        stream = np.asarray(values, np.float64)
        if len(stream) and not (stream.min() >= 0.0 and stream.max() <= 1.0):
            self._warn(float(stream[int(np.argmax((stream < 0) | (stream > 1)))]))
        return found

    def _warn(self, x: float) -> None:
        if self._warned or self.scale_free:
            return
        self._warned = True
        warnings.warn(
            f"ADWIN got {x!r}: its bound is made for values from 0 to 1, so on another scale it misses "
            "changes or sees too many; give ADWIN(scale_free=True), or bring the values to [0, 1] first",
            UserWarning,
            stacklevel=3,
        )

    def _scale(self, spread: Any, total: Any) -> tuple[Any, Any]:
        """Give the range of the values, by which the bound's second term is wider, and what is rounding."""
        if not self.scale_free:
            return 1.0, 0.0
        return _DEVIATIONS * np.sqrt(spread), _ROUNDING * np.abs(total)

    def _step(self, x: float) -> None:
        self._n += 1
        self._width += 1.0
        if self._width > 1.0:
            apart = x - self._total / (self._width - 1.0)
            self._squares += (self._width - 1.0) * apart * apart / self._width
        self._total += x
        self._buckets.add(x)
        if self._n % self.clock == 0 and self._width > self.grace_period:
            self._shrink()

    def _take(self, values: NDArray[np.float64]) -> int:
        width = np.arange(self._width + 1.0, self._width + len(values) + 1.0)
        total = np.add.accumulate(np.concatenate(([self._total], values)))
        apart = values - total[:-1] / np.maximum(width - 1.0, 1.0)
        squares = (width - 1.0) * apart * apart / width
        squares = np.add.accumulate(np.concatenate(([self._squares], squares)))
        times = np.arange(self.clock - self._n % self.clock, len(values) + 1, self.clock)
        times = times[times + self._width > max(self.grace_period, 1)]
        growth = Growth(self._buckets, values, np.append(times, len(values)))
        checks = len(times)
        if checks:
            sizes, totals = growth.totals()
            cut = self._cuts(sizes[:, :checks], totals[:, :checks], total[times], squares[times])
            first = int(cut.argmax())
            if cut[first]:
                checks = first
        taken = int(times[checks]) if checks < len(times) else len(values)
        self._n += taken
        self._width += taken
        self._total, self._squares = float(total[taken]), float(squares[taken])
        self._buckets = growth.at(checks)
        if checks < len(times):
            self._shrink()
        return taken

    def _cuts(
        self,
        sizes: NDArray[np.float64],
        totals: NDArray[np.float64],
        total: NDArray[np.float64],
        squares: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Whether there is a cut, at each of m times; buckets (k, m), oldest first; window sums (m,)."""
        none = np.zeros(len(total))
        before = _running(np.add, none, sizes)
        width = before[-1]
        after = width - before
        total_before = _running(np.add, none, totals)
        total_after = _running(np.subtract, total, totals)
        # the C library's logarithm, as the definition: numpy's may differ in the last bit
        log = np.array([math.log(2.0 * math.log(n) / self.delta) for n in width.tolist()])
        least = self.min_window_length
        with np.errstate(divide="ignore", invalid="ignore"):  # where a side is too short
            share = 1.0 / (before - least + 1.0) + 1.0 / (after - least + 1.0)
            scale, rounding = self._scale(squares / width, total)
            across = _ACROSS * log * scale
            bound = np.sqrt(2.0 * share * (squares / width) * log) + across * share + rounding * share
            far = np.abs(total_before / before - total_after / after) > bound
        cut: NDArray[np.bool_] = (far & (before >= least) & (after >= least)).any(axis=0)
        return cut

    def _shrink(self) -> None:
        """Drop the oldest bucket while there is a cut."""
        while self._has_cut():
            if not self._drift:
                self._drift = True
                self._found = self._clearest_cut()
            size, removed, squares = self._buckets.drop_oldest()
            self._width -= size
            self._total -= removed
            apart = removed / size - self._total / self._width
            self._squares -= squares + size * self._width * apart * apart / (size + self._width)

    def _has_cut(self) -> bool:
        """Whether there is a cut now: `_cuts` at one time."""
        return any(distance > bound for _, _, distance, bound in self._all_cuts())

    def _clearest_cut(self) -> tuple[int, float, float]:
        """Width after, mean before and mean after of the cut whose means are furthest apart for its bound."""
        before, total, *_ = max(self._all_cuts(), key=lambda cut: cut[2] / cut[3])
        after = self._width - before
        return int(after), total / before, (self._total - total) / after

    def _all_cuts(self) -> Iterator[tuple[float, float, float, float]]:
        """Number and sum of the values before each cut, the distance of the means, and its bound."""
        spread = self._squares / self._width
        if spread < 0 or self._width < 2:  # rounding, after drops: no bound
            return
        log = math.log(2.0 * math.log(self._width) / self.delta)
        scale, rounding = self._scale(spread, self._total)
        scale, rounding = float(scale), float(rounding)
        across = _ACROSS * log * scale
        least = self.min_window_length
        before, after = 0.0, self._width
        total_before, total_after = 0.0, self._total
        for i in range(len(self._buckets.levels) - 1, -1, -1):
            size = 2.0**i
            for total in self._buckets.levels[i].totals:
                before += size
                after -= size
                total_before += total
                total_after -= total
                if before >= least and after >= least:
                    share = 1.0 / (before - least + 1.0) + 1.0 / (after - least + 1.0)
                    bound = math.sqrt(2.0 * share * spread * log) + across * share + rounding * share
                    yield before, total_before, abs(total_before / before - total_after / after), bound

    def _change(self) -> tuple[int, float, float]:
        return self._found

    def _parameters(self) -> dict[str, Any]:
        return {
            "delta": self.delta,
            "clock": self.clock,
            "max_buckets": self.max_buckets,
            "min_window_length": self.min_window_length,
            "grace_period": self.grace_period,
            **({"scale_free": True} if self.scale_free else {}),
        }

    def _state(self) -> tuple[dict[str, Any], bytes]:
        levels = self._buckets.levels
        numbers = [self._width, self._total, self._squares]
        for level in levels:
            numbers += level.totals + level.squares
        return {"n": self._n, "buckets": [len(level.totals) for level in levels]}, pack(numbers)

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        self._n = int(head["n"])
        counts = [int(count) for count in head["buckets"]]
        numbers = unpack(payload, 3 + 2 * sum(counts))
        self._width, self._total, self._squares = numbers[:3]
        self._buckets.levels = []
        begin = 3
        for count in counts:
            middle, end = begin + count, begin + 2 * count
            self._buckets.levels.append(Level(numbers[begin:middle], numbers[middle:end]))
            begin = end


def _running(
    operation: np.ufunc, first: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Combine rows one after the other: `ufunc.accumulate` along the first axis, but for long rows faster."""
    running = np.empty(rows.shape)
    for row, out in zip(rows, running, strict=True):
        first = operation(first, row, out=out)
    return running
