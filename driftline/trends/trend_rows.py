"""Rows of the table `trends`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from driftline.schemas.time_range import MAX_TIME, MIN_TIME
from driftline.tables.trends import TABLE, TREND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline.baseline import Baseline
    from driftline.trends.advance_trends import Trend


def trend_batch(
    trends: Iterable[Trend], *, baseline: Baseline, segment: str, limit: float, emitted_at: int
) -> Any:
    """Make a batch of the schema `TREND`.

    Parameters
    ----------
    baseline
        What the windows were compared with.
    limit
        Largest p-value that raises an alarm.
    emitted_at
        Now, microseconds since the epoch, UTC.
    """
    rows = []
    for trend in trends:
        start, end = max(trend.start, MIN_TIME), min(trend.start + baseline.size, MAX_TIME)
        rows.append(
            {
                "row_id": TABLE.row_id(baseline.model, segment, trend.feature, start, end),
                "model": baseline.model,
                "segment": segment,
                "feature": trend.feature,
                "window_start": start,
                "window_end": end,
                "statistic": trend.statistic,
                "windows": trend.windows,
                "since": max(trend.since, MIN_TIME),
                "p_value": trend.p_value,
                "limit": limit,
                "alarm": trend.alarm_since is not None,
                "alarm_since": trend.alarm_since,
                "change": trend.change,
                "baseline_version": baseline.version,
                "emitted_at": emitted_at,
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=TREND.arrow)
