"""Area under the ROC curve, from counts by bin of the score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def area_under_curve(negatives: NDArray[np.generic], positives: NDArray[np.generic]) -> float:
    """Probability that a positive has a higher score than a negative, ties counted half.

    Parameters
    ----------
    negatives, positives
        (B,), how many of each class in each bin, in ascending order of scores; expected numbers may be
        fractions.

    Returns
    -------
    float
        The area under the ROC curve; nan if a class is absent. Scores in one bin count as tied, which moves
        the area by at most half the probability that a positive and a negative share a bin.

    References
    ----------
    Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a receiver operating
    characteristic (ROC) curve. Radiology 143, 29-36.

    Examples
    --------
    >>> area_under_curve(np.array([2, 1, 0]), np.array([0, 1, 2]))
    0.9444...
    """
    below = negatives.astype(np.float64)
    above = positives.astype(np.float64)
    pairs = float(below.sum()) * float(above.sum())
    if not pairs > 0:
        return math.nan
    won = np.cumsum(below) - below / 2
    return min(1.0, float(np.dot(above, won)) / pairs)
