"""The quadratic form that PSI and chi-square share: what their nulls are calibrated for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def quadratic_form(difference: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second-order PSI: ``sum (p - q)^2 / q``, the form whose null distribution is calibrated.

    Parameters
    ----------
    difference : ndarray of float64, shape (..., K)
        Fractions of the current bins minus those of the reference.
    scale : ndarray of float64, shape (K,) or (..., K)
        Reference fractions, floored for rare bins; inf for padding.

    Returns
    -------
    ndarray of float64, shape (...)
        Neyman's quadratic form.
    """
    total: NDArray[np.float64] = (difference * difference / scale).sum(-1)
    return total
