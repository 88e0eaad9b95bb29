"""Formats that a text might be in, from the usual ways to write a time."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Final

from driftline.config.time_format import pieces_of

_SEPARATED: Final = tuple(
    form.replace("-", separator)
    for separator in ".-/ "
    for form in ("%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%d-%m-%y", "%m-%d-%y")
)
_NAMED: Final = tuple(
    form.replace("%b", month)
    for month in ("%b", "%B")
    for form in (
        "%d %b %Y",
        "%d-%b-%Y",
        "%d/%b/%Y",
        "%d-%b-%y",
        "%d. %b %Y",
        "%b %d, %Y",
        "%b %d %Y",
        "%b %Y",
    )
)
_DATES: Final = (
    *_SEPARATED,
    *_NAMED,
    *(f"{day}{comma} {date}" for day, comma, date in product(("%a", "%A"), (",", ""), _NAMED)),
    *("%Y%m%d", "%Y-%m", "%m/%Y", "%Y/%m", "%Y-%j"),
)
_JOINTS: Final = (" ", "T", ", ", ":", "_")
_CLOCKS: Final = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S,%f", "%H.%M", "%H.%M.%S", "%H"),
    *("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%I %p", "%H%M", "%H%M%S"),
)
_ZONES: Final = ("", "%z", " %z", " %Z")
_WHOLE: Final = (
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Y %z", "%a %b %d %H:%M:%S %z %Y"),
    *("%a %b %d %H:%M:%S %Z %Y", "%H:%M %d.%m.%Y", "%H:%M:%S %d.%m.%Y"),
    *("%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m", "%Y"),
)


def formats_of(text: str) -> list[str]:
    """List the formats that a text is in.

    Examples
    --------
    >>> formats_of("31/01/2026 08:30"), formats_of("Jan 31, 2026 8:30 PM")
    (['%d/%m/%Y %H:%M'], ['%b %d, %Y %I:%M %p'])
    >>> formats_of("01.02.2026"), formats_of("soon")
    (['%d.%m.%Y', '%m.%d.%Y'], [])
    """
    text = text.strip()
    dates = [date for date in _DATES if _regex(date).match(text)]
    found = [form for form in (*_WHOLE, *dates) if _regex(form).fullmatch(text)]
    if found:
        return found
    clocks = [f"{joint}{clock}{zone}" for joint, clock, zone in product(_JOINTS, _CLOCKS, _ZONES)]
    return [
        date + clock
        for date in dates
        for clock in clocks
        if _regex(clock, behind=True).search(text) and _regex(date + clock).fullmatch(text)
    ]


@cache
def _regex(form: str, *, behind: bool = False) -> re.Pattern[str]:
    exact = {"j": r"\d{3}"}  # else a month would be one
    text = "".join(f"(?:{exact.get(name, what)})" for name, what in pieces_of(form))
    return re.compile(text + ("$" if behind else ""))
