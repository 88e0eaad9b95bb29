"""How event time is cut into slices, which workers first aggregate into."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Final

MILLISECOND: Final = 1_000
"""The finest step of time that survives between Beam's workers, in microseconds; a remainder is cut off
towards 1970."""

_SECOND = 1_000_000


@dataclass(frozen=True)
class SliceLength:
    """How event time is cut.

    Parameters
    ----------
    slice
        Length of a slice, microseconds; divides the window period.
    coverage
        Length of a unit of coverage, microseconds; divides the window period.
    """

    slice: int
    coverage: int


def slice_length(every: int, *, streaming: bool) -> SliceLength:
    """Cut a window period into slices.

    Parameters
    ----------
    every
        Window period, microseconds.
    streaming
        A stream keeps in state the partials of its open slices, some every second, and the slices of its open
        period; what is left of the last slice is merged when a window closes. So slices grow with the root
        of the period, from ten seconds, for the disorder of events should not spread a bundle over many, to
        a minute. Bounded input is sliced at the period.

    Returns
    -------
    SliceLength
        Coverage is counted in quarters of the period either way, so that both runs report the same.

    Examples
    --------
    >>> slice_length(900_000_000, streaming=True)
    SliceLength(slice=10000000, coverage=225000000)
    """
    # where about ten partials a second and the slices of the period take the same room
    longest = min(max(isqrt(every * _SECOND // 10), 10 * _SECOND), 60 * _SECOND)
    parts = 1
    if streaming and every > longest:
        # whole milliseconds: Beam sends no finer timestamps between workers
        parts = next(n for n in range(-(-every // longest), every + 1) if every % (n * MILLISECOND) == 0)
    quarters = next(n for n in (4, 3, 2, 1) if every % n == 0)
    return SliceLength(every // parts, every // quarters)
