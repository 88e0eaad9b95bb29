"""Page-Hinkley: a change of the mean, from the cumulated deviations from the running mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from driftline.detectors.detector import Detector, pack, unpack
from driftline.detectors.running_mean import next_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MODES: Final = ("up", "down", "both")
_NUMBERS: Final = (
    *("_mean", "_up", "_down", "_lowest", "_highest"),
    *("_total", "_total_lowest", "_total_highest"),
)  # of the state, in the order of its bytes
_HIGHEST: Final = -1.0  # where river starts the maximum: a fall counts from there


class PageHinkley(Detector):
    """Page-Hinkley test with a forgetting factor.

    The test sums the deviations from the running mean, less `delta` each for a rise and plus `delta` for a
    fall. It finds a change when the first sum is more than `threshold` above its minimum, or the second as
    far below its maximum. The values since that extreme are those after the change.

    `delta` and `threshold` are in units of the values: see `StandardisedPageHinkley` for values of unknown
    scale.

    Parameters
    ----------
    min_instances
        Fewest values before a change is detected.
    delta
        Tolerated deviation.
    threshold
        Detection threshold, often called lambda.
    alpha
        Forgetting factor of the sums, 0 to 1.
    mode
        ``up`` for rises only, ``down`` for falls only, or ``both``.

    Examples
    --------
    >>> detector = PageHinkley(threshold=5)
    >>> detector.changes([0.0] * 100 + [1.0] * 100)
    (Change(position=105, width=6, before=0.0, after=1.0),)

    References
    ----------
    Page, Continuous Inspection Schemes, Biometrika 41 (1954), 100-115; with the forgetting factor of river's
    implementation.
    """

    NAME: ClassVar[str] = "page_hinkley"
    TAG: ClassVar[bytes] = b"dph"

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
        mode: str = "both",
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"mode {mode!r} of PageHinkley: give one of {', '.join(_MODES)}")
        if not (threshold > 0 and math.isfinite(threshold) and math.isfinite(delta)):
            raise ValueError(
                f"threshold {threshold!r} and delta {delta!r} of PageHinkley: give finite numbers, "
                "the threshold above 0"
            )
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha {alpha!r} of PageHinkley: give a forgetting factor from 0 to 1")
        self.min_instances = int(min_instances)
        self.delta = float(delta)
        self.threshold = float(threshold)
        self.alpha = float(alpha)
        self.mode = mode
        # a mode that is not watched has a threshold that is never passed
        self._rise = math.inf if mode == "down" else self.threshold
        self._fall = math.inf if mode == "up" else self.threshold
        self._reset()

    def _reset(self) -> None:
        self._drift = False
        self._n = 0
        self._mean = 0.0
        self._up = self._down = 0.0
        self._lowest = math.inf
        self._highest = _HIGHEST
        self._total = 0.0
        self._n_lowest = self._n_highest = 0  # number and sum of the values up to each extreme
        self._total_lowest = self._total_highest = 0.0

    def _step(self, x: float) -> None:
        self._look_at(x, x)

    def _look_at(self, x: float, reported: float) -> None:
        """Take a value for which another is reported."""
        self._n += 1
        self._total += reported
        self._mean = next_mean(self._mean, self._n, x)
        deviation = x - self._mean
        self._up = self.alpha * self._up + deviation - self.delta
        self._down = self.alpha * self._down + deviation + self.delta
        if self._up < self._lowest:
            self._lowest, self._n_lowest, self._total_lowest = self._up, self._n, self._total
        if self._down > self._highest:
            self._highest, self._n_highest, self._total_highest = self._down, self._n, self._total
        if self._n >= self.min_instances:
            self._drift = self._up - self._lowest > self._rise or self._highest - self._down > self._fall

    def _take(self, values: NDArray[np.float64]) -> int:
        return self._look(values, values)

    def _look(self, values: NDArray[np.float64], reported: NDArray[np.float64]) -> int:
        """Take values for which others are reported: those whose means a `Change` holds."""
        silent = max(0, min(self.min_instances - 1 - self._n, len(values)))
        taken = self._follow(values[:silent], reported, math.inf, math.inf) if silent else 0
        if taken < len(values):
            taken += self._follow(values[taken:], reported[taken:], self._rise, self._fall)
        return taken

    def _follow(
        self, values: NDArray[np.float64], reported: NDArray[np.float64], rise: float, fall: float
    ) -> int:
        """Do `_step` with many values, up to the first that passes one of two thresholds."""
        n, mean, up, down = self._n, self._mean, self._up, self._down
        lowest, highest, alpha, delta = self._lowest, self._highest, self.alpha, self.delta
        at_lowest = at_highest = -1
        shares = (1.0 / np.arange(n + 1, n + len(values) + 1)).tolist()
        i = 0
        for i, (x, share) in enumerate(zip(values.tolist(), shares, strict=True)):
            mean += share * (x - mean)
            deviation = x - mean
            up = alpha * up + deviation - delta
            down = alpha * down + deviation + delta
            if up < lowest:
                lowest, at_lowest = up, i
            if down > highest:
                highest, at_highest = down, i
            if up - lowest > rise or highest - down > fall:
                self._drift = True
                break
        totals = np.add.accumulate(np.concatenate(([self._total], reported[: i + 1])))
        if at_lowest >= 0:
            self._n_lowest, self._total_lowest = n + at_lowest + 1, float(totals[at_lowest + 1])
        if at_highest >= 0:
            self._n_highest, self._total_highest = n + at_highest + 1, float(totals[at_highest + 1])
        self._total = float(totals[-1])
        self._n, self._mean, self._up, self._down = n + i + 1, mean, up, down
        self._lowest, self._highest = lowest, highest
        return i + 1

    def _change(self) -> tuple[int, float, float]:
        rise, fall = self._up - self._lowest, self._highest - self._down
        if rise > self._rise and (rise >= fall or not fall > self._fall):
            n, total = self._n_lowest, self._total_lowest
        else:
            n, total = self._n_highest, self._total_highest
        width = self._n - n
        return width, total / n if n else math.nan, (self._total - total) / width

    def _parameters(self) -> dict[str, Any]:
        return {
            "min_instances": self.min_instances,
            "delta": self.delta,
            "threshold": self.threshold,
            "alpha": self.alpha,
            "mode": self.mode,
        }

    def _state(self) -> tuple[dict[str, Any], bytes]:
        counts = {"n": self._n, "n_lowest": self._n_lowest, "n_highest": self._n_highest}
        return counts, pack([getattr(self, name) for name in _NUMBERS])

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        self._n, self._n_lowest, self._n_highest = (int(head[k]) for k in ("n", "n_lowest", "n_highest"))
        for name, number in zip(_NUMBERS, unpack(payload, len(_NUMBERS)), strict=True):
            setattr(self, name, number)
