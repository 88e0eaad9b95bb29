"""Drift that lasts: two drifted windows that do not overlap, and every judged window between drifted too.

Windows that overlap share rows, so two of them are not two witnesses. A window that was not judged (too few
rows, partial, no data) neither breaks nor extends a stretch, because it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

LASTING_WINDOWS = 2
"""Drifted windows that do not overlap and so make a stretch last."""


@dataclass(frozen=True)
class Stretch:
    """Drifted windows in a row, of one feature of one segment, or of one loss.

    Parameters
    ----------
    start, last_start : int
        Starts of the first and the newest drifted window, microseconds since the epoch.
    end : int
        Latest end of a drifted window.
    windows : int
        Drifted windows.
    apart : int
        The most of them that do not overlap.
    apart_until : int
        Where the newest of those ends: a window that starts before overlaps it.
    """

    start: int
    last_start: int
    end: int
    windows: int
    apart: int
    apart_until: int

    @property
    def lasting(self) -> bool:
        """Whether the drift lasts."""
        return self.apart >= LASTING_WINDOWS


def follow(stretch: Stretch | None, start: int, end: int, drifted: bool | None) -> Stretch | None:
    """Take the next window into account.

    Parameters
    ----------
    stretch : Stretch or None
        What the windows before leave open; None if the newest judged one is not drifted.
    start, end : int
        The window, microseconds since the epoch; it starts after those before.
    drifted : bool or None
        None if the window was not judged.

    Examples
    --------
    >>> first = follow(None, 0, 20, True)
    >>> follow(first, 10, 30, True).lasting, follow(first, 20, 40, True).lasting
    (False, True)
    """
    if drifted is None:
        return stretch
    if not drifted:
        return None
    if stretch is None:
        return Stretch(start, start, end, windows=1, apart=1, apart_until=end)
    later = start >= stretch.apart_until
    return Stretch(
        start=stretch.start,
        last_start=start,
        end=max(stretch.end, end),
        windows=stretch.windows + 1,
        apart=stretch.apart + later,
        apart_until=end if later else min(stretch.apart_until, end),
    )


def stretches(
    judged: NDArray[np.bool_], drifted: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[Stretch]:
    """Find all stretches of one series.

    Parameters
    ----------
    judged, drifted : ndarray of bool, shape (W,)
    starts, ends : ndarray of int64, shape (W,)
        The windows by start, microseconds since the epoch.

    Returns
    -------
    list of Stretch
        The oldest first.
    """
    found: list[Stretch] = []
    before = None
    for now in _followed(judged, drifted, starts, ends):
        if before is not None and now is None:
            found.append(before)
        before = now
    return found if before is None else [*found, before]


def open_stretch(
    judged: NDArray[np.bool_], drifted: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> Stretch | None:
    """Find the stretch that holds the newest judged window.

    Parameters
    ----------
    judged, drifted, starts, ends
        As for `stretches`.

    Returns
    -------
    Stretch or None
        None if that window is not drifted, or there is none.
    """
    now = None
    for now in _followed(judged, drifted, starts, ends):  # noqa: B007  (the last one counts)
        pass
    return now


def _followed(
    judged: NDArray[np.bool_], drifted: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> Iterator[Stretch | None]:
    """Give what is open after each judged window."""
    now = None
    for start, end, is_drifted in zip(
        starts[judged].tolist(), ends[judged].tolist(), drifted[judged].tolist(), strict=True
    ):
        now = follow(now, start, end, is_drifted)
        yield now
