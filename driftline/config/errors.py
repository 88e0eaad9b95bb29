"""What is said about mistakes in a configuration or on the command line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Parameters
    ----------
    where : str
        Key path (``windows.size``), option (``--input``) or empty for the file as a whole.
    message : str
        What is wrong, as the end of a sentence that begins with the key: "is missing".
    value : str
        The value as written in the file, or empty where there is none to show. A value from the
        environment is its ``${NAME}``.
    line : int or None
        Line in the file, from 1.
    """

    where: str
    message: str
    remedy: str
    value: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """Key, value and line; then what is wrong; then what to do."""
        head = self.where + (f": {self.value}" if self.value else "") if self.where else self.value
        place = f"line {self.line}" if self.line is not None else ""
        head = f"{head} ({place})" if head and place else head or place
        lines = (
            [head, f"    {self.message}", f"    -> {self.remedy}"]
            if head
            else [self.message, f"  -> {self.remedy}"]
        )
        return "\n".join(f"  {line}" for line in lines)


class ConfigError(Exception):
    """Mistakes of the user; ``str()`` is the message to print.

    Parameters
    ----------
    name : str
        The file, or ``command line``.
    problems : iterable of Problem
        Every mistake found, in the order of the file.

    Examples
    --------
    >>> print(ConfigError("drift.yaml", [Problem("model", "is missing", "add `model: flights`")]))
    drift.yaml: 1 problem
      model
          is missing
          -> add `model: flights`
    """

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__(name, self.problems)

    def __str__(self) -> str:
        """All problems, ready to print."""
        count = len(self.problems)
        title = f"{self.name}: {count} problem{'s' if count != 1 else ''}"
        return "\n".join([title, *(str(problem) for problem in self.problems)])


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that was probably meant.

    Examples
    --------
    >>> did_you_mean("Segment", ["segments", "sinks"])
    'segments'
    """
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def counted(number: int, noun: str) -> str:
    """Write a number before what it counts, which is not inflected.

    Examples
    --------
    >>> counted(18_000, "invalid_event_time")
    '18,000 invalid_event_time'
    """
    return f"{number:,} {noun}"
