"""Does anything change over many windows? The answer in words, from the alarms of trends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline.report.findings import place_of
from driftline.report.note import Note
from driftline.report.wording import plural

if TYPE_CHECKING:
    from driftline.report.trend_alarms import TrendAlarms


@dataclass(frozen=True)
class TrendAnswer:
    """A sentence on the alarms of trends; `on` if one is on in the newest window of its feature."""

    text: str
    on: bool


def trend_answer(trends: TrendAlarms, *, daily: bool, year: bool) -> TrendAnswer | None:
    """Name the newest alarm and count the others.

    Parameters
    ----------
    daily, year : bool
        As for `moment`.

    Returns
    -------
    TrendAnswer or None
        None if there was no alarm.
    """
    if not trends.found:
        return None
    newest = trends.found[0]
    named = f"{newest.feature} in {place_of(newest.segment)} {newest.claim(daily=daily, year=year)}"
    if not newest.on:
        return TrendAnswer(f"No trend is on; the newest of {plural(trends.over, 'alarm')}: {named}", on=False)
    others = {"more on": trends.on - 1, "over": trends.over}
    counts = ", ".join(f"{count:,} {state}" for state, count in others.items() if count)
    return TrendAnswer(f"{named}; still on{f' ({counts})' if counts else ''}", on=True)


def trend_note(trends: TrendAlarms) -> Note | None:
    """Say that there is no trend, where any window was followed and there was no alarm."""
    if trends.found:
        return None
    if not trends.windows:
        return Note("No window was followed for trends.")
    where = f"{plural(trends.features, 'feature')} in {plural(trends.segments, 'segment')}"
    return Note(f"No trend crossed its limit: {where}, followed over {plural(trends.windows, 'window')}.")
