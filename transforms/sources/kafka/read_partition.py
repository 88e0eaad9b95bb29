"""Read partitions and decode what they hold, where it is read: a splittable DoFn that checkpoints itself."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from driftline.decoding.events import decode_events, reject_rows
from driftline.decoding.rejects import Reason
from driftline.transforms.counters import BYTES, count
from driftline.transforms.sources.decode import outputs_of
from driftline.transforms.sources.kafka.consumer_pool import CONSUMERS
from driftline.transforms.sources.kafka.drop_late import drop_late
from driftline.transforms.sources.kafka.offset_tracker import PartitionOffsets, PartitionWatermark
from driftline.transforms.sources.kafka.partition import NEVER, OffsetSpan, Partition
from driftline.transforms.sources.kafka.together import Together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from driftline.decoding.decoded import Decoder
    from driftline.decoding.event_schema import EventSchema
    from driftline.decoding.events import DecodedEvents
    from driftline.decoding.formats import MessageFormat
    from driftline.transforms.sources.kafka.consumers import PartitionConsumer, Polled
    from driftline.windows.lateness import LateRule

_LOG = logging.getLogger(__name__)

# Decoding is fastest from 5,000 events on; more only fill memory.
_MOST_EVENTS: Final = 8_192
_WAIT: Final = 0.05
# The rest of a partition comes back to the reader when its bundle closes, so bundles must be short.
_BUNDLE_SECONDS: Final = 0.1
_SECOND: Final = 1_000_000
_BEGINNING: Final = -(2**62)
_STUCK_SECONDS: Final = 60.0
_COMMIT_EVERY: Final = 5.0
_AHEAD: Final = "the event time is ahead of the clock by more than {}.max_ahead"


@dataclass(frozen=True)
class PartitionReading:
    """How partitions are read.

    Parameters
    ----------
    settings
        Of librdkafka; may hold secrets and is never shown.
    disorder, idle_after, max_ahead
        Microseconds, see the configuration of the source.
    key
        Where that is, such as ``source.kafka``, for dead letters.
    record_times
        Whether an event's time is that of its Kafka record.
    commit
        Whether offsets are shown to lag tools.
    """

    model: str
    schema: EventSchema
    message_format: MessageFormat
    settings: Mapping[str, Any]
    late: LateRule
    disorder: int
    idle_after: int
    max_ahead: int
    key: str
    record_times: bool = False
    commit: bool = False

    def __repr__(self) -> str:
        """Show no settings: there are secrets among them."""
        return f"PartitionReading(model={self.model!r})"


class _ReadPartition(beam.DoFn):
    """What reading to an end and reading for ever have in common."""

    def __init__(self, reading: PartitionReading) -> None:
        self._reading = reading
        self._decoder: Decoder | None = None
        self._events_per_message = 1.0

    def setup(self) -> None:
        """Make the decoder."""
        self._decoder = self._reading.message_format.decoder(self._reading.schema)

    def teardown(self) -> None:
        """Disconnect the consumers that nobody uses."""
        CONSUMERS.close()

    def _consumer(self, partition: Partition) -> PartitionConsumer:
        reading = self._reading
        return CONSUMERS.take(reading.settings, partition.topic, partition.number, reading.idle_after)

    def _decode(self, polled: Polled) -> DecodedEvents:
        if self._decoder is None:
            self.setup()
        assert self._decoder is not None
        payloads = polled.payloads
        count(BYTES, sum(len(payload) for payload in payloads if payload is not None))
        times = np.array(polled.record_times, np.int64) if self._reading.record_times else None
        result = decode_events(self._decoder, payloads, self._reading.schema, times)
        self._events_per_message = max(1.0, result.decoded / len(payloads))
        return result

    def _most_messages(self) -> int:
        """A message may hold many events: so many that their events are about as many as wanted."""
        return max(1, int(_MOST_EVENTS / self._events_per_message))

    def _outputs(self, result: DecodedEvents, polled: Polled, partition: Partition) -> Iterator[Any]:
        reading = self._reading
        return outputs_of(result, reading.schema, reading.model, partition.name, polled.offsets)


class _ReadStream(_ReadPartition):
    """What the readers of streams have in common."""

    def _read(self, element: bytes, tracker: Any, watermark: Any) -> Iterator[Any]:
        """Read for a moment, then put the rest off."""
        partition = Partition.from_bytes(element)
        consumer = self._consumer(partition)
        try:
            consumer.seek(OffsetSpan.from_bytes(tracker.current_restriction()).start)
            begin = time.monotonic()
            while True:
                now = self._now()
                position = consumer.position
                polled = consumer.poll(self._most_messages(), _WAIT, with_times=self._reading.record_times)
                if polled.gone is not None:
                    _LOG.error(
                        "%s: %s: the job goes on without it; start a new job to read it again",
                        partition.name,
                        polled.gone,
                    )
                    count("partitions_gone")
                    tracker.try_claim(NEVER)
                    watermark.advance(NEVER)
                    return
                if polled.position != position and not tracker.try_claim(polled.position - 1):
                    consumer.position = None
                    return
                if polled.payloads:
                    yield from self._rows(polled, partition, watermark)
                elif consumer.is_idle(now):
                    watermark.advance(now - self._reading.disorder)
                if polled.caught_up or time.monotonic() - begin > _BUNDLE_SECONDS:
                    break
            self._after(consumer)
            tracker.defer_remainder(_until_next_poll(behind=not polled.caught_up))
        finally:
            CONSUMERS.give(consumer)

    def _now(self) -> int:
        """Read the clock, on the calendar line of event times."""
        return self._reading.schema.calendar.on_line(time.time_ns() // 1000)

    def _after(self, consumer: PartitionConsumer) -> None:
        """Do what is left to do when everything is read for now."""

    def _rows(self, polled: Polled, partition: Partition, watermark: Any) -> Iterator[Any]:
        reading = self._reading
        now = self._now()
        result = self._decode(polled)
        ahead = result.events["time"].to_numpy() > now + reading.max_ahead
        if ahead.any():
            detail = _AHEAD.format(self._reading.key)
            result = reject_rows(result, ahead, Reason.FUTURE_EVENT_TIME, detail, polled.payloads)
        before = watermark.micros()
        result, after = drop_late(
            result,
            reading.late,
            _BEGINNING if before is None else before,
            disorder=reading.disorder,
            now=now,
        )
        for output in self._outputs(result, polled, partition):
            yield output if isinstance(output, beam.pvalue.TaggedOutput) else _stamped(output)
        if after > _BEGINNING:
            watermark.advance(after)


class ReadStream(_ReadStream):
    """Read partitions for ever: event batches, and tagged ``dead_letters``.

    Rows that are too late are dropped and counted here, and nowhere downstream.
    """

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: bytes,
        # Beam hands this one over by position and the others by name: it must come first
        finalizer: Any = beam.DoFn.BundleFinalizerParam,
        tracker: Any = beam.DoFn.RestrictionParam(PartitionOffsets()),  # noqa: B008
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(PartitionWatermark()),  # noqa: B008
    ) -> Iterator[Any]:
        """Read for a moment, then put the rest off."""
        self._finalizer = finalizer
        yield from self._read(element, tracker, watermark)

    def _after(self, consumer: PartitionConsumer) -> None:
        """Have the offset committed after the checkpoint; a bundle that waits for one is kept till then."""
        position, now = consumer.position, time.monotonic()
        if self._reading.commit and position is not None and now - consumer.committed_at > _COMMIT_EVERY:
            consumer.committed_at = now
            self._finalizer.register(lambda: consumer.commit(position))


class ReadStreamInProcess(_ReadStream):
    """Read partitions for ever where one process reads them all: on the local runner for streams.

    That runner, prism, takes the watermark of the partition that was read last for that of them all. So what
    it is told is the oldest of them. It has no checkpoints: what was put out is as good as kept.

    Parameters
    ----------
    partitions
        Names of the partitions that the job begins with.
    """

    def __init__(self, reading: PartitionReading, partitions: Sequence[str]) -> None:
        super().__init__(reading)
        self._together = Together(partitions)

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: bytes,
        tracker: Any = beam.DoFn.RestrictionParam(PartitionOffsets()),  # noqa: B008
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(PartitionWatermark()),  # noqa: B008
    ) -> Iterator[Any]:
        """Read for a moment, then put the rest off."""
        # as of the bundles that have ended: what others put out meanwhile may still be on its way
        oldest = self._together.oldest(Partition.from_bytes(element).name, watermark.micros())
        yield from self._read(element, tracker, watermark)
        if watermark.micros() == NEVER:
            oldest = self._together.oldest(Partition.from_bytes(element).name, NEVER)
        watermark.report(oldest)

    def _after(self, consumer: PartitionConsumer) -> None:
        if self._reading.commit and consumer.position is not None:
            consumer.commit(consumer.position)


class ReadToEnd(_ReadPartition):
    """Read partitions to the offsets at which they ended when the job began.

    Parameters
    ----------
    reading
        How partitions are read; nothing is late here, and no clock is looked at.
    """

    def process(
        self,
        element: bytes,
        tracker: Any = beam.DoFn.RestrictionParam(PartitionOffsets()),  # noqa: B008
    ) -> Iterator[Any]:
        """Read it all."""
        partition = Partition.from_bytes(element)
        consumer = self._consumer(partition)
        try:
            span = OffsetSpan.from_bytes(tracker.current_restriction())
            consumer.seek(span.start)
            moved_at = time.monotonic()
            while consumer.position is not None and consumer.position < span.stop:
                most = min(self._most_messages(), span.stop - consumer.position)
                before = consumer.position
                polled = consumer.poll(most, 1.0, with_times=self._reading.record_times)
                if polled.gone is not None:
                    raise RuntimeError(f"{partition.name}: {polled.gone}; read another topic")
                if polled.position == before:
                    if time.monotonic() - moved_at > _STUCK_SECONDS:
                        raise RuntimeError(
                            f"{partition.name}: nothing came for {_STUCK_SECONDS:.0f} s at offset {before}, "
                            f"to be read to {span.stop}: is the broker up?"
                        )
                    continue
                moved_at = time.monotonic()
                polled = polled.before(span.stop)
                if not tracker.try_claim(polled.position - 1):
                    consumer.position = None
                    return
                if polled.payloads:
                    yield from self._outputs(self._decode(polled), polled, partition)
            tracker.try_claim(span.stop)
        finally:
            CONSUMERS.give(consumer)


def _stamped(events: pa.RecordBatch) -> TimestampedValue:
    return TimestampedValue(events, Timestamp(micros=int(events["time"].to_numpy().min())))


def _until_next_poll(*, behind: bool) -> Duration:
    """Go on at once while behind; else at the next whole second, so that partitions share bundles."""
    if behind:
        return Duration(micros=1_000)
    return Duration(micros=_SECOND - time.time_ns() // 1000 % _SECOND + 5_000)
