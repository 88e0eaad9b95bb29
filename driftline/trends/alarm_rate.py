"""From how unusual the most unusual run is to how often such an alarm begins, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

OVER: Final = 10.0
"""An alarm is over when what raised it is so many times more usual than what raises one."""

_PER_DECADE: Final = 1.3
_OFFSET: Final = 0.9
_LARGEST: Final = 0.05
_SMALLEST: Final = 1e-12


def alarm_rate(p: ArrayLike) -> Floats:
    """Tell how often alarms begin at windows whose most unusual run is as unusual as this.

    Runs share windows, so alarms come in bouts: at a window more than p of them begin, but fewer than p for
    each length of run. Simulated with independent normal vectors of 1 to 30 numbers and longest runs of 16 to
    256 windows, a bout being over as `OVER` says: 1.4 to 2.0 times p at p = .01, 2.5 to 4.1 at .001, 3.5 to
    5.8 at .0001. The line through these hardly depends on the number of lengths.

    Parameters
    ----------
    p : array_like of float
        p-value of the most unusual of all runs that end at a window.

    Returns
    -------
    ndarray of float64
        Alarms a window, at most 1; never less than nulls of some hundred windows can tell.

    References
    ----------
    Siegmund, D. and Venkatraman, E. S. (1995). Using the generalized likelihood ratio statistic for
    sequential detection of a change-point. Annals of Statistics 23, 255-271 (why the factor grows with the
    logarithm). Lai, T. L. (1998). Information bounds and quick detection of parameter changes in stochastic
    systems. IEEE Transactions on Information Theory 44, 2917-2929 (the statistic, limited to some lengths).
    """
    p = np.asarray(p, dtype=np.float64)
    decades = -np.log10(np.maximum(p, 1e-300))
    rate: Floats = np.minimum(p * np.maximum(_PER_DECADE * decades - _OFFSET, 1.0), 1.0)
    return np.maximum(rate, _SMALLEST)


def alarm_limit(alarms: float, followed: int) -> float:
    """Share a budget among all that is followed.

    Parameters
    ----------
    alarms : float
        Alarms that a model may raise in the time of one window.
    followed : int
        Features of segments that are followed.

    Returns
    -------
    float
        Largest `alarm_rate` of one of them that raises an alarm; at most .05, whatever the budget.
    """
    return float(np.clip(alarms / max(followed, 1), _SMALLEST, _LARGEST))
