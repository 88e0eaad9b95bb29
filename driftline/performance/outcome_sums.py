"""What outcomes add up to beside the loss: errors and scores by true class, or signed errors of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.losses import signed_errors
from driftline.performance.class_sums import sums_of_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from driftline.losses import Loss


def sums_of_outcomes(
    loss: Loss, scores: NDArray[np.float64], labels: NDArray[np.float64]
) -> NDArray[Any] | None:
    """Give what every outcome adds.

    Parameters
    ----------
    scores, labels
        (n,) float64, as the loss takes them.

    Returns
    -------
    ndarray or None
        None of more than two classes. Of two (n, `CLASS_SUMS`) int64, see `sums_of_rows`; of numbers (n, 1)
        float64, the signed error.
    """
    if loss.classes:
        return None
    return sums_of_rows(loss, scores, labels) if loss.binary else signed_errors(scores, labels)[:, None]
