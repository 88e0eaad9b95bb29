"""A signal of the reference without its farthest values, so that one wrong loss says nothing of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.signals.signal_periods import SignalPeriods

    Floats = NDArray[np.float64]

_FARTHEST: Final = 2000  # one period in so many, on each side
_BEYOND: Final = 3.0  # a heavy tail's largest is seldom farther than so many times the next ones


def winsorised(reference: SignalPeriods) -> SignalPeriods:
    """Pull in means of periods that are much farther out than all but the farthest.

    Parameters
    ----------
    reference
        Of two periods or more.

    Returns
    -------
    SignalPeriods
        On each side one period in 2,000, and always one, is left out. No mean is then farther from the
        median than three times the farthest of the others, and no variance within a period.

    Notes
    -----
    The bound is made of ranks, not of a spread: losses may have a tail of any weight, and a heavy one is
    normal for a reference that has it.

    Examples
    --------
    >>> from driftline.signals import SignalPeriods
    >>> some = SignalPeriods.of(np.arange(5) << 20, np.array([1.0, 1e300, 2.0, 3.0, 4.0]))
    >>> winsorised(some).mean.tolist()
    [1.0, 6.0, 2.0, 3.0, 4.0]
    """
    mean = -_pulled(-_pulled(reference.mean))
    return replace(reference, mean=mean, m2=_pulled(reference.m2 / reference.n) * reference.n)


def _pulled(values: Floats) -> Floats:
    """Pull in the largest values."""
    middle, last = (len(values) - 1) // 2, len(values) - 1 - max(len(values) // _FARTHEST, 1)
    ranked = np.partition(values, (middle, last))
    pulled: Floats = np.minimum(values, ranked[middle] + _BEYOND * (ranked[last] - ranked[middle]))
    return pulled
