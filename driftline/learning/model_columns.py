"""Features as the columns of a linear model: standardised numbers, missing flags, spread categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FARTHEST: Final = 5.0
"""Standardised values are cut here, so that no single event can throw the model."""

OUTLYING: Final = 10.0
"""Standard deviations from the mean at which a value is cut before it enters the moments."""

MEMORY: Final = 100_000.0
"""Events the moments remember; older ones fade, so that a feature in a new unit comes to life again."""


@dataclass(frozen=True, eq=False)
class RunningMoments:
    """Mean and spread of k numeric features as events come in.

    Parameters
    ----------
    count
        (k,) float64, weight of the events behind each feature, at most `MEMORY`.
    mean
        (k,) float64; 0 without values.
    m2
        (k,) float64, sum of the squared deviations from the mean.

    References
    ----------
    Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979);
    the cut at `OUTLYING` is Winsor's.

    Examples
    --------
    >>> moments = RunningMoments.empty(1).add(np.array([[1.0], [np.nan], [3.0]]))
    >>> moments.mean, moments.standardise(np.array([[3.0], [np.nan]]))
    (array([2.]), array([[1., 0.], [0., 1.]]))
    """

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]

    @classmethod
    def empty(cls, k: int) -> RunningMoments:
        """Make moments of nothing."""
        return cls(*np.zeros((3, k)))

    def add(self, values: NDArray[np.float64]) -> RunningMoments:
        """Take in the next events.

        Parameters
        ----------
        values
            (n, k) float64, n at least 1; NaN is missing, all else within `LARGEST`.
        """
        present = ~np.isnan(values)
        known = self.count > 0
        # the first value where there is no mean yet: a constant then deviates by exactly 0
        first = values[present.argmax(axis=0), np.arange(values.shape[1])]
        pivot = np.where(known, self.mean, np.where(np.isnan(first), 0.0, first))
        limit = np.full(len(pivot), np.inf)
        np.multiply(OUTLYING, self._deviation(), out=limit, where=self.m2 > 0)
        deviations = np.where(present, np.clip(values - pivot, -limit, limit), 0.0)
        n = present.sum(axis=0)
        total = np.maximum(self.count + n, 1.0)
        shift = deviations.sum(axis=0) / np.maximum(n, 1)
        deviations = np.where(present, deviations - shift, 0.0)
        m2 = self.m2 + (deviations * deviations).sum(axis=0) + shift * shift * (self.count * n / total)
        mean = pivot + shift * np.where(known, n / total, 1.0)
        fading = np.minimum(1.0, MEMORY / total)
        return RunningMoments((self.count + n) * fading, mean, m2 * fading)

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring numbers to mean 0 and standard deviation 1, a missing one to the mean with a flag.

        Parameters
        ----------
        values
            (n, k) float64, NaN is missing.

        Returns
        -------
        ndarray, shape (n, 2 k), float64
            The standardised values, within `FARTHEST` of 0, and 0 where the feature never varied; then a 1
            for every missing value, else 0.
        """
        k = values.shape[1]
        columns = np.empty((len(values), 2 * k))
        missing = np.isnan(values)
        deviation = self._deviation()
        scale = np.divide(1.0, deviation, out=np.zeros(k), where=deviation > 0)
        scaled = np.where(missing, 0.0, (values - self.mean) * scale)
        np.clip(scaled, -FARTHEST, FARTHEST, out=columns[:, :k])
        columns[:, k:] = missing
        return columns

    def _deviation(self) -> NDArray[np.float64]:
        deviation: NDArray[np.float64] = np.sqrt(self.m2 / np.maximum(self.count, 1.0))
        return deviation


def spread_categories(codes: NDArray[np.int32], width: int) -> NDArray[np.float64]:
    """Write hashed categories as columns.

    Parameters
    ----------
    codes
        (n, c) int32, from `read_categories`.

    Returns
    -------
    ndarray, shape (n, width), float64
        The sum of the signs that fell into each column.

    Examples
    --------
    >>> spread_categories(np.array([[2, -3], [3, -3]], np.int32), 3)
    array([[ 0.,  1., -1.], [ 0.,  0.,  0.]])
    """
    columns = np.zeros((len(codes), width))
    np.add.at(columns, (np.arange(len(codes))[:, None], np.abs(codes) - 1), np.sign(codes))
    return columns
