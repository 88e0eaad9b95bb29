"""Errors, scores and log-losses by true class as whole numbers: what is compared beside the mean loss."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.losses import log_loss
from driftline.performance.score_grid import bins_of, first_positive_bin, score_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss
    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

CLASS_SUMS: Final = 8
"""Of negatives and of positives: number, errors, scores, log-losses; the order is part of format version 2 of
`LossPeriods`."""
ONE: Final = 1 << 20
"""Whole steps of a score or a log-loss of 1, which add up to the same in any order."""


@lru_cache(maxsize=8)
def score_steps(threshold: float) -> Counts:
    """Give scores and log-losses by bin, in steps of 1 / `ONE`.

    Returns
    -------
    ndarray of int64
        (3, B): the middle of every bin, and its log-loss for a negative and for a positive. Within a bin
        scores count as its middle, at most .003 off, in reference and window alike.
    """
    edges = np.concatenate([[0.0], score_edges(threshold), [1.0]])
    middle = (edges[:-1] + edges[1:]) / 2
    costs = (log_loss(middle, np.full(len(middle), label)) for label in (0.0, 1.0))
    steps: Counts = np.round(np.stack([middle, *costs]) * ONE).astype(np.int64)
    steps.flags.writeable = False
    return steps


def sums_of_rows(loss: Loss, scores: Floats, labels: Floats) -> Counts:
    """Give what every outcome adds to the sums.

    Parameters
    ----------
    scores
        (n,) float64, probability of class 1.
    labels
        (n,) float64, 0 or 1.

    Returns
    -------
    ndarray of int64
        (n, `CLASS_SUMS`).

    Examples
    --------
    >>> from driftline.losses import Loss
    >>> rows = sums_of_rows(Loss("zero_one"), np.array([0.9, 0.2]), np.array([0.0, 1.0]))
    >>> rows[:, :4].tolist(), (rows[:, 4:6] / ONE).round(2).tolist()
    ([[1, 0, 1, 0], [0, 1, 0, 1]], [[0.9, 0.0], [0.0, 0.2]])
    """
    bins = bins_of(scores, loss.threshold)
    score, *costs = score_steps(loss.threshold)[:, bins]
    said, positive = bins >= first_positive_bin(loss.threshold), labels == 1
    own = np.stack([~positive, positive])
    rows: Counts = np.concatenate([own, own & [said, ~said], own * score, own * costs]).T.astype(np.int64)
    return rows


def sums_of_profile(profile: PerformanceProfile) -> Counts:
    """Give the sums, (`CLASS_SUMS`,) int64, of the outcomes of a profile of classes."""
    score, *costs = score_steps(profile.loss.threshold)
    first = first_positive_bin(profile.loss.threshold)
    counts = profile.negatives, profile.positives
    each = (
        [own.sum() for own in counts],
        [counts[0][first:].sum(), counts[1][:first].sum()],
        [own @ score for own in counts],
        [own @ cost for own, cost in zip(counts, costs, strict=True)],
    )
    return np.array(each, np.int64).ravel()
