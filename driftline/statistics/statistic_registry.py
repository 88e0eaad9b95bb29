"""The statistics by kind of feature."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from driftline.schemas.statistic_columns import STATISTICS

if TYPE_CHECKING:
    from driftline.statistics.statistic import Statistic


@cache
def statistics_of(kind: str) -> tuple[Statistic, ...]:
    """List the statistics of a kind of feature.

    Returns
    -------
    tuple of Statistic
        Ours first.
    """
    return tuple(each for each in STATISTICS.load_all().values() if each.kind == kind)
