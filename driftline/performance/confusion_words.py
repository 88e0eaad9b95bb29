"""Which class is taken for which more often than before, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MOST_PAIRS: Final = 3
_NOTABLE: Final = 4.0  # standard errors of a share: there are many pairs


def confusion_words(classes: Sequence[str], now: Counts, normal: Counts) -> list[str]:
    """Name the pairs whose share of the outcomes of the true class grew most, the largest growth first.

    Parameters
    ----------
    now, normal
        (K, K) int64, outcomes by true and by predicted class.

    Returns
    -------
    list of str
        `MOST_PAIRS` at most, of those that grew by four standard errors or more, as if outcomes were
        independent.

    Examples
    --------
    >>> confusion_words(["cat", "dog"], np.array([[60, 40], [0, 9]]), np.array([[90, 10], [0, 9]]))
    ['cat taken for dog 10 % to 40 %']
    """
    counts = [each.astype(np.float64) for each in (now, normal)]
    totals = [each.sum(axis=1, keepdims=True) for each in counts]
    with np.errstate(invalid="ignore", divide="ignore"):
        share, before = (count / total for count, total in zip(counts, totals, strict=True))
        together = (counts[0] + counts[1]) / (totals[0] + totals[1])
        error = np.sqrt(together * (1 - together) * (1 / totals[0] + 1 / totals[1]))
        growth = np.where(share - before >= _NOTABLE * error, share - before, 0.0)
    np.fill_diagonal(growth, 0.0)
    growth = np.nan_to_num(growth)
    order = np.argsort(-growth, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), len(classes)) for place in order if growth.flat[place] > 0]
    return [
        f"{classes[true]} taken for {classes[said]} {100 * before[true, said]:.3g} % to "
        f"{100 * share[true, said]:.3g} %"
        for true, said in pairs
    ]
