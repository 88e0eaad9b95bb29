"""Stretches of windows in which one feature of one segment stays drifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.report.result_grid import Grid


@dataclass(frozen=True)
class Episode:
    """One stretch; all numbers are positions in the grid.

    Parameters
    ----------
    segment, feature : int
    first, last, worst : int
        Windows; the worst has the largest severity.
    windows : int
        Drifted windows in the stretch.
    severity : float
        Of the worst window.
    lasting : bool
        The stretch holds two drifted windows that do not overlap: what overlaps shares its rows, so two
        overlapping windows are not two witnesses.
    """

    segment: int
    feature: int
    first: int
    last: int
    worst: int
    windows: int
    severity: float
    lasting: bool


def stretches(judged: NDArray[np.bool_], drifted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find the stretches of one row of windows.

    A window that was judged and is not drifted ends a stretch; one that was not judged (too few rows,
    partial, no data) does not, because it says nothing.

    Parameters
    ----------
    judged, drifted : ndarray of bool, shape (W,)

    Returns
    -------
    list of tuple of int
        First and last drifted window of each stretch.

    Examples
    --------
    >>> stretches(np.array([1, 1, 0, 1, 1, 1], bool), np.array([0, 1, 0, 1, 0, 1], bool))
    [(1, 3), (5, 5)]
    """
    places = np.flatnonzero(judged)
    edges = np.diff(np.concatenate([[0], drifted[places].astype(np.int8), [0]]))
    first, last = places[np.flatnonzero(edges == 1)], places[np.flatnonzero(edges == -1) - 1]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def episodes(grid: Grid) -> list[Episode]:
    """Find every stretch of the grid: those that last before the others, each by severity.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    list of Episode
    """
    found = []
    judged = grid.judged
    for s, f in np.argwhere(grid.drifted.any(axis=2)).tolist():
        severity = np.where(grid.drifted[s, f], grid.severity[s, f], -np.inf)
        for first, last in stretches(judged[s, f], grid.drifted[s, f]):
            worst = first + int(np.argmax(severity[first : last + 1]))
            windows = int(grid.drifted[s, f, first : last + 1].sum())
            lasting = bool(grid.starts[last] >= grid.ends[first])
            found.append(Episode(s, f, first, last, worst, windows, float(severity[worst]), lasting))
    return sorted(
        found, key=lambda each: (not each.lasting, -each.severity, each.segment, each.feature, each.first)
    )
