"""Whether a measure of performance was worse in a stretch of windows, by all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.verdicts.pooled_windows import pooled_rise, smallest_seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.verdicts.model_worse import WorseRule
    from driftline.verdicts.pooled_windows import RunSpread

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MetricWindows:
    """One measure of one segment in W windows, by start; a number that is not known is nan.

    Parameters
    ----------
    name : str
        ``loss``, ``auc`` or ``log_loss``.
    starts, ends : ndarray of int64, shape (W,)
        Microseconds since the epoch.
    judged : ndarray of bool, shape (W,)
        Windows with labels enough.
    n : ndarray of float64, shape (W,)
        Outcomes.
    values, deviations, spreads : ndarray of float64, shape (W,)
        The measure; how far it is from the reference's in standard deviations of normal windows; and one such
        standard deviation.
    normal : float
        The measure of the reference.
    larger_is_worse : bool
        Else smaller is, and 1 is perfect.
    runs : RunSpread
        How normal windows follow each other.
    """

    name: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    judged: NDArray[np.bool_]
    n: Floats
    values: Floats
    deviations: Floats
    spreads: Floats
    normal: float
    larger_is_worse: bool
    runs: RunSpread

    @property
    def tested(self) -> NDArray[np.int64]:
        """Places of windows that can be compared and do not overlap, ascending."""
        known = self.judged & np.isfinite(self.deviations) & (self.spreads > 0) & np.isfinite(self.values)
        chosen: list[int] = []
        for window in np.flatnonzero(known).tolist():
            if not chosen or self.starts[window] >= self.ends[chosen[-1]]:
                chosen.append(window)
        return np.array(chosen, np.int64)

    def mean(self, windows: NDArray[np.int64]) -> float:
        """Give the measure of some windows together; nan without any."""
        if not len(windows):
            return math.nan
        weights = self.n[windows] if self.larger_is_worse else self.spreads[windows] ** -2
        return float(np.average(self.values[windows], weights=weights))

    def beyond(self, value: float, rule: WorseRule) -> bool:
        """Say whether a value is worse than the reference's by more than the margin."""
        if self.larger_is_worse:
            return value > rule.at_most(self.normal)
        return 1 - value > rule.at_most(1 - self.normal)


@dataclass(frozen=True)
class WorseStretch:
    """A measure that was worse.

    Parameters
    ----------
    name
        As of `MetricWindows`.
    start, end
        Of the stretch, microseconds since the epoch.
    now, normal
        The measure in it, and that of the reference.
    since
        The measure in the windows behind it; nan if there are none: then it still is worse.
    strength
        By how many standard deviations of normal stretches it is worse.
    """

    name: str
    start: int
    end: int
    now: float
    normal: float
    since: float
    strength: float


def metric_worse(windows: MetricWindows, rule: WorseRule, *, tests: int) -> WorseStretch | None:
    """Find the stretch in which a measure was worse than chance explains, and by more than the margin.

    Parameters
    ----------
    tests : int
        How many measures of segments are asked about (Bonferroni); 1 or more.
    """
    tested = windows.tested
    sign = 1.0 if windows.larger_is_worse else -1.0
    found = pooled_rise(sign * windows.deviations[tested], windows.runs, rule.alpha / tests)
    if found is None:
        return None
    inside, behind = tested[found.first : found.last + 1], tested[found.last + 1 :]
    now, since = windows.mean(inside), windows.mean(behind)
    if not windows.beyond(now, rule):
        return None
    if windows.beyond(since, rule) and len(behind) < len(inside):
        since = math.nan
    return WorseStretch(
        windows.name,
        int(windows.starts[inside[0]]),
        int(windows.ends[inside[-1]]),
        now,
        windows.normal,
        since,
        found.deviations,
    )


def smallest_change(windows: MetricWindows, rule: WorseRule, *, tests: int) -> float:
    """Give the smallest change, of all windows, that `metric_worse` would find in four of five cases.

    Returns
    -------
    float
        In the unit of the measure; nan where nothing is tested.
    """
    tested = windows.tested
    weights = windows.n[tested] if windows.larger_is_worse else windows.spreads[tested] ** -2
    seen = smallest_seen(windows.spreads[tested], weights, windows.runs, rule.alpha / tests)
    least = rule.margin * (windows.normal if windows.larger_is_worse else 1 - windows.normal)
    return max(seen, least) if math.isfinite(seen) else math.nan
