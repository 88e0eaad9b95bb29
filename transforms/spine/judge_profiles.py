"""Compare the profiles of windows with the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam

from driftline.judging import judge
from driftline.judging.window_rows import WindowRows
from driftline.measures.measure_registry import decode_profile, measure_of
from driftline.profiles.coverage import Coverage
from driftline.segments import ALL
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.counters import UNJUDGED, count
from driftline.transforms.spine.parts import COVERAGE, split_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.transforms.spine.baseline_source import BaselineSource
    from driftline.transforms.spine.merge_windows import WindowKey as ProfileKey

RESULTS: Final = "results"
"""The table whose rows are decided window by window."""

#: (model, window start, window end, fingerprint of the profiles), times in microseconds
WindowKey = tuple[str, int, int, str]


class JudgeProfiles(beam.DoFn):
    """Turn a window's profile into judged rows.

    Result rows are keyed by the window they belong to, which is settled as a whole. Rows of other tables go
    to the output `ROWS`, each encoded batch with the name of its table, and are done.
    """

    ROWS = "rows"

    def __init__(self, baseline: BaselineSource, min_n: int) -> None:
        self._source = baseline
        self._min_n = min_n

    def setup(self) -> None:
        """Read the baseline."""
        self._source.get()

    def start_bundle(self) -> None:
        """Look for a new version."""
        self._source.refresh()

    def process(self, element: tuple[ProfileKey, bytes]) -> Iterator[Any]:
        """Judge one profile."""
        (segment, part, start, end), data = element
        name, fingerprint = split_part(part)
        baseline = self._source.of_layout(fingerprint)
        if baseline is None:
            if name != COVERAGE and segment == ALL:
                count(UNJUDGED, measure_of(data).rows(data))
            return
        key = (baseline.model, start, end, fingerprint)
        if name == COVERAGE:
            yield key, WindowRows(coverage=Coverage.from_bytes(data)).to_bytes()
            return
        found = judge(
            decode_profile(data),
            segment,
            baseline.layout.part(name),
            (start, end),
            baseline=baseline,
            min_n=self._min_n,
        )
        for table, rows in found.items():
            if table == RESULTS:
                yield key, WindowRows(batches=(rows,)).to_bytes()
            else:
                # as bytes: the type of a tagged output is not known, and what is not known is pickled
                yield beam.pvalue.TaggedOutput(self.ROWS, (table, RecordBatchCoder().encode(rows)))
