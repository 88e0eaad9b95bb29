"""Whether results are drifted: significant, large, and of a calibration that is acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from driftline.statistics.multiple import benjamini_hochberg
from driftline.tables import Calibration, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUSTED = (Calibration.CALIBRATED.value, Calibration.BOUND.value, Calibration.INDEPENDENT.value)
"""Calibrations whose p-values are acted on."""


class Thresholds(Protocol):
    """When a result is drifted: the configuration's ``tests``, or what a run keeps of them."""

    @property
    def alpha(self) -> float:
        """Level of the adjusted p-value below which a result is significant."""

    @property
    def psi(self) -> float:
        """Population stability index above which it is large."""

    @property
    def wasserstein_iqr(self) -> float:
        """Wasserstein distance above which it is large, in interquartile ranges of the reference."""

    @property
    def rate_change(self) -> float:
        """Change of a share above which it is large, from 0 to 1."""

    @property
    def rate_ratio(self) -> float:
        """Ratio of a share to what it was, up or down, above which it is large."""


@dataclass(frozen=True, eq=False)
class Decision:
    """What is decided of R results of one model and window.

    Parameters
    ----------
    p_adjusted : ndarray of float64, shape (R,)
        NaN where it cannot be told whether a result is drifted.
    drifted : ndarray of bool, shape (R,)
        False where it cannot be told.
    """

    p_adjusted: NDArray[np.float64]
    drifted: NDArray[np.bool_]

    @property
    def told(self) -> NDArray[np.bool_]:
        """Where it can be told, shape (R,)."""
        return ~np.isnan(self.p_adjusted)


def decide(
    *,
    p_value: NDArray[np.float64],
    psi: NDArray[np.float64],
    wasserstein_iqr: NDArray[np.float64],
    rate_change: NDArray[np.float64],
    rate_ratio: NDArray[np.float64],
    status: NDArray[Any],
    calibration: NDArray[Any],
    thresholds: Thresholds,
) -> Decision:
    """Decide all results of one model and window together.

    Parameters
    ----------
    p_value, psi, wasserstein_iqr, rate_change, rate_ratio : ndarray of float64, shape (R,)
        NaN where a result has none: a size that is not known is not large.
    status, calibration : ndarray of str, shape (R,)
        As in a result row; None where a row has none.
    thresholds : Thresholds
        The sizes and the level are exclusive: a result at a threshold is not drifted.

    Returns
    -------
    Decision
        Only results whose status is ``ok`` and whose calibration is in `TRUSTED` are tests of the window:
        their p-values are adjusted together (see `benjamini_hochberg`), and of no other can it be told.
    """
    tested = (status == Status.OK.value) & np.isin(calibration, TRUSTED)
    adjusted = benjamini_hochberg(np.where(tested, p_value, np.nan))
    large = (psi > thresholds.psi) | (wasserstein_iqr > thresholds.wasserstein_iqr)
    large |= (rate_change > thresholds.rate_change) | (rate_ratio > thresholds.rate_ratio)
    return Decision(adjusted, (adjusted < thresholds.alpha) & large)
