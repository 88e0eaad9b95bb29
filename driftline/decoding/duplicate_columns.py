"""Columns that are there more than once: nobody can say which is meant."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class DuplicateColumnError(ValueError):
    """A configured column is there more than once; its message names it."""


def duplicates(names: Iterable[str], wanted: Collection[str | None]) -> dict[str, str]:
    """Find the wanted columns that are there more than once, and say so of each.

    Examples
    --------
    >>> duplicates(["at", "x", "x", "y", "y"], ["at", "x"])
    {'x': "column 'x' is there 2 times; rename or drop all but one"}
    """
    return {
        name: f"column {name!r} is there {number} times; rename or drop all but one"
        for name, number in Counter(names).items()
        if number > 1 and name in wanted
    }


def check_single(names: Iterable[str], wanted: Collection[str | None]) -> None:
    """Refuse names of columns among which a wanted one is there more than once.

    Raises
    ------
    DuplicateColumnError
        If there is one.

    Examples
    --------
    >>> check_single(["at", "x", "x"], ["at", "x"])
    Traceback (most recent call last):
        ...
    driftline.decoding.duplicate_columns.DuplicateColumnError: column 'x' is there 2 times; ...
    """
    for said in duplicates(names, wanted).values():
        raise DuplicateColumnError(said)
