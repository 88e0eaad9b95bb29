"""Why no trends are followed, for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.statistics.null import ACTED_ON
from driftline.trends.reference_runs import features_followed

if TYPE_CHECKING:
    from driftline.baseline import Baseline


def trend_remarks(baseline: Baseline, path: str) -> list[str]:
    """Say that the table `trends` stays empty, and what to do.

    Parameters
    ----------
    path
        Of the baseline.

    Returns
    -------
    list of str
        Empty where something is followed, and where there are too few windows for any decision, which is said
        when the baseline is built.
    """
    if baseline.windows < ACTED_ON or features_followed(baseline):
        return []
    remark = (
        f"note: no trends are followed: {path} does not say how its windows follow each other; "
        "`driftline baseline CONFIG --refit` adds that without reading events"
    )
    return [remark]
