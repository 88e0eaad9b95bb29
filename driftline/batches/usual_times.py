"""Times that are far from all others, such as the year 1970 of a clock that was not set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OUTER: Final = 20
"""One in so many at either end does not say how long the time is."""
_SPANS: Final = 2.0


def usual_times(times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which times belong together.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        On any scale.

    Returns
    -------
    ndarray of bool, shape (n,)
        False of those that are further from the central nine tenths than twice the time that these take. If
        all of these are one time, nothing is far.

    Examples
    --------
    >>> usual_times(np.array([0, *range(1000, 1040)])).tolist().count(False)
    1
    """
    if len(times) < 2:
        return np.ones(len(times), bool)
    outer = max(1, len(times) // _OUTER)
    if 2 * outer >= len(times):
        return np.ones(len(times), bool)
    places = (outer, len(times) - 1 - outer)
    low, high = np.partition(times, places)[list(places)].astype(np.float64)
    if low == high:
        return np.ones(len(times), bool)
    far = _SPANS * (high - low)
    return np.asarray((times >= low - far) & (times <= high + far))
