"""Read a feature log from Kafka, as a stream or to its present end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import orjson
import pyarrow as pa

import driftline.transforms.coders  # noqa: F401  # batches travel as Arrow IPC
from driftline.transforms.sources.dead_letter_rows import DEAD_LETTERS
from driftline.transforms.sources.kafka.discover import DiscoverPartitions
from driftline.transforms.sources.kafka.partition import Partition  # noqa: TC001  # a dataclass that Beam looks into
from driftline.transforms.sources.kafka.read_partition import (
    PartitionReading,
    ReadStream,
    ReadStreamInProcess,
    ReadToEnd,
)
from driftline.transforms.sources.source import ReadOutputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.config.kafka import KafkaSource


@dataclass
class ReadKafka(beam.PTransform):
    """Read partitions, one reader each.

    Parameters
    ----------
    partitions
        Where to begin, and for bounded reading where to end.
    bounded
        Whether to stop at the partitions' stops.
    in_process
        Whether a stream is read by this process, on the local runner.
    """

    source: KafkaSource
    partitions: Sequence[Partition]
    reading: PartitionReading
    bounded: bool
    in_process: bool = False

    def describe(self) -> str:
        """Count the partitions, and name the topics."""
        topics = sorted({partition.topic for partition in self.partitions}) or ["none so far"]
        return f"{len(self.partitions)} partitions of {', '.join(topics)}"

    def expand(self, root: Any) -> ReadOutputs:
        """Hand out partitions, read and decode them."""
        if self.bounded:
            partitions = (
                root
                | "Partitions" >> beam.Create([partition.to_bytes() for partition in self.partitions])
                | "Spread" >> beam.Reshuffle()
            )
            read: beam.DoFn = ReadToEnd(self.reading)
        else:
            first = [orjson.loads(partition.to_bytes()) for partition in self.partitions]
            late, calendar = self.reading.late.allowed_lateness, self.reading.schema.calendar
            partitions = (
                root
                | "Start" >> beam.Create([orjson.dumps(first)], reshuffle=False)
                | "DiscoverPartitions"
                >> beam.ParDo(DiscoverPartitions(self.source, late, calendar)).with_output_types(bytes)
            )
            if self.in_process:
                names = [partition.name for partition in self.partitions]
                read = ReadStreamInProcess(self.reading, names)
            else:
                read = ReadStream(self.reading)
        outputs = partitions | "ReadPartitions" >> beam.ParDo(read).with_output_types(
            pa.RecordBatch
        ).with_outputs(DEAD_LETTERS, main="events")
        return ReadOutputs(outputs.events, outputs[DEAD_LETTERS])
