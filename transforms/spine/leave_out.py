"""Leave events of some spans of time out of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import pyarrow as pa

from driftline.transforms.counters import EXCLUDED, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class LeaveOut(beam.DoFn):
    """Drop the events of spans, and count them.

    Parameters
    ----------
    spans
        First moment and first one behind it, microseconds since the epoch.
    """

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = tuple(spans)

    def process(self, events: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Keep the others of a batch."""
        times = events["time"].to_numpy()
        inside = np.zeros(len(times), bool)
        for begin, end in self._spans:
            inside |= (times >= begin) & (times < end)
        if not inside.any():
            yield events
            return
        count(EXCLUDED, int(inside.sum()))
        if not inside.all():
            yield events.filter(pa.array(~inside))
