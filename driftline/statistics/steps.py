"""Numbers that do not tell in which order profiles were merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP: Final = 2.0**-16


def in_steps(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to steps of 1.5e-5.

    Means and variances differ in their last digits with the order in which a runner merged them. What is
    tested must not: a job that was killed gives the rows it would have given. In standard deviations a step
    matters in no sample.

    Parameters
    ----------
    values : ndarray of float64
        Any shape, in units of the reference.

    Returns
    -------
    ndarray of float64
        Multiples of the step.

    Examples
    --------
    >>> bool(in_steps(np.array([0.1 + 0.2])) == in_steps(np.array([0.3])))
    True
    """
    rounded: NDArray[np.float64] = np.round(values / _STEP) * _STEP
    return rounded
