"""From when to when the events of a reference are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from driftline.decoding.guessed_times import EARLIEST, latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

#: events, those before 1990 or far ahead, first and last event time in microseconds
Range = tuple[int, int, int, int]


class TimeRange(beam.CombineFn):
    """Count events, and those whose time is hard to believe."""

    def create_accumulator(self) -> Range:
        """Begin with none."""
        return 0, 0, 0, 0

    def add_input(self, mutable_accumulator: Range, element: pa.RecordBatch) -> Range:
        """Take in a batch of events."""
        times = element.column("time").to_numpy()
        if not len(times):
            return mutable_accumulator
        odd = int(((times < EARLIEST) | (times > latest())).sum())
        return self.merge_accumulators(
            (mutable_accumulator, (len(times), odd, int(times.min()), int(times.max())))
        )

    def merge_accumulators(self, accumulators: Iterable[Range]) -> Range:
        """Add up, and keep the ends."""
        there = [accumulator for accumulator in accumulators if accumulator[0]]
        if not there:
            return self.create_accumulator()
        count, odd, first, last = zip(*there, strict=True)
        return sum(count), sum(odd), min(first), max(last)

    def extract_output(self, accumulator: Range) -> Range:
        """Give the counts and the ends."""
        return accumulator

    def get_accumulator_coder(self) -> beam.coders.Coder:
        """Write four numbers."""
        return beam.coders.TupleCoder((beam.coders.VarIntCoder(),) * 4)
