"""What every sink counts: rows that are safely written, and how long after its window the first was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.transforms.counters import count, distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITTEN: Final = "written"
SINK_DELAY: Final = "sink_delay_ms"


def closed_windows(batch: pa.RecordBatch) -> list[int]:
    """Ends of the windows whose first results these are; late ones come late by nature.

    Parameters
    ----------
    batch
        Rows of any schema.

    Returns
    -------
    list of int
        Milliseconds since the epoch, each window once; none for rows without a window.
    """
    names = batch.schema.names
    if "window_end" not in names or not batch.num_rows:
        return []
    ends = batch.column("window_end").cast(pa.int64())
    if "pane" in names:
        ends = ends.filter(pc.equal(batch.column("pane"), "on_time"))
    return [end // 1000 for end in pc.unique(ends).to_pylist()]


def count_written(rows: int, ends: Sequence[int]) -> None:
    """Count rows once a sink has them for good.

    Parameters
    ----------
    ends
        From `closed_windows`.
    """
    now = time.time_ns() // 1_000_000
    for end in ends:
        distribution(SINK_DELAY, now - end)
    count(WRITTEN, rows)
