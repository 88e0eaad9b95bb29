"""Is the model worse than in the reference: difference of mean losses, and its p-value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from scipy import special

from driftline.statistics.rates import iid_p_value

if TYPE_CHECKING:
    from driftline.performance.loss_moments import LossMoments
    from driftline.performance.profile import PerformanceProfile

_ROUNDING = 1e-12  # relative: means closer than this are equal


class Comparison(NamedTuple):
    """Outcomes against those of the reference; nan where one side has too few.

    Parameters
    ----------
    difference
        Mean loss minus that of the reference: positive is worse.
    p_value
        Two-sided, as if outcomes were independent.
    """

    difference: float
    p_value: float


def compare(current: PerformanceProfile, reference: PerformanceProfile) -> Comparison:
    """Compare the mean loss with that of the reference.

    Zero-one loss: pooled test of two proportions, Fisher's exact test where errors are rare. Others: Welch's
    t-test.

    Parameters
    ----------
    current, reference
        Profiles of one loss.

    Returns
    -------
    Comparison
        Difference and p-value.

    Raises
    ------
    ValueError
        If the two are of different losses or thresholds.

    Notes
    -----
    The p-value treats requests as independent, which they are not: one user sends many, and losses have
    weather of their own. On correlated traffic it is too small, often by orders of magnitude, the more so the
    larger n. So do not act on it alone: ask for a difference that matters, in several windows that do not
    overlap; or divide the difference by how much the mean loss of the reference's own windows varies. The
    detectors on the loss stream have the same limit.

    References
    ----------
    Welch, B. L. (1947). The generalization of Student's problem when several different population variances
    are involved. Biometrika 34, 28-35. For proportions see `driftline.statistics.rates.iid_p_value`.
    """
    if current.loss != reference.loss:
        raise ValueError(
            f"cannot compare {current.loss} with a reference of {reference.loss}: "
            "build the baseline again with the loss and threshold of the configuration"
        )
    a, b = current.losses, reference.losses
    if not a.n or not b.n:
        return Comparison(math.nan, math.nan)
    difference = a.mean - b.mean
    if current.loss.name == "zero_one":
        return Comparison(
            difference, float(iid_p_value([current.errors], [a.n], [reference.errors], [b.n])[0])
        )
    return Comparison(difference, _welch(a, b))


def _welch(a: LossMoments, b: LossMoments) -> float:
    if min(a.n, b.n) < 2:
        return math.nan
    difference = abs(a.mean - b.mean)
    if difference <= _ROUNDING * max(abs(a.mean), abs(b.mean)):
        return 1.0
    # in units of the difference: no square can leave float64
    square_a = a.m2 / difference / (a.n - 1) / a.n / difference
    square_b = b.m2 / difference / (b.n - 1) / b.n / difference
    square = square_a + square_b
    if square == 0:
        return 0.0
    share_a, share_b = square_a / square, square_b / square
    freedom = 1 / (share_a**2 / (a.n - 1) + share_b**2 / (b.n - 1))
    return float(2 * special.stdtr(freedom, -1 / math.sqrt(square)))
