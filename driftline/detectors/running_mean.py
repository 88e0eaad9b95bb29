"""The mean of a growing stream, one rounding after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def next_mean(mean: float, n: float, x: float) -> float:
    """Take one value into a mean; `n` counts it too.

    References
    ----------
    West, Updating Mean and Variance Estimates: An Improved Method (1979).
    """
    return mean + (1.0 / n) * (x - mean)


def running_means(mean: float, n: float, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean after each of m values, (m,), when `n` came before; bit for bit what `next_mean` gives.

    Each mean is rounded from the one before, and no array operation does that. So this is the one loop over
    values in a detector that needs nothing else of them.

    Examples
    --------
    >>> running_means(1.0, 1.0, np.array([2.0, 3.0])).tolist()
    [1.5, 2.0]
    """
    shares = 1.0 / np.arange(n + 1, n + len(values) + 1)
    return np.fromiter(_means(mean, values.tolist(), shares.tolist()), np.float64, len(values))


def _means(mean: float, values: list[float], shares: list[float]) -> Iterator[float]:
    for x, share in zip(values, shares, strict=True):
        mean += share * (x - mean)
        yield mean
