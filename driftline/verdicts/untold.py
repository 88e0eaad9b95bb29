"""Why nothing can be told of the inputs, or of the model, of a run."""

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


class ModelLack(Enum):
    """What a run lacks by which it could be told whether the model is still right."""

    ROWS = "performance rows"
    LABELS = "labels"
    REFERENCE = "outcomes of the reference"
    REFERENCE_WINDOWS = "windows of the reference"
    ENOUGH_LABELS = "enough labels in a window"


def lacking_of_model(
    *, rows: bool, labelled: bool, reference: bool, judged: bool, tested: bool, watched: bool
) -> ModelLack | None:
    """Decide whether silence on the model's error means that it holds, or that nothing can be told.

    Parameters
    ----------
    rows : bool
        Whether there is any performance row.
    labelled, judged : bool
        Whether any window has a label, and whether any has enough.
    reference : bool
        Whether the mean loss of the reference is known.
    tested : bool
        Whether any window has a calibrated p-value.
    watched : bool
        Whether detectors watch: then windows need no p-value.

    Returns
    -------
    ModelLack or None
        The first thing that is lacking; None if silence means that the model holds.

    Examples
    --------
    >>> everything = dict.fromkeys(("rows", "labelled", "reference", "judged", "tested"), True)
    >>> lacking_of_model(**everything, watched=False)
    >>> lacking_of_model(**everything | {"tested": False}, watched=False)
    <ModelLack.REFERENCE_WINDOWS: 'windows of the reference'>
    """
    if not rows:
        return ModelLack.ROWS
    if not labelled:
        return ModelLack.LABELS
    if not reference:
        return ModelLack.REFERENCE
    if not judged:
        return ModelLack.ENOUGH_LABELS
    return None if tested or watched else ModelLack.REFERENCE_WINDOWS
