"""What a job counts, as Beam gives it back."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.metrics import MetricsFilter

from driftline.transforms.counters import BYTES, DUPLICATES, NAMESPACE, count, counts_of, distribution


def _measure(value):
    distribution("delay_ms", value)
    count(BYTES, value)
    count(DUPLICATES)


def test_counters_and_distributions_reach_the_runner():
    pipeline = beam.Pipeline("FnApiRunner")
    _ = pipeline | beam.Create([3, 5, 11]) | beam.Map(_measure)
    result = pipeline.run()
    result.wait_until_finish()
    [found] = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["distributions"]
    assert found.key.metric.name == "delay_ms"
    assert (found.result.count, found.result.sum, found.result.min, found.result.max) == (3, 19, 3, 11)
    sums = {"delay_ms_sum": 19, "delay_ms_count": 3}
    assert counts_of(result) == {"bytes": 19, "duplicates": 3} | sums
