"""Follow the features of one (segment, part) from window to window, in the order of event time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.trends.alarm_rate import OVER, alarm_rate
from driftline.trends.followed_windows import Followed, FollowedWindows
from driftline.trends.run_scan import scan_runs
from driftline.trends.trend_state import Alarm, TrendState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from driftline.trends.followed_parts import FollowedPart
    from driftline.trends.reference_runs import ReferenceRuns

_NEVER: Final = np.iinfo(np.int64).min


class Trend(NamedTuple):
    """What is known of one feature when a window is over; times are microseconds.

    Parameters
    ----------
    start
        Start of the window.
    statistic
        What found the most unusual run of windows that ends with it.
    windows, since
        Windows of that run, and the start of the first.
    p_value
        How often alarms as unusual begin at a window if nothing changes.
    alarm_since
        End of the window that raised the alarm; None if there is none.
    change
        What the run differs by, in words; None without an alarm.
    """

    feature: str
    start: int
    statistic: str
    windows: int
    since: int
    p_value: float
    alarm_since: int | None
    change: str | None


class Advanced(NamedTuple):
    """Features followed up to a time.

    Parameters
    ----------
    pending
        Blocks of windows that are not over.
    next
        When the first of those is; None if there are none.
    late
        Windows of features that came after a later one was followed, and were dropped.
    """

    state: TrendState
    trends: tuple[Trend, ...]
    pending: tuple[bytes, ...]
    next: int | None
    late: int


def advance_trends(
    state: TrendState | None, blocks: Iterable[bytes], cut: int, followed: FollowedPart
) -> Advanced:
    """Follow all windows that were over before a time.

    Parameters
    ----------
    state
        None before the first window.
    blocks
        Encoded `FollowedWindows`, in any order. Those of another baseline are left out, and what is
        remembered of one: a new reference is a new beginning.
    cut
        Windows over before it are followed, microseconds; never less than the last time.

    Notes
    -----
    The trends do not depend on how windows are spread over blocks and calls.
    """
    version, size = followed.version, followed.size
    given = FollowedWindows.merge(map(FollowedWindows.from_bytes, blocks), version, size)
    if state is None or (state.windows.version, state.windows.size) != (version, size):
        state = TrendState(FollowedWindows(version, size, {}))
    kept, waiting, late = dict(state.windows.statistics), {}, 0
    scanned: dict[str, tuple[Followed, NDArray[np.int64]]] = {}
    for name, runs in followed.runs.items():
        if name not in given.statistics:
            continue
        new = given.statistics[name]
        new = new.take(runs.longest[new.place] > 0)
        over = new.start + size < cut
        if not over.all():
            waiting[name] = new.take(~over)
        before = kept.get(name)
        last = _last(before, len(followed.features))
        in_time = new.start > last[new.place]
        late += _late(new.take(over & ~in_time), before)
        new = new.take(over & in_time)
        if len(new.place):
            whole = new if before is None else Followed.joined([before, new]).in_order()
            scanned[name] = whole, np.flatnonzero(whole.start > last[whole.place])
            kept[name] = _newest(whole, runs)
    alarms = dict(state.alarms)
    trends = tuple(_trends(scanned, followed, alarms))
    pending = FollowedWindows(version, size, waiting)
    return Advanced(
        TrendState(FollowedWindows(version, size, kept), alarms),
        trends,
        (pending.to_bytes(),) if waiting else (),
        pending.first_known if waiting else None,
        late,
    )


def _last(before: Followed | None, features: int) -> NDArray[np.int64]:
    """Give the start of the newest window of each feature that was followed."""
    last = np.full(features, _NEVER)
    if before is not None:
        np.maximum.at(last, before.place, before.start)
    return last


def _late(passed: Followed, before: Followed | None) -> int:
    """Count windows that were never followed; what corrects one that was is no loss."""
    if before is None or not len(passed.place):
        return 0
    known = set(zip(before.place.tolist(), before.start.tolist(), strict=True))
    return len(set(zip(passed.place.tolist(), passed.start.tolist(), strict=True)) - known)


def _newest(rows: Followed, runs: ReferenceRuns) -> Followed:
    """Keep as many windows of each feature as its longest run has."""
    behind = np.searchsorted(rows.place, rows.place, side="right") - np.arange(len(rows.place))
    return rows.take(behind <= runs.longest[rows.place])


def _trends(
    scanned: Mapping[str, tuple[Followed, NDArray[np.int64]]],
    followed: FollowedPart,
    alarms: dict[str, Alarm],
) -> Iterator[Trend]:
    """Take of each feature and window the most unusual run of all its statistics, which share its limit.

    `alarms`, those that are on, is brought up to date.
    """
    runs, size = followed.runs, followed.size
    found: dict[tuple[int, int], dict[str, tuple[float, int, int]]] = {}
    for name, (rows, new) in scanned.items():
        scan = scan_runs(rows, new, runs[name], size)
        for at, p, run in zip(new.tolist(), scan.p.tolist(), scan.run.tolist(), strict=True):
            found.setdefault((int(rows.place[at]), int(rows.start[at])), {})[name] = p, at, run
    share = np.sum([each.longest > 0 for each in runs.values()], axis=0)
    for (place, start), statistics in sorted(found.items()):
        feature, end = followed.features[place], start + size
        p, name = min((p, name) for name, (p, _, _) in statistics.items())
        p_value = min(share[place] * float(alarm_rate(p)), 1.0)
        raised = statistics.get(alarms[feature].statistic) if feature in alarms else None
        if p_value <= followed.limit:
            alarms.setdefault(feature, Alarm(end, name))
        elif raised is not None and share[place] * float(alarm_rate(raised[0] / OVER)) > followed.limit:
            del alarms[feature]
        _, at, run = statistics[name]
        rows, _ = scanned[name]
        first, alarm = at + 1 - run, alarms.get(feature)
        yield Trend(
            feature,
            start,
            name,
            run,
            int(rows.start[first]),
            p_value,
            None if alarm is None else alarm.since,
            None if alarm is None else followed.words(name, place, rows.sizes[first : at + 1]),
        )
