"""Where the running minimum of a growing stream stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def latest_minimum(before: float, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the latest value at which the minimum was reached, up to each value.

    Parameters
    ----------
    before
        Minimum of what came before.
    values
        Shape (n,).

    Returns
    -------
    ndarray of int64
        Index in `values`, or -1 while `before` is less than all of them; shape (n,).

    Examples
    --------
    >>> latest_minimum(2.0, np.array([3.0, 2.0, 4.0, 1.0, 1.0])).tolist()
    [-1, 1, 1, 3, 4]
    """
    lowest = np.minimum.accumulate(np.concatenate(([before], values)))[1:]
    reached = np.where(values == lowest, np.arange(len(values)), -1)
    latest: NDArray[np.int64] = np.maximum.accumulate(reached)
    return latest
