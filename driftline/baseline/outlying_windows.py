"""Windows of a reference that are unlike its others: an incident in what is taken as normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from driftline.baseline.reference_windows import calibration_stride, disjoint
from driftline.config.times import show_time
from driftline.measures.measure_registry import measure
from driftline.measures.own_windows import compare_windows
from driftline.segments import ALL
from driftline.statistics.change_words import UNUSUAL, change_words
from driftline.statistics.null import ACTED_ON
from driftline.statistics.season import season_for
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.baseline.artefact import Baseline
    from driftline.measures.window_histograms import WindowHistograms
    from driftline.profiles.layout import Block
    from driftline.statistics import BlockNull, Comparison

_LEVEL: Final = 0.01  # that anything is named in a reference without an incident
_SUSPECTS: Final = 1 / 3  # of the windows: those that are left out of the first null
_PUT_BACK: Final = 0.1  # of the windows, at most, before the null is fitted again
_MOST: Final = 0.25  # of the windows that can be an incident: weekends are more
_SHOWN: Final = 5
_FEATURES: Final = 2


class Change(NamedTuple):
    """How a feature of one window is unlike it in the others."""

    p_value: float
    feature: str
    words: str


@dataclass(frozen=True)
class OutlyingSpan:
    """A span of the reference in which windows are unlike all others.

    Parameters
    ----------
    start, end
        Microseconds since the epoch.
    p_value
        The smallest of its windows and features.
    changes
        What is unlike in them, the most unusual feature first.
    """

    start: int
    end: int
    p_value: float
    changes: tuple[str, ...]


def outlying_windows(
    baseline: Baseline, windows: Mapping[str, WindowHistograms], season: str, min_n: int
) -> list[OutlyingSpan]:
    """Find windows of all traffic that the others would hardly ever have.

    The third that is farthest out is judged by a null that is fitted without it. Those that are not unlike
    the rest go back, the least unlike first, and the null is fitted again: what remains has not widened what
    it was judged by. If more than a quarter remains, nothing is named: that is part of what is usual. The
    level is shared among all windows and features (Bonferroni).

    Parameters
    ----------
    windows
        What lies beside the baseline of all traffic, by part.
    season
        What windows are compared by, as configured.
    min_n
        Fewest rows a window is judged on.

    Returns
    -------
    list of OutlyingSpan
        The most unlike first.

    References
    ----------
    Hadi, A. S. and Simonoff, J. S. (1993). Procedures for the identification of multiple outliers in linear
    models. Journal of the American Statistical Association 88, 1264-1272 (from a subset without suspects).
    """
    stride = calibration_stride(baseline.size, baseline.every)
    tests = sum(
        disjoint(found.starts, baseline.size, stride) * found.counts.shape[1] for found in windows.values()
    )
    found: dict[int, list[Change]] = {}
    for name, histograms in windows.items():
        alike = disjoint(histograms.starts, baseline.size, stride)
        cycles, _ = season_for(season, size=baseline.size, starts=histograms.starts)
        if alike < 2 * ACTED_ON or baseline.entries[ALL, name].null is None:
            continue
        part: Any = baseline.layout.part(name)
        timed = histograms.compared_by(cycles, baseline.size)
        for window, changes in _of_part(baseline, part, timed, _LEVEL / tests, min_n).items():
            found.setdefault(int(histograms.starts[window]), []).extend(changes)
    spans = [_span(run, found, baseline.size, stride) for run in _runs(sorted(found), baseline.size, stride)]
    return sorted(spans, key=lambda span: (span.p_value, span.start))


def _of_part(
    baseline: Baseline, part: Block, windows: WindowHistograms, level: float, min_n: int
) -> dict[int, list[Change]]:
    """Find windows by their place: p-value and change of each feature that makes them so."""
    of, entry, reference = measure(part.kind), baseline.entries[ALL, part.name], baseline.reference(ALL, part)
    rows = _rows(windows)
    every, judged = np.arange(len(rows)), np.flatnonzero(rows >= min_n)
    overlap = baseline.size / calibration_stride(baseline.size, baseline.every)

    def compared(null: BlockNull, places: NDArray[np.int64]) -> list[Comparison]:
        some = windows.only(np.isin(every, places))
        return [compare_windows(some, baseline.size, row, reference, null) for row in range(len(part.names))]

    def p_values(comparisons: list[Comparison]) -> NDArray[np.float64]:
        return np.nan_to_num(np.stack([each.p_value for each in comparisons], axis=1), nan=1.0)

    most, batch = int(len(judged) * _SUSPECTS), int(np.ceil(len(judged) * _PUT_BACK))
    if not most:
        return {}
    own = p_values(compared(entry.null, judged)).min(1)
    suspects = np.sort(judged[np.argsort(own, kind="stable")[:most]])
    settled = False
    while True:
        others = windows.only(~np.isin(every, suspects))
        data = of.refit(part, entry.profile.to_bytes(), others, overlap=overlap, min_n=min_n)
        comparisons = compared(of.read_null(data or b""), suspects)
        p = p_values(comparisons)
        alike = np.flatnonzero((p >= level).all(1))
        if settled or not len(alike):
            break
        # those at the edge of an incident widen the null: it is fitted with them once, not again and again
        settled = len(alike) <= batch
        least = alike[np.argsort(-p[alike].min(1), kind="stable")][:batch]
        suspects = np.delete(suspects, least)
        if not len(suspects):
            return {}
    unlike = np.flatnonzero((p < level).any(1))
    if len(unlike) > len(judged) * _MOST:
        return {}
    left = windows.only(np.isin(every, suspects))
    words = [_words(each, left, entry.profile, row) for row, each in enumerate(comparisons)]
    return {
        int(suspects[place]): [
            Change(float(p[place, row]), name, words[row][place])
            for row, name in enumerate(part.names)
            if p[place, row] < level
        ]
        for place in unlike
    }


def _rows(windows: WindowHistograms) -> NDArray[np.int64]:
    """Count the rows of every window: those of the feature that has most."""
    rows: NDArray[np.int64] = (windows.counts.sum(2) + windows.absent).max(1)
    return rows


def _words(compared: Comparison, windows: WindowHistograms, profile: Any, row: int) -> list[str]:
    """Say of every window what of a feature is unlike."""
    usual = float(profile.missing[row] / max(profile.rows, 1))
    rows = windows.counts[:, row].sum(1) + windows.absent[:, row]
    rates = windows.missing[:, row] / np.maximum(rows, 1)
    numeric = "components" in compared.columns
    found = []
    for place, rate in enumerate(rates.tolist()):
        missing = (usual, rate) if compared.missing_p[place] < UNUSUAL else None
        if numeric:
            components = np.nan_to_num(compared.components[place]).tolist()
            words = change_words(components, compared.shift[place], compared.spread[place], missing)
        else:
            words = change_words([], 0.0, 1.0, missing)
        points = f"a share by {100 * compared.rate_change[place]:.2g} points"
        found.append(words or ("shape" if numeric else points))
    return found


def _runs(starts: list[int], size: int, stride: int) -> list[list[int]]:
    """Put windows together that touch or overlap."""
    runs: list[list[int]] = []
    for start in starts:
        if runs and start - runs[-1][-1] <= max(size - stride, stride):
            runs[-1].append(start)
        else:
            runs.append([start])
    return runs


def _span(run: list[int], found: Mapping[int, list[Change]], size: int, stride: int) -> OutlyingSpan:
    """Find where windows that overlap have in common what makes them unlike the others."""
    begin = min(run[0] + size - stride, run[-1])
    end = max(run[-1] + stride, run[0] + size)
    changes = sorted(change for start in run for change in found[start])
    worst: dict[str, str] = {}
    for change in changes:
        worst.setdefault(change.feature, f"{change.feature} {change.words}")
    return OutlyingSpan(begin, end, changes[0].p_value, tuple(worst.values()))


def outlying_remarks(spans: list[OutlyingSpan], calendar: Calendar = IN_UTC) -> list[str]:
    """Name at most five spans, each with the line that leaves it out."""
    remarks = []
    for span in spans[:_SHOWN]:
        begin, end = (show_time(calendar.in_utc(time)) for time in (span.start, span.end))
        more = f" and {len(span.changes) - _FEATURES} more" if len(span.changes) > _FEATURES else ""
        remarks.append(
            f"note: the reference from {begin} to {end} is unlike the rest of it: "
            f"{'; '.join(span.changes[:_FEATURES])}{more}. If that was not normal, leave it out with "
            f"`baseline: {{exclude: [{{from: {begin}, to: {end}}}]}}`"
        )
    if len(spans) > _SHOWN:
        remarks.append(f"note: {len(spans) - _SHOWN} more spans of the reference are unlike the rest")
    return remarks
