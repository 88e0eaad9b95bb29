"""Segments in which the model got worse and stayed so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from driftline.report.performance_grid import STATUSES
from driftline.tables import PerformanceStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.report.detection_list import Detected, Detections
    from driftline.report.performance_grid import PerformanceGrid

CLEARLY = 3
"""With a detector the loss since the change must be above what is normal by this many standard errors."""
_LEAST_P = 1e-300
_EVER = np.iinfo(np.int64).max
MARGIN = 0.1
"""A loss above the reference's by up to this share of it is not worse."""
ALPHA = 0.01
"""Without a detector p must be below this, divided by the number of segments, in each window."""


@dataclass(frozen=True)
class Change:
    """The model is worse in one segment.

    Parameters
    ----------
    segment : str
    since : int
        Microseconds since the epoch.
    now, normal : float
        Mean loss since then, and what it is compared with.
    against_reference : bool
        `normal` is of the reference; else of the time before the change.
    strength : float
        By how many standard errors it is worse.
    first : Detected or None
        The detection that was known first; None if no detector saw it.
    others : tuple of str
        Detectors that saw the same change later.
    """

    segment: str
    since: int
    now: float
    normal: float
    against_reference: bool
    strength: float
    first: Detected | None = None
    others: tuple[str, ...] = ()


def changes_for_the_worse(performance: PerformanceGrid | None, detections: Detections | None) -> list[Change]:
    """Find the segments in which the loss rose and is still high, strongest first.

    With detections on the loss of a segment: since the loss was last normal there is a rise, and since that
    the loss is `CLEARLY` above the reference's (above that of before, where there is no reference), measured
    by how much normal windows vary where that is known. Otherwise: the
    newest judged windows, two of which do not overlap, are above it by `MARGIN` with p below `ALPHA` over the
    number of segments.

    Parameters
    ----------
    performance : PerformanceGrid or None
    detections : Detections or None

    Returns
    -------
    list of Change
    """
    of_segment: dict[str, list[Detected]] = {}
    for each in detections.on_loss if detections else ():
        of_segment.setdefault(each.segment, []).append(each)
    known = performance.segments if performance is not None else ()
    found = []
    for segment in dict.fromkeys([*of_segment, *known]):
        change = _detected(segment, of_segment[segment], performance) if segment in of_segment else None
        if change is None and performance is not None and segment in known:
            change = _undetected(performance, known.index(segment))
        found.append(change)
    changes = [each for each in found if each is not None]
    return sorted(changes, key=lambda each: (-each.strength, each.segment))


def _detected(
    segment: str, newest_first: list[Detected], performance: PerformanceGrid | None
) -> Change | None:
    s = None
    normal = math.nan
    if performance is not None and segment in performance.segments:
        s = performance.segments.index(segment)
        normal = float(performance.normal["mean_loss_reference"][s])
    rises = _lasting_rises(newest_first, performance, s, normal)
    if not rises:
        return None
    oldest = rises[-1]
    # two detections are of one change if neither was known before the other's change happened
    same = [each for each in rises if each.at <= oldest.known and oldest.at <= each.known]
    first = min(same, key=lambda each: (each.known, each.at, each.detector))
    others = tuple(sorted({each.detector for each in same} - {first.detector}))
    against_reference = math.isfinite(normal)
    normal = normal if against_reference else first.before
    now, strength = first.after, math.nan
    if performance is not None and s is not None:
        since = performance.starts >= first.at
        if not (performance.labelled[s] & since).any():
            since = performance.ends > first.at
        pooled, strength = _pooled(performance, s, since, normal)
        now = pooled if math.isfinite(pooled) else now
    if now <= normal or strength < CLEARLY:
        return None
    strength = 0.0 if math.isnan(strength) else strength
    return Change(segment, first.at, now, normal, against_reference, strength, first, others)


def _lasting_rises(
    newest_first: list[Detected], performance: PerformanceGrid | None, s: int | None, normal: float
) -> list[Detected]:
    """Give the rises since the loss was last normal, newest first.

    A fall to what is normal ends the search, unless no judged window shows it: then it was one of hours. So
    does a rise behind which judged windows were normal.
    """
    begins = ends = np.zeros(0, np.int64)
    was_normal = np.zeros(0, bool)
    if performance is not None and s is not None:
        judged = _judged(performance, s)
        begins, ends = performance.starts[judged], performance.ends[judged]
        was_normal = performance.columns["mean_loss"][s, judged] <= _at_most(normal)
    rises: list[Detected] = []
    until = _EVER
    for each in newest_first:
        rose = each.rise > 0
        inside = (begins >= each.at) & (ends <= until) if rose else (begins < until) & (ends > each.at)
        shown = was_normal[inside]
        if rose:
            if rises and shown.any():
                break
            rises.append(each)
        elif not each.after > _at_most(normal) and (shown.any() or not len(shown)):
            break
        until = each.at
    return rises


def _judged(performance: PerformanceGrid, s: int) -> NDArray[np.bool_]:
    """Windows of a segment with enough labels; where p-values can be told, those that have one."""
    tested = np.isfinite(performance.columns["p_value"][s])
    judged: NDArray[np.bool_] = performance.status[s] == STATUSES.index(PerformanceStatus.OK)
    judged &= tested | ~tested.any()
    return judged


def _at_most(normal: float) -> float:
    """Up to which mean loss nothing is worse."""
    return normal + MARGIN * abs(normal)


def _undetected(performance: PerformanceGrid, s: int) -> Change | None:
    columns = performance.columns
    normal = float(performance.normal["mean_loss_reference"][s])
    judged = np.flatnonzero(_judged(performance, s))
    worse = (columns["mean_loss"][s] > _at_most(normal)) & (
        columns["p_value"][s] < ALPHA / len(performance.segments)
    )
    newest = list(takewhile(lambda w: worse[w], judged[::-1].tolist()))
    if not newest or performance.starts[newest[0]] < performance.ends[newest[-1]]:
        return None
    first = newest[-1]
    now, strength = _pooled(performance, s, np.arange(len(performance.starts)) >= first, normal)
    return Change(performance.segments[s], int(performance.starts[first]), now, normal, True, strength)


def _pooled(
    performance: PerformanceGrid, s: int, inside: NDArray[np.bool_], normal: float
) -> tuple[float, float]:
    """Give the mean loss of some windows of a segment, and by how many standard errors it is above normal.

    Of windows that do not overlap: the signed z-scores of their calibrated p-values over the root of their
    number (Stouffer et al. 1949, The American Soldier, vol. 1). Where there are none the standard error is
    that of independent outcomes, or of windows that vary on their own, whichever is larger.
    """
    columns = performance.columns
    n, loss = columns["n"][s], columns["mean_loss"][s]
    some = np.flatnonzero(inside & performance.labelled[s] & np.isfinite(loss))
    if not len(some):
        return math.nan, math.nan
    tested = some[np.isfinite(columns["p_value"][s, some])]
    some = tested if len(tested) else some
    mean = float(np.average(loss[some], weights=n[some]))
    if len(tested):
        tested = _apart(performance, tested)
        sign = np.sign(columns["difference"][s, tested])
        z = -sign * special.ndtri(np.maximum(columns["p_value"][s, tested], _LEAST_P) / 2)
        return mean, float(z.sum() / math.sqrt(len(z)))
    apart = _apart(performance, some)
    share = n[apart] / n[apart].sum()
    width = columns["mean_loss_high"][s, apart] - columns["mean_loss_low"][s, apart]
    error = math.sqrt(max(((share * each) ** 2).sum() for each in (width / (2 * 1.96), loss[apart] - mean)))
    return mean, (mean - normal) / error if error > 0 else math.nan


def _apart(performance: PerformanceGrid, windows: NDArray[np.int64]) -> list[int]:
    """Choose windows that do not overlap, the oldest first."""
    chosen: list[int] = []
    for window in windows.tolist():
        if not chosen or performance.starts[window] >= performance.ends[chosen[-1]]:
            chosen.append(window)
    return chosen
