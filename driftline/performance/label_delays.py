"""How long labels take: a small histogram with bins of equal ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PER_DECADE: Final = 20
_DECADES: Final = 11

# 1 us, then 1 ms to 1e8 s (3 years) in steps of 12 %. Part of format version 1 of PerformanceProfile.
_EDGES: Final = np.concatenate(
    [[1], np.round(10.0 ** (3 + np.arange(_PER_DECADE * _DECADES + 1) / _PER_DECADE))]
).astype(np.int64)

DELAY_BINS: Final = len(_EDGES) + 1
"""Bins of the histogram: none at all, up to a millisecond, 20 a decade, and 1e8 seconds and more."""


def count_delays(delays: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count delays by bin.

    Parameters
    ----------
    delays
        (n,) int64, time of the label minus that of the prediction, microseconds. A label that is older than
        its prediction counts as one without delay.

    Returns
    -------
    ndarray of int64
        (`DELAY_BINS`,).
    """
    return np.bincount(np.searchsorted(_EDGES, delays, side="right"), minlength=DELAY_BINS)


def delay_quantile(counts: NDArray[np.int64], q: float) -> float:
    """Estimate a quantile of delays, within 13 % from a millisecond to 3 years.

    Parameters
    ----------
    counts
        (`DELAY_BINS`,) int64.
    q
        Probability, in [0, 1].

    Returns
    -------
    float
        Seconds; nan without delays. Within a bin delays are taken as equally dense on a logarithmic scale.

    Examples
    --------
    >>> round(delay_quantile(count_delays(np.array([60_000_000] * 9)), 0.5))
    60
    """
    total = int(counts.sum())
    if not total:
        return float("nan")
    below = np.cumsum(counts)
    target = q * total
    at = int(np.searchsorted(below, max(target, np.nextafter(0, 1))))
    if at == 0:
        return 0.0
    low = float(_EDGES[at - 1])
    high = float(_EDGES[min(at, len(_EDGES) - 1)])
    inside = (target - (below[at] - counts[at])) / counts[at]
    return low * float((high / low) ** inside) / 1e6
