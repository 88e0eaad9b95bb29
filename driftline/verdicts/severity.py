"""How bad a result is, as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.verdicts.decision import Thresholds

STRONG = 2.0
"""From this severity on a drifted result is called strong."""
EXTREME = 5.0
"""From this severity on a drifted result is called extreme."""
_LARGEST_BELOW = 0.999


def severity(
    psi: NDArray[np.float64],
    wasserstein_iqr: NDArray[np.float64],
    p_adjusted: NDArray[np.float64],
    drifted: NDArray[np.bool_],
    thresholds: Thresholds,
) -> NDArray[np.float64]:
    """Combine significance and size in one number for the eye.

    The size is the larger of PSI over its threshold and the square root of Wasserstein over its own:
    PSI grows with the square of a shift, Wasserstein with the shift itself, so without the root a heavy
    tail would outshine a column that is gone. The significance is log(p_adjusted) / log(alpha). A drifted
    result has its size (at least 1), any other the smaller of both, below 1: so the decision is always
    ``drifted`` itself, never this number.

    Parameters
    ----------
    psi, wasserstein_iqr, p_adjusted : ndarray of float64
        Any shape; NaN where a result has none.
    drifted : ndarray of bool
        Same shape.

    Returns
    -------
    ndarray of float64
        Same shape; 0 or more. Where there is neither a size nor a p-value it is 0, or 1 if drifted.
    """
    size = np.fmax(
        psi / max(thresholds.psi, 1e-12),
        np.sqrt(wasserstein_iqr / max(thresholds.wasserstein_iqr, 1e-12)),
    )
    with np.errstate(divide="ignore"):
        significance = np.log(p_adjusted) / min(np.log(thresholds.alpha), -1e-12)
    below = np.minimum(np.fmin(size, significance), _LARGEST_BELOW)
    shown = np.where(drifted, np.fmax(np.nan_to_num(size, nan=1.0), 1.0), np.fmax(below, 0.0))
    return np.asarray(shown, np.float64)
