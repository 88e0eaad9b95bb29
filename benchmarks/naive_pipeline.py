"""The pipeline one writes first: one element a feature value, sliding windows, one CombinePerKey.

It reads the same messages with fastavro, counts only the segments (not all traffic), keeps only count,
moments and a histogram, and compares with nothing: everything driftline does on top is left out in its
favour. Usage: naive_pipeline.py ROWS. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from io import BytesIO

import apache_beam as beam
import fastavro
from apache_beam.transforms.window import SlidingWindows, TimestampedValue
from apache_beam.utils.timestamp import Timestamp
from scenario import Messages, Scenario, Seconds

EDGES = [-2.5 + 5 * i / 62 for i in range(63)]


class Summary(beam.CombineFn):
    """Count, sum, sum of squares and 64 bins of one (segment, feature)."""

    def create_accumulator(self):
        """Nothing seen."""
        return [0, 0.0, 0.0, [0] * 64]

    def add_input(self, accumulator, value):
        """One value, or a null."""
        if value is not None:
            accumulator[0] += 1
            accumulator[1] += value
            accumulator[2] += value * value
            accumulator[3][bisect_right(EDGES, value)] += 1
        return accumulator

    def merge_accumulators(self, accumulators):
        """Sums of sums."""
        merged = self.create_accumulator()
        for count, total, squares, bins in accumulators:
            merged[0] += count
            merged[1] += total
            merged[2] += squares
            merged[3] = [a + b for a, b in zip(merged[3], bins, strict=True)]
        return merged

    def extract_output(self, accumulator):
        """Count, mean, variance, bins."""
        count, total, squares, bins = accumulator
        mean = total / max(count, 1)
        return count, mean, squares / max(count, 1) - mean * mean, bins


class Decode(beam.DoFn):
    """A message to a timestamped record."""

    def __init__(self, schema):
        """Keep the schema."""
        self._schema = schema

    def setup(self):
        """Parse the schema."""
        self._parsed = fastavro.parse_schema(self._schema)

    def process(self, message):
        """Decode one message."""
        record = fastavro.schemaless_reader(BytesIO(message), self._parsed, None)
        yield TimestampedValue(record, Timestamp.from_utc_datetime(record["event_time"]))


def explode(record, names):
    """One element a feature; done after the windows are assigned, which is the faster way round."""
    for name in names:
        yield (record["segment"], name), record[name]


def run(scenario, messages):
    """Wall and CPU seconds of one run."""
    start = Seconds()
    with beam.Pipeline("FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(messages)
            | beam.ParDo(Decode(scenario.schema))
            | beam.WindowInto(SlidingWindows(1800, 900))
            | beam.FlatMap(explode, scenario.names)
            | beam.CombinePerKey(Summary())
            | beam.combiners.Count.Globally().without_defaults()
        )
    return start.spent()


def main(rows):
    """Measure a tiny run, then the real one."""
    scenario = Scenario()
    stored = Messages(scenario)
    messages = stored.read(0)[:rows]
    messages = [m for batch in range(-(-rows // len(messages))) for m in stored.read(batch)][:rows]
    startup, whole = run(scenario, messages[:10]), run(scenario, messages)
    print(json.dumps({"rows": len(messages), "startup_s": startup, "run_s": whole}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
