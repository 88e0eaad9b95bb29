"""Which categorical features are ids: text that hardly ever comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST: Final = 100
"""Values from which on it can be told."""

_DISTINCT: Final = 0.9  # of the values; counted by a HyperLogLog, which is off by 3 %


def id_like(distinct: ArrayLike, values: ArrayLike) -> NDArray[np.bool_]:
    """Tell which features look like ids.

    Parameters
    ----------
    distinct
        Distinct values, exactly or as `CategoricalProfile.cardinality` estimates them, shape (F,).
    values
        Rows with a value, shape (F,).

    Returns
    -------
    ndarray of bool, shape (F,)
        Where nine of ten values or more are distinct, of at least `FEWEST`.

    Examples
    --------
    >>> id_like([1000, 20, 5], [1000, 1000, 5]).tolist()
    [True, False, False]
    """
    distinct, values = np.asarray(distinct, np.float64), np.asarray(values, np.float64)
    found: NDArray[np.bool_] = (values >= FEWEST) & (distinct >= _DISTINCT * values)
    return found
