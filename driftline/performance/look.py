"""Which windows of a segment are to be given, for the first time or once more, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from driftline.performance.periods import Periods, by_period, merged, merged_recent
from driftline.performance.profile import PerformanceProfile
from driftline.performance.rolling_error import TAG as ROLLING
from driftline.performance.rolling_error import RollingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from driftline.performance.window_rule import WindowRule

_END_OF_TIME = 1 << 62  # microseconds; no prediction is as late


class Window(NamedTuple):
    """A window to give.

    Parameters
    ----------
    start, end
        Microseconds since the epoch.
    profile
        Of its predictions, and of the outcomes that are known of them.
    rolling_error
        Mean loss of the last outcomes known at its end; nan without any.
    """

    start: int
    end: int
    profile: PerformanceProfile
    rolling_error: float


class Look(NamedTuple):
    """What was found.

    Parameters
    ----------
    ends
        (n,) int64, ends of the windows to give, in numbers of periods.
    windows
        These windows, made as they are asked for.
    held
        What to keep, instead of what was held.
    next
        The end at which to look again, in numbers of periods; None if there is no need to.
    """

    ends: NDArray[np.int64]
    windows: Iterator[Window]
    held: list[bytes]
    next: int | None


def look(
    held: Iterable[bytes],
    arrived: Sequence[bytes],
    rule: WindowRule,
    *,
    before: int | None,
    now: int | None,
) -> Look:
    """Find the windows that have ended since the last look, and those that have changed.

    A window with a prediction in it is given when it is due, and again at each look after more came in or
    became known. When it is no longer due, it is given a last time if it has changed, then forgotten. Nothing
    may arrive for a forgotten period: see `drop_forgotten`.

    Parameters
    ----------
    held
        What was kept at the last look.
    arrived
        Encoded `Periods` that have arrived since.
    rule
        The windows, and how long they are kept.
    before
        Time of the last look, microseconds; None at the first, and for bounded input.
    now
        Time of this look; None for bounded input, which is looked at when all of it has arrived.

    Returns
    -------
    Look
        Windows to give, in order of their ends, and what to keep.
    """
    every = rule.every
    rolling, kept = RollingError.none(), []
    for data in held:
        if data[:3] == ROLLING:
            rolling = RollingError.from_bytes(data)
        else:
            kept.append(Periods.from_bytes(data))
    new = [Periods.from_bytes(data) for data in arrived]
    profiles = {period: merged(data) for period, data in by_period([*kept, *new]).items()}
    until = _END_OF_TIME // every if now is None else rule.ended(now)
    given = None if before is None else rule.ended(before)
    rolling = rolling.advance(merged_recent(new, every), every, after=given, until=until)
    all_ends, ends = _ends(profiles, rule), _ends(by_period(new), rule)
    if before is not None and given is not None:
        ends = np.union1d(ends[ends >= rule.first_open(before)], all_ends[all_ends > given])
    ends = ends[ends <= until]
    windows = _windows(ends, rolling.at(ends), profiles, rule)
    if now is None:
        return Look(ends, windows, _kept(profiles, rolling), None)
    profiles = {period: data for period, data in profiles.items() if period >= rule.first_kept(now)}
    rolling = rolling.since(rule.first_open(now), until, every)
    return Look(ends, windows, _kept(profiles, rolling), _next(profiles, all_ends, until, rule))


def drop_forgotten(data: bytes, rule: WindowRule, now: int | None) -> tuple[bytes, int]:
    """Take from encoded `Periods` those that were forgotten: what comes for them would replace good rows.

    Parameters
    ----------
    now
        Time of the last look, microseconds; None before the first.

    Returns
    -------
    bytes, int
        The others, with all that is recent; and how many predictions and outcomes were dropped.
    """
    part = Periods.from_bytes(data)
    first = None if now is None else rule.first_kept(now)
    if first is None or min(part.profiles) >= first:
        return data, 0
    late = [PerformanceProfile.from_bytes(part.profiles[p]) for p in part.profiles if p < first]
    rest = {period: profile for period, profile in part.profiles.items() if period >= first}
    dropped = sum(profile.n_predictions + profile.n for profile in late)
    return Periods(rest, part.recent).to_bytes(), dropped


def first_due(data: bytes, rule: WindowRule, *, now: int | None, at: int) -> int | None:
    """Say when to look at what has arrived.

    Parameters
    ----------
    data
        Encoded `Periods`, none of them forgotten.
    rule
        The windows.
    now
        Time of the last look, microseconds; None before the first.
    at
        Time that the watermark has about reached, microseconds.

    Returns
    -------
    int or None
        Microseconds: when the first window of the earliest period is due or, if that is past, the next one;
        None without periods.
    """
    periods = Periods.from_bytes(data).profiles
    if not periods:
        return None
    passed = rule.ended(at if now is None else max(at, now))
    return rule.due(max(min(periods), passed) + 1)


def _ends(periods: Iterable[int], rule: WindowRule) -> NDArray[np.int64]:
    numbers = np.fromiter(periods, np.int64)
    return np.unique(numbers[:, None] + np.arange(1, rule.periods + 1))


def _windows(
    ends: NDArray[np.int64], errors: NDArray[np.float64], profiles: dict[int, bytes], rule: WindowRule
) -> Iterator[Window]:
    decoded: dict[int, PerformanceProfile] = {}
    for end, error in zip(ends.tolist(), errors.tolist(), strict=True):
        periods = [period for period in range(end - rule.periods, end) if period in profiles]
        decoded = {
            period: decoded.get(period) or PerformanceProfile.from_bytes(profiles[period])
            for period in periods
        }
        whole = PerformanceProfile.merge_all(list(decoded.values()))
        last = end * rule.every
        yield Window(last - rule.size, last, whole, error)


def _kept(profiles: dict[int, bytes], rolling: RollingError) -> list[bytes]:
    """A bag of small elements: one a period, so that no element grows with the wait."""
    return [*(Periods({period: data}).to_bytes() for period, data in profiles.items()), rolling.to_bytes()]


def _next(profiles: dict[int, bytes], ends: NDArray[np.int64], until: int, rule: WindowRule) -> int | None:
    later = ends[ends > until]
    if len(later):
        return int(later[0])
    return rule.forgets(max(profiles)) if profiles else None
