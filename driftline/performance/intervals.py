"""Confidence intervals of rates and means, as if outcomes were independent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from scipy import special

if TYPE_CHECKING:
    from driftline.performance.loss_moments import LossMoments

_TAIL = 0.975  # of a 95 % interval


class Interval(NamedTuple):
    """A 95 % confidence interval; nan where there is none."""

    low: float
    high: float


def wilson_interval(events: int, n: int) -> Interval:
    """Interval of a rate by Wilson's score, which keeps its coverage for rare events and few rows.

    Returns
    -------
    Interval
        95 %, within [0, 1]; nan without rows.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(5, 100)
    >>> round(low, 4), round(high, 4)
    (0.0215, 0.1118)
    """
    if not n:
        return Interval(math.nan, math.nan)
    z = float(special.ndtri(_TAIL))
    rate = events / n
    shrink = 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # exactly 0 and 1 at the ends, which rounding would miss
    return Interval(
        max(0.0, centre - half) if events else 0.0, min(1.0, centre + half) if events < n else 1.0
    )


def mean_interval(losses: LossMoments) -> Interval:
    """Interval of a mean loss by Student's t.

    Returns
    -------
    Interval
        95 %, not below 0, as no loss is; nan with fewer than two.

    References
    ----------
    Student (1908). The probable error of a mean. Biometrika 6, 1-25.

    Examples
    --------
    >>> import numpy as np
    >>> from driftline.performance.loss_moments import LossMoments
    >>> low, high = mean_interval(LossMoments.of(np.array([1.0, 2.0, 3.0, 4.0])))
    >>> round(low, 3), round(high, 3)
    (0.446, 4.554)
    """
    if losses.n < 2:
        return Interval(math.nan, math.nan)
    error = math.sqrt(losses.m2 / (losses.n - 1) / losses.n)
    half = float(special.stdtrit(losses.n - 1, _TAIL)) * error
    return Interval(max(0.0, losses.mean - half), losses.mean + half)
