"""How a model does before its labels come: estimated from its own, calibrated, confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import isotonic_regression

from driftline.performance.metrics import area_under_curve
from driftline.performance.score_grid import first_positive_bin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]

FEWEST_OUTCOMES: Final = 200
"""Outcomes of a reference below which its scores are taken as they are."""

_FEWEST_A_KNOT: Final = 30


@dataclass(frozen=True, eq=False)
class CalibrationMap:
    """Score to probability, as the labels of the reference have it.

    Parameters
    ----------
    scores
        (K,) float64, ascending: the knots.
    probabilities
        (K,) float64, not descending: the probability of class 1 at each knot; a straight line between two,
        and constant outside.
    """

    scores: Floats
    probabilities: Floats

    @classmethod
    def of(cls, reference: PerformanceProfile) -> CalibrationMap | None:
        """Learn the map from a reference with labels.

        The bins of scores are joined from below until each group has 30 outcomes, but not across the
        threshold; a group gives one knot, at the mean of its scores, with its rate of class 1; rates are then
        made monotone by weighted isotonic regression.

        Parameters
        ----------
        reference
            Profile with outcomes, of a binary loss.

        Returns
        -------
        CalibrationMap or None
            None with fewer than `FEWEST_OUTCOMES` outcomes, or of one class only.

        References
        ----------
        Zadrozny, B. and Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
        estimates. KDD, 694-699.
        """
        positives = int(reference.positives.sum())
        if reference.n < FEWEST_OUTCOMES or positives in {0, reference.n}:
            return None
        counts = reference.negatives + reference.positives
        starts = _groups(counts, first_positive_bin(reference.loss.threshold))
        n = np.add.reduceat(counts, starts).astype(np.float64)
        rates = np.add.reduceat(reference.positives, starts) / n
        scores = np.add.reduceat(reference.outcome_sums, starts) / n
        return cls(scores, np.clip(isotonic_regression(rates, weights=n).x, 0.0, 1.0))

    def __call__(self, scores: Floats) -> Floats:
        """Calibrate scores.

        Parameters
        ----------
        scores
            (n,) float64.

        Returns
        -------
        ndarray of float64
            (n,), probabilities of class 1.
        """
        return np.interp(scores, self.scores, self.probabilities)


@dataclass(frozen=True)
class Estimate:
    """Estimated performance, from all predictions; nan without any.

    Parameters
    ----------
    accuracy, error_rate
        Expected share of right and of wrong classes.
    auc
        Area under the ROC curve of the expected classes.
    true_positives, false_positives, true_negatives, false_negatives
        The expected confusion matrix, in predictions.
    """

    accuracy: float
    error_rate: float
    auc: float
    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float


def estimate(profile: PerformanceProfile, calibration: CalibrationMap | None = None) -> Estimate:
    """Estimate performance without labels (confidence-based performance estimation).

    A prediction with probability p of class 1 is right with probability p where class 1 is predicted and
    1 - p elsewhere: sums over all predictions are the expected confusion matrix. That holds as long as p
    means what it meant in the reference: it follows a shift of the inputs, and is blind to a change of the
    concept. Realised performance far from the estimate is the sign of such a change.

    Parameters
    ----------
    profile
        Of a binary loss.
    calibration
        Map of scores to probabilities, applied to the mean score of each bin; scores are taken as
        probabilities if None.

    Returns
    -------
    Estimate
        The expected values.

    References
    ----------
    NannyML documentation, Confidence-based performance estimation (CBPE). For context: Garg, S.,
    Balakrishnan, S., Lipton, Z. C., Neyshabur, B. and Sedghi, H. (2022). Leveraging unlabeled data to predict
    out-of-distribution performance. ICLR (average thresholded confidence, and its comparison with average
    confidence, which this is).
    """
    n = profile.n_predictions
    if not n or not profile.loss.binary:
        return Estimate(*[math.nan] * 7)
    counts = profile.predicted.astype(np.float64)
    ones = profile.predicted_sums
    if calibration is not None:
        ones = counts * calibration(ones / np.maximum(counts, 1.0))
    # rounding must not make a class rarer than never
    ones = np.clip(ones, 0.0, counts)
    zeros = counts - ones
    cut = first_positive_bin(profile.loss.threshold)
    right = float(ones[cut:].sum() + zeros[:cut].sum())
    wrong = float(zeros[cut:].sum() + ones[:cut].sum())
    return Estimate(
        accuracy=right / n,
        error_rate=wrong / n,
        auc=area_under_curve(zeros, ones),
        true_positives=float(ones[cut:].sum()),
        false_positives=float(zeros[cut:].sum()),
        true_negatives=float(zeros[:cut].sum()),
        false_negatives=float(ones[:cut].sum()),
    )


def _groups(counts: NDArray[np.int64], cut: int) -> NDArray[np.int64]:
    """First bin of each group: enough outcomes in each, none across the cut, where there is a choice."""
    starts: list[int] = []
    for low, high in ((0, cut), (cut, len(counts))):
        begun, held = low, 0
        side: list[int] = []
        for at in range(low, high):
            held += int(counts[at])
            if held >= _FEWEST_A_KNOT:
                side.append(begun)
                begun, held = at + 1, 0
        # what is left over joins the last group of its side, or stands alone where that side has no other
        if held and not side:
            side.append(low)
        starts += side
    if starts:
        starts[0] = 0
    return np.array(starts, np.int64)
