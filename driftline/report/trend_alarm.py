"""One alarm of a trend, and how the report says it."""

from __future__ import annotations

from dataclasses import dataclass

from driftline.report.wording import moment, plural


@dataclass(frozen=True)
class TrendAlarm:
    """One alarm of one feature of one segment; times in microseconds since the epoch.

    Parameters
    ----------
    since : int
        Start of the first window of the run that raised it.
    crossed, until : int
        Ends of the window that raised it and of the newest window that it was on in.
    on : bool
        Whether there is no newer window without it.
    windows : int or None
        Windows of that run; None if the row that raised it is not among the rows.
    p_value : float
        The smallest of its windows.
    change, latest : str
        What the run differed by when the alarm was raised, and in the newest window.
    start : int
        Start of the first window that it was on in.
    """

    segment: str
    feature: str
    since: int
    crossed: int
    until: int
    on: bool
    windows: int | None
    p_value: float
    change: str
    latest: str
    start: int

    def claim(self, *, daily: bool, year: bool) -> str:
        """Say since when what changed, and when that was known.

        Parameters
        ----------
        daily, year : bool
            As for `moment`.
        """
        since = moment(self.since, daily=daily, year=year)
        crossed = moment(self.crossed - daily, daily=daily, year=year)
        after = f", after {plural(self.windows, 'window')}" if self.windows else ""
        return f"since {since}: {self.change}; crossed the limit on {crossed}{after}"

    def sequel(self, *, daily: bool, year: bool) -> str:
        """Say how it went on.

        Parameters
        ----------
        daily, year : bool
            As for `moment`.
        """
        other = "" if self.latest == self.change else f", {'now' if self.on else 'at last'} {self.latest}"
        until = moment(self.until - daily, daily=daily, year=year)
        return f"{'still on' if self.on else f'on until {until}'}{other}"
