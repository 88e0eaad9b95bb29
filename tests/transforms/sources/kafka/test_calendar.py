"""A partition whose windows follow days of a zone: rows, watermark and lateness are on its line."""

from __future__ import annotations

import time
from types import SimpleNamespace

import apache_beam as beam
import pytest

from driftline.decoding.event_schema import EventSchema
from driftline.decoding.json_messages import JsonDecoder
from driftline.transforms.counters import DROPPED_LATE
from driftline.transforms.sources.kafka import drop_late
from driftline.transforms.sources.kafka.offset_tracker import MicrosecondWatermark
from driftline.transforms.sources.kafka.partition import Partition
from driftline.transforms.sources.kafka.read_partition import PartitionReading, ReadStream
from driftline.windows.calendar import DAY, Calendar
from driftline.windows.lateness import LateRule

HOUR = DAY // 24
SECOND = 1_000_000
#: 2026-03-08T05:00Z, midnight in New York, where the day has 23 hours
MIDNIGHT = 1_772_946_000 * SECOND


def read(times, *, zone="America/New_York", disorder=0):
    """Read messages of these times; give the times that come out, their stamps, and the watermark."""
    schema = EventSchema("at", "us", calendar=Calendar("day", zone), timezone=zone)
    reading = PartitionReading(
        model="m",
        schema=schema,
        message_format=SimpleNamespace(decoder=JsonDecoder),
        settings={},
        late=LateRule(DAY, 60 * SECOND, HOUR),
        disorder=disorder,
        idle_after=0,
        max_ahead=HOUR,
        key="source.kafka",
    )
    payloads = [b'{"at": %d}' % time for time in times]
    polled = SimpleNamespace(payloads=payloads, offsets=list(range(len(times))), record_times=None)
    watermark = MicrosecondWatermark(None)
    outputs = list(ReadStream(reading)._rows(polled, Partition("t", 0, 0), watermark))
    batches = [each for each in outputs if not isinstance(each, beam.pvalue.TaggedOutput)]
    rejected = [each for each in outputs if isinstance(each, beam.pvalue.TaggedOutput)]
    found = [at for each in batches for at in each.value["time"].to_pylist()]
    return found, [each.timestamp.micros for each in batches], watermark.micros(), rejected


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_no_row_is_behind_its_watermark_in_any_zone(zone):
    calendar = Calendar("day", zone)
    found, stamps, watermark, _ = read([MIDNIGHT, MIDNIGHT + 23 * HOUR], zone=zone)
    assert found == [calendar.on_line(MIDNIGHT), calendar.on_line(MIDNIGHT + 23 * HOUR)]
    assert stamps == [found[0]]
    assert watermark == found[1]


def test_a_row_is_dropped_an_hour_after_its_day_of_23_hours(monkeypatch):
    dropped = []
    monkeypatch.setattr(
        drop_late, "count", lambda name, by: dropped.append(by) if name == DROPPED_LATE else None
    )
    edge = MIDNIGHT + 24 * HOUR + 60 * SECOND  # the end of its day, the lateness, and a slice
    assert len(read([edge - 61 * SECOND, MIDNIGHT])[0]) == 2
    assert dropped == []
    assert len(read([edge, MIDNIGHT])[0]) == 1
    assert dropped == [1]


def test_what_is_ahead_of_the_clock_is_told_by_the_clock():
    now = time.time_ns() // 1000
    for zone in ("America/New_York", "Asia/Tokyo"):
        found, _, _, rejected = read([now - HOUR, now + HOUR // 2, now + 2 * HOUR], zone=zone)
        assert len(found) == 2
        assert len(rejected) == 1
