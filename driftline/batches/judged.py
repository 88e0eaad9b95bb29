"""A batch in memory, judged against a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from driftline.judging import judge, settle_window
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.tables import RESULT, Calibration

if TYPE_CHECKING:
    from driftline.baseline import Baseline
    from driftline.config import Tests

WHOLE = 1 << 50
"""Longer than any slice index times one microsecond: everything is one slice."""


def judge_batch(
    events: pa.Table,
    baseline: Baseline,
    tests: Tests,
    *,
    segment: str,
    window: tuple[int, int] = (0, WHOLE),
    timed: bool = False,
    independent: bool = False,
) -> pa.Table:
    """Judge events as one window.

    Parameters
    ----------
    events
        Normalised events with every feature of the baseline, all of one time.
    window
        Start and end, microseconds, as the rows are to say.
    timed
        Whether the window is of time.
    independent
        Whether p-values are to be those of independent rows.

    Returns
    -------
    pyarrow.Table
        Result rows of the segment, one a feature.
    """
    batches: list[pa.RecordBatch] = []
    for part in profile_events(events, baseline.layout, None, WHOLE):
        rows = judge(
            decode_profile(part.profile),
            segment,
            baseline.layout.part(part.part),
            window,
            baseline=baseline,
            min_n=tests.min_n,
            timed=timed,
        )["results"]
        batches.append(_as_if_independent(rows) if independent else rows)
    settled = settle_window(batches, window, 1.0, baseline, tests, emitted_at=0)
    return settled.rows.filter(pa.compute.equal(settled.rows["segment"], segment))


def _as_if_independent(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Judge by the iid p-value: without windows there is nothing to calibrate on."""
    rows = rows.set_column(
        rows.schema.get_field_index("p_value"), RESULT.arrow.field("p_value"), rows["p_iid"]
    )
    at = rows.schema.get_field_index("calibration")
    return rows.set_column(at, RESULT.arrow.field(at), pa.repeat(Calibration.INDEPENDENT.value, len(rows)))
