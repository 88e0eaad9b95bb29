"""Events of excluded spans are dropped, and counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from driftline.transforms.counters import EXCLUDED, TALLY
from driftline.transforms.spine.leave_out import LeaveOut


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(3, 5)], [0, 1, 2, 5, 6, 7, 8, 9]),
        ([(3, 5), (4, 8)], [0, 1, 2, 8, 9]),
        ([(-9, 0), (10, 99)], list(range(10))),
        ([(0, 10)], None),
    ],
)
def test_a_span_begins_with_its_first_moment_and_ends_before_its_last(spans, kept):
    batch = pa.record_batch({"time": np.arange(10), "feature.x": np.arange(10.0)})
    TALLY.clear()
    found = list(LeaveOut(spans).process(batch))
    assert TALLY.snapshot().get(EXCLUDED, 0) == 10 - len(kept or [])
    assert [each["feature.x"].to_pylist() for each in found] == ([kept] if kept else [])
