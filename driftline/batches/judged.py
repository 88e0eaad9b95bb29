"""A batch in memory, judged against a baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.judging import judge, settle_window
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.tables import RESULT, Calibration

if TYPE_CHECKING:
    from driftline.baseline import Baseline
    from driftline.config import Tests

Revision = Callable[[pa.RecordBatch, Any, Any], tuple[Any, Calibration]]
"""From the rows of a part, the part and its profile to p-values and what they rest on."""

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
    revised: Revision | None = None,
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
    revised
        What gives p-values and says what they rest on, in place of the nulls of the baseline.

    Returns
    -------
    pyarrow.Table
        Result rows of the segment, one a feature.
    """
    batches: list[pa.RecordBatch] = []
    for part in profile_events(events, baseline.layout, None, WHOLE):
        profile, of = decode_profile(part.profile), baseline.layout.part(part.part)
        rows = judge(
            profile,
            segment,
            of,
            window,
            baseline=baseline,
            min_n=tests.min_n,
            timed=timed,
        )["results"]
        batches.append(rows if revised is None else _with(rows, *revised(rows, of, profile)))
    settled = settle_window(batches, window, 1.0, baseline, tests, emitted_at=0)
    return settled.rows.filter(pc.equal(settled.rows["segment"], segment))


def as_if_independent(rows: pa.RecordBatch, part: Any, profile: Any) -> tuple[Any, Calibration]:  # noqa: ARG001
    """Judge by the iid p-value: without windows there is nothing to calibrate on."""
    return rows["p_iid"], Calibration.INDEPENDENT


def _with(rows: pa.RecordBatch, p_values: Any, calibration: Calibration) -> pa.RecordBatch:
    at = rows.schema.get_field_index("p_value")
    rows = rows.set_column(at, RESULT.arrow.field(at), p_values)
    at = rows.schema.get_field_index("calibration")
    return rows.set_column(at, RESULT.arrow.field(at), pa.repeat(calibration.value, len(rows)))
