"""The list of trend alarms on the page."""

from __future__ import annotations

import math
import sys
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np

from driftline.report.findings import place_of
from driftline.report.wording import moment, number, plural

if TYPE_CHECKING:
    from driftline.report.result_grid import Grid
    from driftline.report.trend_alarm import TrendAlarm
    from driftline.report.trend_alarms import TrendAlarms

MOST_ALARMS = 50
"""Alarms that the page lists; the others are counted."""

_POWER_FROM = 6
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def trend_section(trends: TrendAlarms, grid: Grid, *, daily: bool, year: bool) -> str:
    """Write the list of alarms.

    Parameters
    ----------
    grid : Grid
        Where an alarm's feature and segment are in it, its row links to them.
    daily, year : bool
        As for `moment`.

    Returns
    -------
    str
        HTML; empty if there was no alarm.
    """
    if not trends.found:
        return ""
    more = trends.on + trends.over - min(len(trends.found), MOST_ALARMS)
    rest = f'<p class="quiet">And {plural(more, "more alarm")}: see trends.parquet.</p>' if more else ""
    rows = "\n".join(_row(each, grid, daily=daily, year=year) for each in trends.found[:MOST_ALARMS])
    return Template(_page()).substitute(rows=rows, more=rest)


@cache
def _page() -> str:
    return files("driftline.report").joinpath("page", "trends.html").read_text(encoding="utf-8")


def _row(each: TrendAlarm, grid: Grid, *, daily: bool, year: bool) -> str:
    end = "still on" if each.on else moment(each.until - daily, daily=daily, year=year)

    def text(value: str) -> str:
        return f'<td class="text" title="{escape(value)}">{escape(value)}</td>'

    cells = [
        f'<td class="text" title="{escape(each.feature)}">{_link(each, grid)}</td>',
        text(place_of(each.segment)),
        text(each.change),
        text(moment(each.since, daily=daily, year=year)),
        text(moment(each.crossed - daily, daily=daily, year=year)),
        f"<td>{'' if each.windows is None else f'{each.windows:,}'}</td>",
        f"<td>{once_in(each.p_value)}</td>",
        text(end),
        text("" if each.latest == each.change else each.latest),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _link(each: TrendAlarm, grid: Grid) -> str:
    name = escape(each.feature)
    if each.segment not in grid.segments or each.feature not in grid.features:
        return name
    window = int(np.clip(np.searchsorted(grid.starts, each.start), 0, len(grid.starts) - 1))
    link = urlencode({"segment": each.segment, "feature": each.feature, "window": window})
    return f'<a href="#{escape(link)}">{name}</a>'


def once_in(p_value: float) -> str:
    """Write how rarely a trend comes by chance.

    Examples
    --------
    >>> once_in(1.0), once_in(0.00025), once_in(1e-12)
    ('in every window', 'once in 4,000 windows', 'once in 10¹² windows')
    """
    size = -math.log10(max(p_value, sys.float_info.min))
    if size > _POWER_FROM:
        return f"once in 10{str(round(size)).translate(_SUPERSCRIPTS)} windows"
    windows = 10**size
    return "in every window" if windows < 1.5 else f"once in {number(float(f'{windows:.2g}'))} windows"
