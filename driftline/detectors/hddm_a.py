"""HDDM_A: means before and after a cut, compared by Hoeffding's bound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np

from driftline.detectors.detector import Detector, pack, unpack
from driftline.detectors.minimum import latest_minimum
from driftline.detectors.running_mean import next_mean, running_means

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Cut(NamedTuple):
    """The values up to the best cut: how many, their mean, and the bound that made it the best."""

    n: float = 0.0
    mean: float = 0.0
    bound: float = math.inf


_NO_CUT: Final = _Cut()
_LEAST: Final = 1e-300  # a confidence whose inverse is finite


class HDDM_A(Detector):  # noqa: N801  (the algorithm's name)
    """Drift detection method by Hoeffding's bounds, with averages (the A-test).

    The cut is where the upper bound of the mean since the last detection was lowest. The detector finds a
    change when the mean of all values is above the mean up to the cut by Hoeffding's bound for
    `drift_confidence` or more. With `two_sided_test` it finds falls in the same way. The values since the cut
    are those after the change.

    Hoeffding's bound is that of values from 0 to 1. Other values are taken too, but `drift_confidence` does
    not hold for them: values of standard deviation 1 give many false alarms.

    Parameters
    ----------
    drift_confidence, warning_confidence
        Probability of a false detection and of a false warning at one value, from 1e-300 to 1, 1 exclusive.
    two_sided_test
        Whether falls of the mean are changes too.

    Examples
    --------
    >>> detector = HDDM_A()
    >>> detector.update_many([0, 0, 0, 0, 1] * 20 + [1] * 20)
    array([105])

    References
    ----------
    Frias-Blanco, del Campo-Avila, Ramos-Jimenez, Morales-Bueno, Ortiz-Diaz and Caballero-Mota, Online and
    Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds, IEEE Transactions on Knowledge and
    Data Engineering 27 (2015), 810-823.
    """

    NAME: ClassVar[str] = "hddm_a"
    TAG: ClassVar[bytes] = b"dha"

    def __init__(
        self,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        two_sided_test: bool = False,
    ) -> None:
        super().__init__()
        if not (_LEAST <= drift_confidence < 1 and _LEAST <= warning_confidence < 1):
            raise ValueError(
                f"drift_confidence {drift_confidence!r} and warning_confidence {warning_confidence!r} of "
                f"HDDM_A: give numbers from {_LEAST} to 1, less than 1"
            )
        self.drift_confidence = float(drift_confidence)
        self.warning_confidence = float(warning_confidence)
        self.two_sided_test = bool(two_sided_test)
        self._bound_log = math.log(1.0 / self.drift_confidence)
        self._drift_log = math.log(2.0 / self.drift_confidence)
        self._warning_log = math.log(2.0 / self.warning_confidence)
        self._reset()

    @property
    def warning_detected(self) -> bool:
        """Whether the last value left the detector in its warning zone."""
        return self._warning

    def _reset(self) -> None:
        self._drift = self._warning = False
        self._n = 0.0
        self._mean = 0.0
        self._low = self._high = _NO_CUT
        self._fell = False  # whether the change detected is a fall

    def _step(self, x: float) -> None:
        self._n += 1.0
        self._mean = next_mean(self._mean, self._n, x)
        bound = math.sqrt(1.0 / (2 * self._n) * self._bound_log)
        if self._mean + bound <= self._low.bound:
            self._low = _Cut(self._n, self._mean, self._mean + bound)
        rose = self._far(self._low, self._drift_log, 1.0)
        self._drift = rose
        self._warning = not rose and self._far(self._low, self._warning_log, 1.0)
        if self.two_sided_test:
            if bound - self._mean <= self._high.bound:
                self._high = _Cut(self._n, self._mean, bound - self._mean)
            fell = self._far(self._high, self._drift_log, -1.0)
            self._drift = rose or fell
            self._warning = self._warning or (not fell and self._far(self._high, self._warning_log, -1.0))
            self._fell = fell and not rose

    def _far(self, cut: _Cut, confidence_log: float, sign: float) -> bool:
        """Whether the mean of all is far from that up to the cut."""
        if cut.n == self._n:
            return False
        m = (self._n - cut.n) / cut.n * (1.0 / self._n)
        return sign * (self._mean - cut.mean) >= math.sqrt(m / 2 * confidence_log)

    def _take(self, values: NDArray[np.float64]) -> int:
        n = np.arange(self._n + 1, self._n + len(values) + 1)
        mean = running_means(self._mean, self._n, values)
        bound = np.sqrt(1.0 / (2 * n) * self._bound_log)
        low = _Cuts(self._low, n, mean, mean + bound)
        rose = low.far(self._drift_log, 1.0)
        drift = rose
        if self.two_sided_test:
            high = _Cuts(self._high, n, mean, bound - mean)
            fell = high.far(self._drift_log, -1.0)
            drift = rose | fell
        last = int(drift.argmax())
        self._drift = bool(drift[last])
        if not self._drift:
            last = len(values) - 1
        self._n, self._mean = float(n[last]), float(mean[last])
        self._low = low.at(last)
        self._warning = not rose[last] and self._far(self._low, self._warning_log, 1.0)
        if self.two_sided_test:
            self._high = high.at(last)
            self._warning = self._warning or (
                not fell[last] and self._far(self._high, self._warning_log, -1.0)
            )
            self._fell = bool(fell[last] and not rose[last])
        return last + 1

    def _change(self) -> tuple[int, float, float]:
        cut = self._high if self._fell else self._low
        width = self._n - cut.n
        return int(width), cut.mean, (self._mean * self._n - cut.mean * cut.n) / width

    def _parameters(self) -> dict[str, Any]:
        return {
            "drift_confidence": self.drift_confidence,
            "warning_confidence": self.warning_confidence,
            "two_sided_test": self.two_sided_test,
        }

    def _state(self) -> tuple[dict[str, Any], bytes]:
        flags = {"warning": self._warning, "fell": self._fell}
        return flags, pack([self._n, self._mean, *self._low, *self._high])

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        self._warning, self._fell = bool(head["warning"]), bool(head["fell"])
        numbers = unpack(payload, 8)
        self._n, self._mean = numbers[:2]
        self._low, self._high = _Cut(*numbers[2:5]), _Cut(*numbers[5:])


class _Cuts:
    """The cut at every value of a chunk.

    Parameters
    ----------
    n, mean, bound
        Number of values, their mean, and the bound that is least at the cut; each of shape (m,).
    """

    def __init__(
        self, before: _Cut, n: NDArray[np.float64], mean: NDArray[np.float64], bound: NDArray[np.float64]
    ) -> None:
        at = latest_minimum(before.bound, bound) + 1
        self._n, self._mean = n, mean
        self._cut_n = np.concatenate(([before.n], n))[at]
        self._cut_mean = np.concatenate(([before.mean], mean))[at]
        self._cut_bound = np.concatenate(([before.bound], bound))[at]

    def far(self, confidence_log: float, sign: float) -> NDArray[np.bool_]:
        """Whether the mean of all is far from that up to the cut, at every value."""
        m = (self._n - self._cut_n) / self._cut_n * (1.0 / self._n)
        far = sign * (self._mean - self._cut_mean) >= np.sqrt(m / 2 * confidence_log)
        behind: NDArray[np.bool_] = far & (self._cut_n != self._n)
        return behind

    def at(self, last: int) -> _Cut:
        """The cut at one value."""
        return _Cut(float(self._cut_n[last]), float(self._cut_mean[last]), float(self._cut_bound[last]))
