"""Stretches of drifted windows, placed in the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.verdicts.lasting import stretches

if TYPE_CHECKING:
    from driftline.report.result_grid import Grid


@dataclass(frozen=True)
class Episode:
    """One stretch of one feature of one segment; all numbers but the severity are positions in the grid.

    Parameters
    ----------
    first, last, worst : int
        Windows; the worst has the largest severity.
    severity : float
        Of the worst window.
    lasting : bool
        See `driftline.verdicts.lasting`.
    """

    segment: int
    feature: int
    first: int
    last: int
    worst: int
    severity: float
    lasting: bool


def episodes(grid: Grid) -> list[Episode]:
    """Find every stretch of the grid: those that last before the others, each by severity."""
    found = []
    judged = grid.judged
    for s, f in np.argwhere(grid.drifted.any(axis=2)).tolist():
        severity = np.where(grid.drifted[s, f], grid.severity[s, f], -np.inf)
        for each in stretches(judged[s, f], grid.drifted[s, f], grid.starts, grid.ends):
            first, last = np.searchsorted(grid.starts, [each.start, each.last_start]).tolist()
            worst = first + int(np.argmax(severity[first : last + 1]))
            found.append(Episode(s, f, first, last, worst, float(severity[worst]), each.lasting))
    return sorted(
        found, key=lambda each: (not each.lasting, -each.severity, each.segment, each.feature, each.first)
    )
