"""Have the labels of a window come: a window is compared once as many are known as is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST: Final = 0.95
"""Share of the usual number of labels that is enough."""
_DEVIATIONS: Final = 3  # of a binomial count: labels that come for a sample are now more, now fewer


def labels_are_in(n: Any, predictions: Any, usual: float) -> NDArray[np.bool_]:
    """Tell, (W,), which windows have about as many labels as is usual in the end.

    Which labels come first is not chance: a purchase is known at once, its absence after days. So the mean
    loss of the first labels says little about all of them.

    Parameters
    ----------
    n
        (W,) int, outcomes of windows.
    predictions
        (W,) int, their predictions, with labels or without; 0 where that is not known.
    usual
        Share of predictions that get a label in the end.

    Examples
    --------
    >>> labels_are_in(np.array([300, 280, 20]), np.array([1000, 1000, 1000]), usual=0.3).tolist()
    [True, True, False]
    """
    expected = usual * np.asarray(predictions, np.float64)
    enough: NDArray[np.bool_] = n >= LEAST * expected - _DEVIATIONS * np.sqrt(expected * (1 - usual))
    return enough


def usual_share(n: Any, predictions: Any) -> float:
    """Give the share of predictions that get a label in the end: the median of windows.

    Parameters
    ----------
    n, predictions
        (W,) int, outcomes and predictions of windows.

    Returns
    -------
    float
        From 0 to 1; 0 without predictions.
    """
    n, predictions = np.asarray(n, np.float64), np.asarray(predictions, np.float64)
    some = predictions > 0
    return float(np.median(np.minimum(n[some] / predictions[some], 1.0))) if some.any() else 0.0
