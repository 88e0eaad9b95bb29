"""Formats of times, in the directives of ``strptime``: which there are, and what each matches."""

from __future__ import annotations

import re
from typing import Final

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""First letters of the English months, in order."""

_LONG_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT_DAYS: Final = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"

DIRECTIVES: Final = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"1[0-2]|0?[1-9]",
    "d": r"3[01]|[12]\d|0?[1-9]| [1-9]",
    "j": r"36[0-6]|3[0-5]\d|[12]\d\d|0?[1-9]\d|0{0,2}[1-9]",
    "b": "(?i:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)\\.?",
    "B": f"(?i:{_LONG_MONTHS})",
    "a": f"(?i:{_SHORT_DAYS})",
    "A": "(?i:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
    "H": r"2[0-3]|[01]\d|\d",
    "I": r"1[0-2]|0?[1-9]",
    "M": r"[0-5]\d|\d",
    "S": r"[0-5]\d|\d",
    "f": r"\d{1,9}",
    "p": r"(?i:[ap]\.?m\.?)",
    "z": r"Z|z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?",
    "Z": r"(?i:UTC|GMT|Z)",
}
"""Directives without the percent sign, and the expression each matches."""

SHORTHANDS: Final = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "e": "%d"}
"""Directives that stand for several."""

_HOUR_ONLY_WITH: Final = (("I", "p"), ("p", "I"))


def pieces_of(text: str) -> list[tuple[str, str]]:
    r"""Take a format apart.

    Returns
    -------
    list of (str, str)
        Directive and what it matches; an empty directive for what stands between them.

    Raises
    ------
    ValueError
        If it is no format, with what is wrong, a colon and the remedy.

    Examples
    --------
    >>> pieces_of("%d.%Y")
    [('d', '...'), ('', '...'), ('Y', '...')]
    """
    for short, long in SHORTHANDS.items():
        text = re.sub(rf"(?<!%)((?:%%)*)%{short}", rf"\g<1>{long}", text)
    found: list[tuple[str, str]] = []
    for piece in re.findall(r"%.|%$|\s+|[^%\s]+", text, re.DOTALL):
        if piece.isspace():
            found.append(("", r"\s+"))
        elif piece == "%%" or piece[0] != "%":
            found.append(("", re.escape(piece.replace("%%", "%"))))
        elif piece[1:] not in DIRECTIVES:
            known = ", ".join(f"%{name}" for name in (*DIRECTIVES, *SHORTHANDS))
            remedy = "for numbers write unit: s" if piece == "%s" else f"the directives are {known}"
            raise ValueError(f"has the directive {piece}, which is not known: {remedy}")
        else:
            found.append((piece[1:], DIRECTIVES[piece[1:]]))
    return found


def check_format(text: str) -> None:
    """Refuse a format that cannot give a point in time.

    Raises
    ------
    ValueError
        With what is wrong, a colon and the remedy.

    Examples
    --------
    >>> check_format("%d.%m. %H:%M")
    Traceback (most recent call last):
    ...
    ValueError: has no year: write for example %d.%m.%Y %H:%M
    """
    names = [name for name, _ in pieces_of(text) if name]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"has %{twice} more than once: name each part of the time once")
    if not {"Y", "y"} & set(names):
        raise ValueError("has no year: write for example %d.%m.%Y %H:%M")
    for pair in (("Y", "y"), ("b", "B"), ("m", "b"), ("m", "B"), ("H", "I")):
        if {*pair} <= set(names):
            raise ValueError(f"has both %{pair[0]} and %{pair[1]}: name each part of the time once")
    months = {"m", "b", "B"} & set(names)
    if "d" in names and not months:
        raise ValueError("has a day and no month: add %m, or write %j for the day of the year")
    if "j" in names and (months or "d" in names):
        raise ValueError("has a day of the year beside a month or day: keep one of the two")
    for name, other in _HOUR_ONLY_WITH:
        if name in names and other not in names:
            raise ValueError(f"has %{name} without %{other}: write %I:%M %p, or %H:%M for 24 hours")
