"""How a model does before its labels come: estimated from its own, calibrated, confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import isotonic_regression

from driftline.performance.area_under_curve import area_under_curve
from driftline.performance.score_grid import first_positive_bin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]

FEWEST_OUTCOMES: Final = 200
"""Outcomes of a reference below which its scores are taken as they are."""

_FEWEST_A_GROUP: Final = 30


@dataclass(frozen=True, eq=False)
class CalibrationMap:
    """Score to probability, as the labels of the reference have it.

    Parameters
    ----------
    probabilities
        (B,) float64, probability of class 1 for the scores of each bin.
    """

    probabilities: Floats

    @classmethod
    def of(cls, reference: PerformanceProfile) -> CalibrationMap | None:
        """Learn the map from a reference with labels.

        On each side of the threshold bins of scores are joined from below until each group has 30 outcomes;
        the rest joins the last group. Weighted isotonic regression makes the rates of class 1 of the groups
        monotone, and every bin takes the rate of its group. The sides are kept apart so that the errors
        estimated for the reference are its own, whatever the model does. (Straight lines between the groups
        were tried: they are off by .02 of accuracy where the reference has 200 outcomes, and no better on
        shifted scores.)

        Returns
        -------
        CalibrationMap or None
            None with fewer than `FEWEST_OUTCOMES` outcomes, or of one class only. A side of the threshold
            without outcomes has the rate of the group next to it.

        References
        ----------
        Zadrozny, B. and Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
        estimates. KDD, 694-699.
        """
        positives = int(reference.positives.sum())
        if reference.n < FEWEST_OUTCOMES or positives in {0, reference.n}:
            return None
        cut = first_positive_bin(reference.loss.threshold)
        low, high = _rates(reference, slice(cut)), _rates(reference, slice(cut, None))
        if np.isnan(low).any():
            low[:] = high[0]
        if np.isnan(high).any():
            high[:] = low[-1]
        return cls(np.concatenate([low, high]))


@dataclass(frozen=True)
class Estimate:
    """Estimated performance, from all predictions; nan without any.

    Parameters
    ----------
    accuracy, error_rate
        Expected share of right and of wrong classes.
    auc
        Area under the ROC curve of the expected classes.
    """

    accuracy: float
    error_rate: float
    auc: float


def estimate(profile: PerformanceProfile, calibration: CalibrationMap | None = None) -> Estimate:
    """Estimate performance without labels (confidence-based performance estimation).

    A prediction with probability p of class 1 is right with probability p where class 1 is predicted, else
    with 1 - p. So sums over all predictions are the expected confusion matrix. That holds while p means what
    it meant in the reference: the estimate follows a shift of the inputs and is blind to a change of the
    concept. Realised performance far from the estimate is the sign of such a change.

    Parameters
    ----------
    profile
        Of a binary loss.
    calibration
        Map of scores to probabilities, of a reference with the same threshold; scores are taken as
        probabilities if None.

    References
    ----------
    NannyML documentation, Confidence-based performance estimation (CBPE). For context: Garg, S.,
    Balakrishnan, S., Lipton, Z. C., Neyshabur, B. and Sedghi, H. (2022). Leveraging unlabeled data to predict
    out-of-distribution performance. ICLR (average thresholded confidence, and its comparison with average
    confidence, which this is).
    """
    n = profile.n_predictions
    if not n or not profile.loss.binary:
        return Estimate(*[math.nan] * 3)
    counts = profile.predicted.astype(np.float64)
    ones = profile.predicted_sums
    cut = first_positive_bin(profile.loss.threshold)
    if calibration is not None:
        ones = counts * calibration.probabilities
    # rounding must not make a class rarer than never
    ones = np.clip(ones, 0.0, counts)
    zeros = counts - ones
    right = float(ones[cut:].sum() + zeros[:cut].sum())
    wrong = float(zeros[cut:].sum() + ones[:cut].sum())
    return Estimate(
        accuracy=right / n,
        error_rate=wrong / n,
        auc=area_under_curve(zeros, ones),
    )


def _rates(reference: PerformanceProfile, side: slice) -> Floats:
    """Monotone rates of class 1 of some neighbouring bins; nan without outcomes."""
    counts = (reference.negatives + reference.positives)[side]
    if not counts.any():
        return np.full(len(counts), np.nan)
    starts, begun, held = [], 0, 0
    for at, count in enumerate(counts.tolist(), 1):
        held += count
        if held >= _FEWEST_A_GROUP:
            starts.append(begun)
            begun, held = at, 0
    groups = np.array(starts or [0])
    n = np.add.reduceat(counts, groups).astype(np.float64)
    rates = isotonic_regression(np.add.reduceat(reference.positives[side], groups) / n, weights=n).x
    widths = np.diff(groups, append=len(counts))
    return np.repeat(np.clip(rates, 0.0, 1.0), widths)
