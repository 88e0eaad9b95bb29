"""Where the running minimum of a growing stream stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def latest_minimum(before: float, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the latest value that is the minimum, up to each value; -1 while `before` is less.

    Examples
    --------
    >>> latest_minimum(2.0, np.array([3.0, 2.0, 4.0, 1.0, 1.0])).tolist()
    [-1, 1, 1, 3, 4]
    """
    lowest = np.minimum.accumulate(np.concatenate(([before], values)))[1:]
    reached = np.where(values == lowest, np.arange(len(values)), -1)
    latest: NDArray[np.int64] = np.maximum.accumulate(reached)
    return latest
