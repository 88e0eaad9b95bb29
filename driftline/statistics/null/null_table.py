"""The null distribution of one statistic of one feature, as a baseline keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_WINDOWS: Final = 2
"""With no more windows, counted as if they did not overlap, there is no null."""
ACTED_ON: Final = 10.0
"""With fewer such windows p-values are never acted on."""
DEPENDABLE_WINDOWS: Final = 30
"""With fewer such windows p-values may be wrong by a factor of about two."""


@dataclass(frozen=True, eq=False)
class NullTable:
    """Null distribution of one squared statistic of one feature.

    Attributes
    ----------
    quantiles : ndarray of float32, shape (len(SIZE_GRID), len(P_GRID))
        Log quantiles of T^2.
    typical_n : float
        Rows to which the size grid is relative (harmonic mean of the windows).
    n_min, n_max : float
        Rows of the smallest and largest window seen.
    windows : float
        Windows, counted as if they did not overlap.
    df : float
        Degrees of freedom after autocorrelation.
    """

    quantiles: NDArray[np.float32]
    typical_n: float
    n_min: float
    n_max: float
    windows: float
    df: float


def disjoint_windows(windows: int, overlap: float) -> float:
    """Number of windows counted as if they did not overlap."""
    return 1 + (windows - 1) / max(overlap, 1.0) if windows else 0.0


def without_null(n: NDArray[np.float64], overlap: float) -> NullTable:
    """Stand for a statistic whose windows are too few to say anything."""
    seen = n if len(n) else np.zeros(1)
    return NullTable(
        np.zeros((len(SIZE_GRID), len(P_GRID)), dtype=np.float32),
        1.0,
        float(seen.min()),
        float(seen.max()),
        disjoint_windows(len(n), overlap),
        0.0,
    )
