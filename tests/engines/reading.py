"""Drive the readers of partitions as a runner would, against a real broker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import apache_beam as beam

from driftline.config import parse_config
from driftline.pipelines.configured_sources import event_reader
from driftline.transforms.counters import TALLY
from driftline.transforms.sources.kafka.offset_tracker import (
    MicrosecondWatermark,
    OffsetTracker,
    PartitionOffsets,
)
from driftline.transforms.sources.kafka.partition import OffsetSpan
from driftline.transforms.sources.kafka.read_partition import ReadStream, ReadToEnd

CONFIG = """
model: m
event_time: {column: at, unit: ms}
request_id: id
features: {x: numeric}
windows: {size: 60s, every: 30s, allowed_lateness: 30s}
source: {kafka: {brokers: ["%s"], %s}}
baseline: {path: baseline.avro}
"""


def config_of(broker, keys, text=CONFIG):
    """A configuration of the Kafka keys written as YAML."""
    bootstrap = broker if isinstance(broker, str) else broker.bootstrap
    return parse_config(text % (bootstrap, keys), environ={})


@dataclass
class Driven:
    """A partition that is read bundle by bundle; every bundle's end is a checkpoint."""

    dofn: beam.DoFn
    element: bytes
    span: bytes
    watermark: MicrosecondWatermark
    events: list = field(default_factory=list)
    dead_letters: list = field(default_factory=list)
    ended: bool = False

    def bundle(self):
        """One call of process; gives the rows it put out."""
        tracker = OffsetTracker(self.span)
        view = _View(tracker)
        rows = 0
        arguments = {"tracker": view}
        if isinstance(self.dofn, ReadStream):
            arguments |= {"watermark": self.watermark, "finalizer": _NoFinalizer()}
        for output in self.dofn.process(self.element, **arguments):
            if isinstance(output, beam.pvalue.TaggedOutput):
                self.dead_letters += output.value.to_pylist()
                continue
            batch = output.value if isinstance(output, beam.window.TimestampedValue) else output
            self.events += batch.to_pylist()
            rows += batch.num_rows
        tracker.check_done()
        self.ended = view.residual is None
        self.span = view.residual
        return rows

    @property
    def position(self):
        """The offset to go on from."""
        return OffsetSpan.from_bytes(self.span).start

    def until(self, condition, seconds=45):
        """Read bundles until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {self}"
            assert not self.ended, "the partition ended"
            self.bundle()
            time.sleep(0.02)


class _View:
    def __init__(self, tracker):
        self._tracker, self.residual = tracker, None

    def current_restriction(self):
        return self._tracker.current_restriction()

    def try_claim(self, position):
        return self._tracker.try_claim(position)

    def defer_remainder(self, _delay):
        _, self.residual = self._tracker.try_split(0)


class _NoFinalizer:
    def register(self, callback):
        callback()


def driven(config, *, bounded=False):
    """The partitions of a configuration's source, ready to be read."""
    TALLY.clear()
    reader = event_reader(config, bounded=bounded)
    dofn = (ReadToEnd if bounded else ReadStream)(reader.reading)
    dofn.setup()
    elements = [partition.to_bytes() for partition in reader.partitions]
    return [
        Driven(dofn, element, PartitionOffsets().initial_restriction(element), MicrosecondWatermark(None))
        for element in elements
    ]


def counts():
    """What this process has counted since the partitions were made."""
    return TALLY.snapshot()
