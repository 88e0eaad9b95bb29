"""A source without a server: elements that tick for ever and write down where and when."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.metrics import Metrics
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration

from driftline.transforms.sources.kafka.assignment import salted

if TYPE_CHECKING:
    from pathlib import Path


class Tick(NamedTuple):
    """One line of the diary."""

    what: str
    element: int
    offset: int
    pid: int


class Ticks(RestrictionProvider):
    """Offsets without an end."""

    def initial_restriction(self, element):
        return OffsetRange(0, 2**40)

    def create_tracker(self, restriction):
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, element, restriction):
        return 1

    def truncate(self, element, restriction):
        return None


TRACKER = beam.DoFn.RestrictionParam(Ticks())


class Ticking(beam.DoFn):
    """Claims one offset five times a second and writes it down, and again when its bundle is finalized."""

    def __init__(self, diary: Path):
        self.diary = diary

    def process(self, element, finalizer=beam.DoFn.BundleFinalizerParam, tracker=TRACKER):
        number, offset = json.loads(element), tracker.current_restriction().start
        if tracker.try_claim(offset):
            self.write("read", number, offset)
            finalizer.register(lambda: self.write("finalized", number, offset))
            Metrics.counter("driftline", "ticks").inc()
            yield number
            tracker.defer_remainder(Duration(0.2))

    def write(self, *what):
        with self.diary.open("a") as diary:
            diary.write(" ".join(str(each) for each in (*what, os.getpid())) + "\n")


def tick(root: beam.Pipeline, diary: Path, elements: int) -> None:
    """Let so many elements tick."""
    numbers = [salted(json.dumps(number).encode(), number) for number in range(elements)]
    _ = (
        root
        | beam.Impulse()
        | "Elements" >> beam.FlatMap(lambda _: numbers).with_output_types(bytes)
        | "Tick" >> beam.ParDo(Ticking(diary))
    )


def read_diary(diary: Path) -> list[Tick]:
    """What was written down so far."""
    lines = diary.read_text().splitlines() if diary.exists() else []
    return [Tick(line.split()[0], *map(int, line.split()[1:])) for line in lines]
