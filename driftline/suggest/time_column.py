"""Which column says when a request happened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from driftline.arrays import flat
from driftline.decoding.guessed_times import TimeGuess, guess_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.suggest.facts import Facts

_NAMED: Final = re.compile(
    r"(^|_|\b)(event_?time|time_?stamp|date_?time|time|date|day|at|ts|when|created|logged|epoch|hour|period)(_|\b|$)"
)
_FIRST: Final = re.compile(r"^(event_?time|time_?stamp|date_?time|ts|at|date|time|created_at|request_time)$")
_OTHER: Final = re.compile(
    r"birth|dob|end|drop|updated|modified|expir|due|arriv|land|known|deliver|closed|label|until|valid"
)
_PARTS: Final = re.compile(
    r"^(year|yr|quarter|month|mnth|week|weekday|day|dow|day_of_week|dayofweek|hour|hr|minute|minutes)$"
)
_YEAR: Final = re.compile(r"^(year|yr)$")
_FIRST_YEAR, _LAST_YEAR = 1000, 2200
_MOST_MISSING: Final = 0.05


@dataclass(frozen=True)
class TimeColumn:
    """A column of times, and how it is read.

    Parameters
    ----------
    score
        How likely it is the event time; the highest is taken.
    """

    name: str
    guess: TimeGuess
    score: float


def time_columns(facts: Mapping[str, Facts], columns: Mapping[str, Any]) -> list[TimeColumn]:
    """List the columns that hold times, the likeliest event time first.

    Parameters
    ----------
    facts
        By name, in the order of the data.
    columns
        The values of each, as Arrow arrays.

    Examples
    --------
    >>> from driftline.suggest.facts import facts_of
    >>> table = {"n": pa.array([5, 7]), "when": pa.array(["2026-01-31", "2026-02-01"])}
    >>> found = time_columns({name: facts_of(name, column) for name, column in table.items()}, table)
    >>> [(each.name, each.guess.setting) for each in found]
    [('when', '')]
    """
    found = []
    for place, (name, fact) in enumerate(facts.items()):
        if not fact.known or pa.types.is_nested(fact.kind) or name != name.strip() or is_part(name):
            continue
        word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        named, first = bool(_NAMED.search(word)), bool(_FIRST.match(word))
        if fact.number and not named:
            continue  # an amount may well look like seconds since 1970
        guess = guess_times(columns[name])
        if guess is None:
            continue
        score = 2.0 * named + 3.0 * first - 3.0 * bool(_OTHER.search(word)) - 0.01 * place
        score += 1.0 if not fact.number else 0.0
        score -= 10.0 * (fact.known < (1 - _MOST_MISSING) * fact.rows) + 5.0 * (fact.distinct <= 1)
        found.append(TimeColumn(name, guess, score))
    return sorted(found, key=lambda each: -each.score) or _of_years(facts, columns)


def is_part(name: str) -> bool:
    """Tell whether a column is named as a part of a time, such as an hour."""
    return bool(_PARTS.match(name.lower()))


def _of_years(facts: Mapping[str, Facts], columns: Mapping[str, Any]) -> list[TimeColumn]:
    """Take a column of years or the like, where there is no better."""
    found = []
    for name, fact in facts.items():
        if not is_part(name) or fact.distinct < 2:
            continue
        guess = guess_times(columns[name])
        if guess is None and _YEAR.match(name.lower()) and fact.number:
            guess = _long_ago(columns[name])
        if guess is not None:
            found.append(TimeColumn(name, guess, 0.0))
    return found


def _long_ago(column: Any) -> TimeGuess | None:
    """Years of any century: elsewhere such numbers would be amounts, but the name says what they are."""
    years = flat(column).drop_null().cast(pa.float64(), safe=False).to_numpy()
    read = (years % 1 == 0) & (years >= _FIRST_YEAR) & (years <= _LAST_YEAR)
    return TimeGuess('format: "%Y"', 1.0) if read.all() else None
