"""Page-Hinkley on a stream of any scale: every value in standard deviations from the mean at first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from driftline.detectors.detector import pack, unpack
from driftline.detectors.page_hinkley import PageHinkley

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = 4  # of the state, before those of the test itself


class StandardisedPageHinkley(PageHinkley):
    """Page-Hinkley test of (value - centre) / scale, with limits in standard deviations.

    The centre is the running mean of the first `first` values since the last detection, and stays there. The
    scale is the running standard deviation of all values since then, the current one included. Both start
    again after a detection.

    A centre that kept moving would follow a change, as the mean of the test itself does, and hide part of it.
    A scale that stopped early would be too small for heavy tails, and 0 for rare errors. The defaults differ
    from those of `PageHinkley`, which suit errors of 0 and 1: with those a stable stream of standard
    deviation 1 gives some 60 detections in 100,000 values.

    The means of a `Change` are those of the values as they were given.

    Parameters
    ----------
    min_instances
        Fewest values before a change is detected.
    delta
        Tolerated deviation, standard deviations.
    threshold
        Detection threshold, standard deviations.
    alpha
        Forgetting factor of the sums, 0 to 1. Below 1 it works against `delta`: a sum that has sunk far is
        pulled up by what it forgets.
    mode
        ``up`` for rises only, ``down`` for falls only, or ``both``.
    first
        Number of values that the centre is taken from.

    Examples
    --------
    >>> detector = StandardisedPageHinkley()
    >>> detector.update_many([1000.0, 1002.0] * 500 + [1002.0, 1004.0] * 100)
    array([1040])
    """

    NAME: ClassVar[str] = "standardised_page_hinkley"
    TAG: ClassVar[bytes] = b"dsp"

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.05,
        threshold: float = 75.0,
        alpha: float = 1.0,
        mode: str = "both",
        *,
        first: int = 100,
    ) -> None:
        if first < 1:
            raise ValueError(
                f"first {first!r} of StandardisedPageHinkley: give at least 1 value, such as 100"
            )
        self.first = int(first)
        super().__init__(min_instances, delta, threshold, alpha, mode)

    def _reset(self) -> None:
        super()._reset()
        self._origin = 0.0  # the first value: sums of differences from it lose no digits
        self._sum = self._squares = 0.0
        self._centre = 0.0  # sum of the first differences

    def _step(self, x: float) -> None:
        n = self._n + 1
        if n == 1:
            self._origin = x
        apart = x - self._origin
        self._sum += apart
        self._squares += apart * apart
        if n <= self.first:
            self._centre = self._sum
        mean = self._sum / n
        scale = math.sqrt(max(self._squares / n - mean * mean, 0.0))
        self._look_at((apart - self._centre / min(n, self.first)) / scale if scale > 0 else 0.0, x)

    def _take(self, values: NDArray[np.float64]) -> int:
        before = self._n
        if before == 0:
            self._origin = float(values[0])
        n = np.arange(before + 1.0, before + len(values) + 1.0)
        apart = values - self._origin
        sums = np.add.accumulate(np.concatenate(([self._sum], apart)))[1:]
        squares = np.add.accumulate(np.concatenate(([self._squares], apart * apart)))[1:]
        centred = max(0, min(self.first - before, len(values)))  # how many still move the centre
        centres = np.full(len(values), sums[centred - 1] if centred else self._centre)
        centres[:centred] = sums[:centred]
        mean = sums / n
        scale = np.sqrt(np.maximum(squares / n - mean * mean, 0.0))
        standardised = np.divide(
            apart - centres / np.minimum(n, self.first), scale, out=np.zeros(len(values)), where=scale > 0
        )
        taken = self._look(standardised, values)
        self._sum, self._squares = float(sums[taken - 1]), float(squares[taken - 1])
        self._centre = float(centres[taken - 1])
        return taken

    def _parameters(self) -> dict[str, Any]:
        return {**super()._parameters(), "first": self.first}

    def _state(self) -> tuple[dict[str, Any], bytes]:
        counts, payload = super()._state()
        return counts, pack([self._origin, self._sum, self._squares, self._centre]) + payload

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        own = 8 * _NUMBERS
        self._origin, self._sum, self._squares, self._centre = unpack(payload[:own], _NUMBERS)
        super()._restore(head, payload[own:])
