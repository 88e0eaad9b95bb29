"""Whether the outcomes of one segment became unlike those of normal windows, for better or worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.verdicts.lasting import Stretch, open_stretch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def performance_changed(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    judged: NDArray[np.bool_],
    p_value: NDArray[np.float64],
    *,
    alpha: float,
    segments: int,
) -> Stretch | None:
    """Find the windows since when the performance is another, if it still is.

    A finding, not a verdict: two kinds of errors may have changed places, at the same loss. Whether the model
    is worse is for `model_worse` to say.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (W,)
        The windows by start, microseconds since the epoch.
    judged : ndarray of bool, shape (W,)
        Windows with labels enough.
    p_value : ndarray of float64, shape (W,)
        `performance_p`; windows without (nan) are not judged.
    alpha : float
        The run's ``tests.alpha``; p must be below this over the number of segments.
    segments : int
        How many segments are asked about (Bonferroni); 1 or more.

    Returns
    -------
    Stretch or None
        None unless two windows that do not overlap are unusual, and all judged ones since.
    """
    stretch = open_stretch(judged & (p_value >= 0), p_value < alpha / segments, starts, ends)
    return stretch if stretch is not None and stretch.lasting else None
