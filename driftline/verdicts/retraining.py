"""Whether retraining would pay, by what a learner beside the model shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class GapChange:
    """A detector found that the learning gap of a segment changed.

    Parameters
    ----------
    before, after : float
        Mean of the model's loss minus the learner's; NaN if the detector does not say.
    """

    segment: str
    before: float
    after: float


def retraining_pays(newest_first: Sequence[GapChange]) -> int | None:
    """Find where a model that learns from the newest labels gains on the one in use.

    The level of the gap says little, because the learner is a simple one: that it grows does.

    Parameters
    ----------
    newest_first : sequence of GapChange
        By when they were known. Of a segment only the newest counts: one before it may be over.

    Returns
    -------
    int or None
        Position of the newest that is a rise.

    Examples
    --------
    >>> retraining_pays([GapChange("*", 0.1, 0.0), GapChange("carrier=UA", -0.2, -0.1)])
    1
    """
    seen: set[str] = set()
    for position, each in enumerate(newest_first):
        if each.segment not in seen and each.after > each.before:
            return position
        seen.add(each.segment)
    return None
