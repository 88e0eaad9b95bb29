"""Why trends are not followed, for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.performance.performance_measure import PART
from driftline.statistics.null import ACTED_ON
from driftline.trends.reference_runs import features_followed

if TYPE_CHECKING:
    from driftline.baseline import Baseline


def trend_remarks(baseline: Baseline, path: str) -> list[str]:
    """Say what is missing in the table `trends`, and what to do.

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
    if baseline.windows < ACTED_ON:
        return []
    if not features_followed(baseline):
        remark = (
            f"note: no trends are followed: {path} does not say how its windows follow each other; "
            "`driftline baseline CONFIG --refit` adds that without reading events"
        )
        return [remark]
    nulls = [entry.null for entry in baseline.of_part(PART.name).values() if entry.null is not None]
    if not nulls or any(null.runs is not None for null in nulls):
        return []
    remark = (
        f"note: the performance is not followed: {path} does not say how the outcomes of its windows follow "
        "each other; build it again with `driftline baseline`"
    )
    return [remark]
