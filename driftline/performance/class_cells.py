"""Outcomes by true class and group of scores: what the area under the ROC curve is computed from."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.performance.score_grid import bins_of, score_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss
    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

GROUPS: Final = 64
"""Groups of scores; part of format version 3 of `LossPeriods`."""
CELLS: Final = 2 * GROUPS
"""Of negatives, then of positives, by group."""
_FARTHEST: Final = 14.0  # log-odds of about a millionth


@lru_cache(maxsize=8)
def score_groups(threshold: float) -> Counts:
    """Give the group of every bin of scores, (B,) int64, ascending: about equal steps of the log-odds."""
    edges = score_edges(threshold)
    wanted = special.expit(np.linspace(-_FARTHEST, _FARTHEST, GROUPS - 1))
    begins = np.unique(np.searchsorted(edges, wanted)) + 1
    groups: Counts = np.searchsorted(begins, np.arange(len(edges) + 1), side="right").astype(np.int64)
    groups.flags.writeable = False
    return groups


def cells_of_rows(loss: Loss, scores: Floats, labels: Floats) -> Counts | None:
    """Give the cell of every outcome, (n,) int64 from 0 to `CELLS` - 1; None of numbers.

    Parameters
    ----------
    scores
        (n,) float64, probability of class 1.
    labels
        (n,) float64, 0 or 1.

    Examples
    --------
    >>> from driftline.losses import Loss
    >>> cells_of_rows(Loss("log"), np.array([0.5, 0.5]), np.array([0.0, 1.0])).tolist()
    [26, 90]
    """
    if not loss.binary:
        return None
    cells: Counts = score_groups(loss.threshold)[bins_of(scores, loss.threshold)] + GROUPS * (labels == 1)
    return cells


def cells_of_profile(profile: PerformanceProfile) -> Counts:
    """Count the outcomes of a profile of classes by cell, (`CELLS`,) int64."""
    groups = score_groups(profile.loss.threshold)
    counts = (np.bincount(groups, each, GROUPS) for each in (profile.negatives, profile.positives))
    return np.concatenate(list(counts)).astype(np.int64)
