"""DDM: an error rate that has risen above its lowest by a number of standard deviations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from driftline.detectors.detector import Detector, pack, unpack
from driftline.detectors.minimum import latest_minimum
from driftline.detectors.running_mean import next_mean, running_means

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DDM(Detector):
    """Drift Detection Method: watches a stream of errors for a rise of their rate.

    With p the error rate since the last detection and s = sqrt(p (1 - p) / n), the detector remembers the
    least p + s, and its p and s. It detects a change when p + s is more than `drift_threshold` times that s
    above that p, and warns likewise with `warning_threshold`. It takes the values since the warnings that led
    to the detection as those after the change.

    Parameters
    ----------
    warm_start
        Values before anything is detected.
    warning_threshold, drift_threshold
        Standard deviations to a warning and to a detection.

    Examples
    --------
    >>> detector = DDM()
    >>> detector.update_many([0, 0, 0, 0, 1] * 20 + [1] * 20)
    array([109])

    References
    ----------
    Gama, Medas, Castillo and Rodrigues, Learning with Drift Detection, SBIA 2004, 286-295.
    """

    NAME: ClassVar[str] = "ddm"
    TAG: ClassVar[bytes] = b"ddd"
    LIMITS: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self, warm_start: int = 30, warning_threshold: float = 2.0, drift_threshold: float = 3.0
    ) -> None:
        super().__init__()
        if not (math.isfinite(warning_threshold) and 1 <= drift_threshold < math.inf):
            raise ValueError(
                f"warning_threshold {warning_threshold!r} and drift_threshold {drift_threshold!r} of DDM: "
                "give finite numbers, drift_threshold at least 1 (below it every value is a change)"
            )
        self.warm_start = int(warm_start)
        self.warning_threshold = float(warning_threshold)
        self.drift_threshold = float(drift_threshold)
        self._reset()

    @property
    def warning_detected(self) -> bool:
        """Whether the last value left the detector in its warning zone, short of a detection."""
        return self._warning

    def _reset(self) -> None:
        self._drift = self._warning = False
        self._n = self._n_calm = 0  # n_calm values with the mean p_calm came before the warnings
        self._mean = self._p_calm = 0.0
        self._p_least = self._s_least = self._least = math.inf

    def _step(self, x: float) -> None:
        self._n += 1
        self._mean = p = next_mean(self._mean, self._n, x)
        s = math.sqrt(p * (1.0 - p) / self._n)
        warned = False
        if self._n > self.warm_start:
            if p + s <= self._least:
                self._p_least, self._s_least, self._least = p, s, p + s
            warned = p + s > self._p_least + self.warning_threshold * self._s_least
            self._drift = p + s > self._p_least + self.drift_threshold * self._s_least
        self._warning = warned and not self._drift
        if not (warned or self._drift):
            self._n_calm, self._p_calm = self._n, p

    def _take(self, values: NDArray[np.float64]) -> int:
        n = np.arange(self._n + 1, self._n + len(values) + 1, dtype=np.float64)
        means = running_means(self._mean, self._n, values)
        warm = max(0, min(self.warm_start - self._n, len(values)))
        if warm:
            self._n_calm, self._p_calm = self._n + warm, float(means[warm - 1])
        p, n = means[warm:], n[warm:]
        taken = len(values)
        if len(p):
            taken = warm + self._follow(n, p, np.sqrt(p * (1.0 - p) / n))
        self._n += taken
        self._mean = float(means[taken - 1])
        return taken

    def _follow(self, n: NDArray[np.float64], p: NDArray[np.float64], s: NDArray[np.float64]) -> int:
        """Compare rates with the least so far, up to the first that is a change."""
        level = p + s
        at = latest_minimum(self._least, level)
        p_least = np.concatenate(([self._p_least], p))[at + 1]
        s_least = np.concatenate(([self._s_least], s))[at + 1]
        drift = level > p_least + self.drift_threshold * s_least
        warned = level > p_least + self.warning_threshold * s_least
        last = int(drift.argmax())
        self._drift = bool(drift[last])
        if not self._drift:
            last = len(p) - 1
        self._warning = bool(warned[last]) and not self._drift
        if at[last] >= 0:
            self._least = float(level[at[last]])
            self._p_least, self._s_least = float(p_least[last]), float(s_least[last])
        calm = np.flatnonzero(~(warned | drift)[: last + 1])
        if len(calm):
            self._n_calm, self._p_calm = int(n[calm[-1]]), float(p[calm[-1]])
        return last + 1

    def _change(self) -> tuple[int, float, float]:
        width = self._n - self._n_calm
        before = self._p_calm if self._n_calm else math.nan
        return width, before, (self._mean * self._n - self._p_calm * self._n_calm) / width

    def _parameters(self) -> dict[str, Any]:
        return {
            "warm_start": self.warm_start,
            "warning_threshold": self.warning_threshold,
            "drift_threshold": self.drift_threshold,
        }

    def _state(self) -> tuple[dict[str, Any], bytes]:
        counts = {"n": self._n, "n_calm": self._n_calm, "warning": self._warning}
        return counts, pack([self._mean, self._p_calm, self._p_least, self._s_least, self._least])

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        self._n, self._n_calm = int(head["n"]), int(head["n_calm"])
        self._warning = bool(head["warning"])
        self._mean, self._p_calm, self._p_least, self._s_least, self._least = unpack(payload, 5)
