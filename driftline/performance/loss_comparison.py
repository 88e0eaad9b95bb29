"""Is the model worse than in the reference: difference of mean losses, and its p-values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from driftline.performance.labelled import labels_are_in, usual_share
from driftline.performance.loss_null import distances, spread_of_one
from driftline.statistics.rates import iid_p_value

if TYPE_CHECKING:
    from driftline.performance.loss_moments import LossMoments
    from driftline.performance.loss_null import LossNull
    from driftline.performance.profile import PerformanceProfile

_ROUNDING = 1e-12  # relative: means closer than this are equal


class Comparison(NamedTuple):
    """Outcomes against those of the reference; nan where one side has too few.

    Parameters
    ----------
    difference
        Mean loss minus that of the reference: positive is worse.
    p_value
        Two-sided: how often a normal window is as far from the reference, as its own windows tell. Nan
        without a null, and while fewer labels have come than is usual.
    p_iid
        What it would be if outcomes were independent.
    deviations
        The difference in standard deviations of normal windows, with its sign.
    spread
        Standard deviation of the difference among normal windows of as many outcomes.
    """

    difference: float
    p_value: float
    p_iid: float
    deviations: float = math.nan
    spread: float = math.nan


def compare(
    current: PerformanceProfile, reference: PerformanceProfile, null: LossNull | None = None
) -> Comparison:
    """Compare the mean loss of a window with that of the reference.

    Parameters
    ----------
    current, reference
        Profiles of one loss.
    null
        Of the same reference; None where it has too few windows to tell.

    Raises
    ------
    ValueError
        If the two are of different losses or thresholds.

    Notes
    -----
    Outcomes come in clusters (one user sends many requests) and have weather (in a storm all flights err
    together). So the mean loss of a normal window strays farther than that of as many independent outcomes,
    and with more outcomes it does so by a larger factor. `LossNull` learns how far from the reference's
    windows.

    `p_iid` is what is usually reported: for zero-one loss the pooled test of two proportions, Fisher's exact
    test where errors are rare; for others Welch's t-test.

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
        return Comparison(math.nan, math.nan, math.nan)
    p_value = deviations = spread = math.nan
    usual = usual_share([reference.n], [reference.n_predictions])
    if null is not None and labels_are_in(a.n, current.n_predictions, usual):
        [distance] = distances(reference, np.array([float(a.n)]), np.array([a.mean]))
        p_value, deviations = null.p_value(float(distance), a.n), null.deviations(float(distance), a.n)
        spread = null.spread(a.n) * spread_of_one(reference)
    return Comparison(a.mean - b.mean, p_value, _p_iid(current, reference), deviations, spread)


def _p_iid(current: PerformanceProfile, reference: PerformanceProfile) -> float:
    if current.loss.name == "zero_one":
        return float(iid_p_value([current.errors], [current.n], [reference.errors], [reference.n])[0])
    return _welch(current.losses, reference.losses)


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
