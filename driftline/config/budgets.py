"""Budgets of false alarms as people write them: ``1 per quarter``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from driftline.config.durations import MICROSECONDS

_DAYS: Final = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
_BUDGET: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s+per\s+([a-z]+)")
_REMEDY: Final = f"write a number and a time, such as 1 per quarter; times are {', '.join(_DAYS)}"


@dataclass(frozen=True)
class AlarmBudget:
    """How many alarms a model may raise while nothing has changed.

    Parameters
    ----------
    alarms : float
        Alarms, more than 0 ...
    per : str
        ... in a ``day``, ``week``, ``month``, ``quarter`` or ``year``.

    Examples
    --------
    >>> budget = AlarmBudget.parse("2 per week")
    >>> budget.in_time(86_400_000_000) == 2 / 7
    True
    """

    alarms: float
    per: str

    @classmethod
    def parse(cls, text: str) -> AlarmBudget:
        """Read a budget.

        Raises
        ------
        ValueError
            If the text is none. The message does not repeat it.
        """
        match = _BUDGET.fullmatch(text.strip().lower())
        if match is None or match[2] not in _DAYS:
            raise ValueError(f"is no budget of alarms: {_REMEDY}")
        if float(match[1]) <= 0:
            raise ValueError("allows no alarm at all, and then none could ever be told: " + _REMEDY)
        return cls(float(match[1]), match[2])

    def in_time(self, microseconds: float) -> float:
        """Give the expected number of alarms in so much event time."""
        return self.alarms * microseconds / (_DAYS[self.per] * MICROSECONDS["d"])

    def __str__(self) -> str:
        """Write it as `parse` reads it."""
        return f"{self.alarms:g} per {self.per}"
