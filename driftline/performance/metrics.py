"""From a performance profile to the numbers of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.performance.area_under_curve import area_under_curve
from driftline.performance.intervals import Interval, mean_interval, wilson_interval
from driftline.performance.score_grid import CALIBRATION_BINS, calibration_bins, first_positive_bin

if TYPE_CHECKING:
    from driftline.performance.profile import PerformanceProfile


@dataclass(frozen=True)
class Metrics:
    """Realised performance; nan where there is nothing to say, or the loss is for something else.

    Parameters
    ----------
    n
        Outcomes.
    mean_loss, mean_loss_interval
        Mean of the loss, and its 95 % interval: Wilson's for zero-one loss, Student's else.
    error_rate, error_rate_interval
        Share of wrong classes, and its 95 % Wilson interval.
    false_positive_rate, false_negative_rate
        Share of negatives predicted to be positive, of positives predicted to be negative.
    calibration_gap
        Mean score minus share of positives.
    log_loss
        Mean log-loss.
    auc
        Area under the ROC curve; of more than two classes the mean of each against the rest.
    calibration_error
        Expected calibration error.
    mean_absolute_error, root_mean_squared_error
        Of predicted numbers.
    bias
        Mean of predicted minus true number; nan where an earlier release profiled some.
    """

    n: int
    mean_loss: float
    mean_loss_interval: Interval
    error_rate: float
    error_rate_interval: Interval
    false_positive_rate: float
    false_negative_rate: float
    calibration_gap: float
    log_loss: float
    auc: float
    calibration_error: float
    mean_absolute_error: float
    root_mean_squared_error: float
    bias: float


def measure(profile: PerformanceProfile) -> Metrics:
    """Compute what the outcomes of a profile say.

    Returns
    -------
    Metrics
        Intervals treat outcomes as independent; `driftline.performance.loss_comparison.compare` does not.
    """
    n, nan = profile.n, math.nan
    binary, classes = profile.loss.binary, not profile.loss.numeric
    areas = profile.classes.areas() if profile.classes is not None else None
    rate_interval = wilson_interval(profile.errors, n if classes else 0)
    zero_one = profile.loss.name == "zero_one"

    false_positive, false_negative = error_kinds(profile)

    def mean(total: float, *, applies: bool) -> float:
        return total / n if n and applies else nan

    return Metrics(
        n=n,
        mean_loss=profile.losses.mean if n else nan,
        mean_loss_interval=rate_interval if zero_one else mean_interval(profile.losses),
        error_rate=mean(profile.errors, applies=classes),
        error_rate_interval=rate_interval,
        false_positive_rate=false_positive,
        false_negative_rate=false_negative,
        calibration_gap=mean(float((profile.outcome_sums - profile.positives).sum()), applies=binary),
        log_loss=mean(profile.log_loss_sum, applies=binary or profile.loss.probabilities),
        auc=area_under_curve(profile.negatives, profile.positives) if areas is None else float(areas.mean()),
        calibration_error=calibration_error(profile) if binary else nan,
        mean_absolute_error=mean(profile.absolute_sum, applies=not classes),
        root_mean_squared_error=math.sqrt(mean(profile.squared_sum, applies=not classes)),
        bias=mean(profile.signed_sum, applies=not classes),
    )


def error_kinds(profile: PerformanceProfile) -> tuple[float, float]:
    """Give the rates of false positives among negatives and of false negatives among positives.

    Returns
    -------
    tuple of float
        nan of a class without outcomes, and of numbers.
    """
    if not profile.loss.binary:
        return math.nan, math.nan
    first = first_positive_bin(profile.loss.threshold)
    false_positives, false_negatives = profile.negatives[first:].sum(), profile.positives[:first].sum()
    negatives, positives = int(profile.negatives.sum()), int(profile.positives.sum())
    return (
        float(false_positives) / negatives if negatives else math.nan,
        float(false_negatives) / positives if positives else math.nan,
    )


def calibration_error(profile: PerformanceProfile) -> float:
    """Expected calibration error: how far scores are from the rates they promise.

    Over 15 equal-width bins of the score, ``sum(n_b / n * |mean label - mean score|)``.

    Parameters
    ----------
    profile
        Of a binary loss.

    Returns
    -------
    float
        0 to 1; nan without outcomes. Bins are closed below, the last one on both sides. Noise never cancels:
        a perfectly calibrated model shows about 0.8 sd of a bin's rate, .04-.09 at n = 200. Compare with the
        reference at a like n.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural networks. ICML,
    equation 3.
    """
    if not profile.n:
        return math.nan
    difference = profile.positives - profile.outcome_sums
    by_bin = np.bincount(calibration_bins(profile.loss.threshold), difference, CALIBRATION_BINS)
    return float(np.abs(by_bin).sum()) / profile.n
