"""Count, mean and spread of losses: mergeable, and exact where all losses are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class LossMoments(NamedTuple):
    """Moments of some losses.

    Parameters
    ----------
    n
        Number of losses.
    mean
        Their mean; 0 without any.
    m2
        Sum of squared deviations from it.

    References
    ----------
    Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979).
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, losses: NDArray[np.float64]) -> LossMoments:
        """Moments of losses, (n,) float64, finite."""
        if not len(losses):
            return cls()
        # from the first value, so that the mean of equal values is that value and their spread 0
        mean = float(losses[0] + np.mean(losses - losses[0]))
        deviations = losses - mean
        return cls(len(losses), mean, float(np.dot(deviations, deviations)))

    @classmethod
    def merge(cls, parts: Sequence[LossMoments]) -> LossMoments:
        """Merge moments of disjoint losses."""
        parts = [part for part in parts if part.n]
        if not parts:
            return cls()
        n, means, m2 = np.array(parts).T
        total = n.sum()
        mean = means[0] + float(np.dot(n, means - means[0])) / total
        return cls(
            int(sum(part.n for part in parts)), float(mean), float((m2 + n * (means - mean) ** 2).sum())
        )
