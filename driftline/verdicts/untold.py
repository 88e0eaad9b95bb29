"""Why nothing can be told of the results of a run."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from driftline.tables import Status

if TYPE_CHECKING:
    from collections.abc import Collection


class Lack(Enum):
    """What a run lacks of which no result can be told."""

    RESULTS = "results"
    REFERENCE_WINDOWS = "reference windows"
    BASELINE = "a baseline"
    DATA = "data"
    ROWS = "rows"
    ENOUGH_DATA = "enough data"


_ONLY = {Status.NO_BASELINE: Lack.BASELINE, Status.NO_DATA: Lack.DATA, Status.INSUFFICIENT: Lack.ROWS}


def lacking(statuses: Collection[str], *, told: bool) -> Lack | None:
    """Decide whether silence means that nothing drifted, or that nothing can be told.

    Parameters
    ----------
    statuses : collection of str
        Those that results have, as in a result row.
    told : bool
        Whether of any result it can be told if it is drifted.

    Returns
    -------
    Lack or None
        None if silence means that nothing drifted. A result whose status is ``ok`` and of which it still
        cannot be told lacks reference windows: that goes first, because more data to judge does not help.

    Examples
    --------
    >>> lacking(["ok", "partial"], told=True)
    >>> lacking(["ok", "partial"], told=False), lacking(["insufficient"], told=False)
    (<Lack.REFERENCE_WINDOWS: 'reference windows'>, <Lack.ROWS: 'rows'>)
    """
    if told:
        return None
    found = {Status(status) for status in statuses}
    if not found:
        return Lack.RESULTS
    if Status.OK in found:
        return Lack.REFERENCE_WINDOWS
    return _ONLY.get(found.pop(), Lack.ENOUGH_DATA) if len(found) == 1 else Lack.ENOUGH_DATA
