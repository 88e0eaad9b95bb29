"""Whether the model got worse in one segment and stayed so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from driftline.verdicts.lasting import open_stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAST_P = 1e-300
_EVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class WorseRule:
    """When a loss is worse.

    Parameters
    ----------
    alpha : float
        The run's ``tests.alpha``. Without a detector p must be below this over the number of segments, in
        each window.
    margin : float
        A loss above the reference's by up to this share of it is not worse.
    standard_errors : float
        With a detector the loss since the change must be above what is normal by at least this many.
    """

    alpha: float
    margin: float = 0.1
    standard_errors: float = 3.0

    def at_most(self, normal: float) -> float:
        """Give the mean loss up to which nothing is worse; NaN if what is normal is not known."""
        return normal + self.margin * abs(normal)


@dataclass(frozen=True, eq=False)
class LossWindows:
    """The loss of one segment in W windows, by start; a number that is not known is NaN.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (W,)
        Microseconds since the epoch.
    enough : ndarray of bool, shape (W,)
        Windows with labels enough to be judged.
    n : ndarray of float64, shape (W,)
        Outcomes.
    mean_loss, low, high : ndarray of float64, shape (W,)
        Mean loss and its 95 % interval, as if outcomes were independent.
    difference, p_value : ndarray of float64, shape (W,)
        Mean loss minus the reference's, and how often a normal window is as far from it.
    normal : float
        Mean loss of the reference.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    enough: NDArray[np.bool_]
    n: NDArray[np.float64]
    mean_loss: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    difference: NDArray[np.float64]
    p_value: NDArray[np.float64]
    normal: float

    @staticmethod
    def none() -> LossWindows:
        """Know nothing but detections."""
        times, n = np.zeros(0, np.int64), np.zeros(0)
        return LossWindows(times, times, times > 0, n, n, n, n, n, n, math.nan)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Windows with labels enough; where p-values can be told, those that have one. Shape (W,)."""
        tested = np.isfinite(self.p_value)
        return self.enough & (tested | ~tested.any())

    @property
    def known(self) -> NDArray[np.bool_]:
        """Windows of which any label is known, shape (W,)."""
        return (self.n > 0) & np.isfinite(self.mean_loss)


@dataclass(frozen=True)
class LossChange:
    """A detector found that the loss changed.

    Parameters
    ----------
    at, known : int
        When the change was, and when that was known; microseconds since the epoch.
    before, after : float
        Mean loss; NaN if the detector does not say.
    """

    detector: str
    at: int
    known: int
    before: float
    after: float


@dataclass(frozen=True)
class Worse:
    """The model is worse in one segment.

    Parameters
    ----------
    since : int
        Microseconds since the epoch.
    now, normal : float
        Mean loss since then, and what it is compared with.
    against_reference : bool
        `normal` is of the reference; else of the time before the change.
    strength : float
        By how many standard errors it is worse; 0 if that is not known.
    first : int or None
        The detection that was known first, by its position; None if no detector saw it.
    others : tuple of str
        Detectors that saw the same change later, by name.
    """

    since: int
    now: float
    normal: float
    against_reference: bool
    strength: float
    first: int | None = None
    others: tuple[str, ...] = ()


def model_worse(
    windows: LossWindows, newest_first: Sequence[LossChange], rule: WorseRule, *, segments: int
) -> Worse | None:
    """Decide whether the loss of a segment rose and is still high.

    With detections: since the loss was last normal there is a rise, and since that the loss is above the
    reference's (above that of before, where there is no reference) by `rule.standard_errors`, measured by how
    much normal windows vary where that is known. Otherwise: the newest judged windows, two of which do not
    overlap, are above it by `rule.margin` with p below `rule.alpha` over the number of segments.

    Parameters
    ----------
    newest_first : sequence of LossChange
        Detections on the loss of the segment, by when they were known.
    segments : int
        How many segments are asked about (Bonferroni); 1 or more.
    """
    return _detected(windows, newest_first, rule) or _undetected(windows, rule, segments)


def _detected(windows: LossWindows, newest_first: Sequence[LossChange], rule: WorseRule) -> Worse | None:
    rises = _lasting_rises(windows, newest_first, rule)
    if not rises:
        return None
    oldest = rises[-1]
    # a change that happened after the oldest was known is another
    same = [each for each in rises if each.at <= oldest.known]
    first = min(same, key=lambda each: (each.known, each.at, each.detector))
    others = tuple(sorted({each.detector for each in same} - {first.detector}))
    against_reference = math.isfinite(windows.normal)
    normal = windows.normal if against_reference else first.before
    since = windows.starts >= first.at
    if not (windows.known & since).any():
        since = windows.ends > first.at
    pooled, strength = _pooled(windows, since, normal)
    now = pooled if math.isfinite(pooled) else first.after
    if now <= normal or strength < rule.standard_errors:
        return None
    strength = 0.0 if math.isnan(strength) else strength
    return Worse(first.at, now, normal, against_reference, strength, newest_first.index(first), others)


def _lasting_rises(
    windows: LossWindows, newest_first: Sequence[LossChange], rule: WorseRule
) -> list[LossChange]:
    """Give the rises since the loss was last normal, newest first.

    A fall to what is normal ends the search, unless no judged window shows it: then it was one of hours. So
    does a rise behind which judged windows were normal.
    """
    judged = windows.judged
    begins, ends = windows.starts[judged], windows.ends[judged]
    was_normal = windows.mean_loss[judged] <= rule.at_most(windows.normal)
    rises: list[LossChange] = []
    until = _EVER
    for each in newest_first:
        rose = each.after > each.before
        inside = (begins >= each.at) & (ends <= until) if rose else (begins < until) & (ends > each.at)
        shown = was_normal[inside]
        if rose:
            if rises and shown.any():
                break
            rises.append(each)
        elif not each.after > rule.at_most(windows.normal) and (shown.any() or not len(shown)):
            break
        until = each.at
    return rises


def _undetected(windows: LossWindows, rule: WorseRule, segments: int) -> Worse | None:
    above = windows.mean_loss > rule.at_most(windows.normal)
    worse = above & (windows.p_value < rule.alpha / segments)
    stretch = open_stretch(windows.judged, worse, windows.starts, windows.ends)
    if stretch is None or not stretch.lasting:
        return None
    now, strength = _pooled(windows, windows.starts >= stretch.start, windows.normal)
    return Worse(stretch.start, now, windows.normal, True, strength)


def _pooled(windows: LossWindows, inside: NDArray[np.bool_], normal: float) -> tuple[float, float]:
    """Give the mean loss of some windows, and by how many standard errors it is above normal.

    Of windows that do not overlap: the signed z-scores of their calibrated p-values over the root of their
    number (Stouffer et al. 1949, The American Soldier, vol. 1). Where there are none the standard error is
    that of independent outcomes, or of windows that vary on their own, whichever is larger.
    """
    some = np.flatnonzero(inside & windows.known)
    if not len(some):
        return math.nan, math.nan
    tested = some[np.isfinite(windows.p_value[some])]
    some = tested if len(tested) else some
    mean = float(np.average(windows.mean_loss[some], weights=windows.n[some]))
    apart = _apart(windows, some)
    if len(tested):
        sign = np.sign(windows.difference[apart])
        z = -sign * special.ndtri(np.maximum(windows.p_value[apart], _LEAST_P) / 2)
        return mean, float(z.sum() / math.sqrt(len(z)))
    share = windows.n[apart] / windows.n[apart].sum()
    width = windows.high[apart] - windows.low[apart]
    independent, varying = width / (2 * 1.96), windows.mean_loss[apart] - mean
    error = math.sqrt(max(((share * each) ** 2).sum() for each in (independent, varying)))
    return mean, (mean - normal) / error if error > 0 else math.nan


def _apart(windows: LossWindows, some: NDArray[np.int64]) -> list[int]:
    """Choose windows that do not overlap, the oldest first."""
    chosen: list[int] = []
    for window in some.tolist():
        if not chosen or windows.starts[window] >= windows.ends[chosen[-1]]:
            chosen.append(window)
    return chosen
