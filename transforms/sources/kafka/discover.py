"""Hand out the partitions to read, and find new ones while the job runs."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import orjson
from apache_beam.coders import BytesCoder, Coder
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration
from confluent_kafka import Consumer, KafkaException, TopicPartition

from driftline.framing import refuses_damage
from driftline.transforms.sources.kafka.assignment import salted
from driftline.transforms.sources.kafka.offset_tracker import PartitionWatermark
from driftline.transforms.sources.kafka.partition import FORMAT_VERSION, Partition, check_version
from driftline.transforms.sources.kafka.positions import consumer_settings, partitions_of
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.config.kafka import KafkaSource

_LOG = logging.getLogger(__name__)

_EVERY: Final = 5
_TIMEOUT: Final = 10.0


def encode_known(known: Sequence[tuple[str, int]], listed_at: int | None) -> bytes:
    """Encode the partitions handed out so far: what a checkpoint keeps.

    Parameters
    ----------
    known
        Topic and number of each, in the order in which they were handed out.
    listed_at
        When the cluster was last asked, microseconds since the epoch; None if never.

    Returns
    -------
    bytes
        JSON with a format version.
    """
    return orjson.dumps({"v": FORMAT_VERSION, "known": known, "listed_at": listed_at})


@refuses_damage("list of partitions")
def decode_known(data: bytes) -> tuple[list[tuple[str, int]], int | None]:
    """Decode what `encode_known` gave.

    Parameters
    ----------
    data
        Of this or an earlier version.

    Returns
    -------
    list of tuple of str and int
        Topic and number of each partition.
    int or None
        When the cluster was last asked.

    Raises
    ------
    UnreadableBytesError
        If a newer release wrote it.
    """
    fields = orjson.loads(data)
    check_version(fields["v"], "list of partitions")
    return [(topic, number) for topic, number in fields["known"]], fields["listed_at"]


class KnownTracker(RestrictionTracker):
    """Tracks the partitions handed out: a claim is the new state, the only split a checkpoint."""

    def __init__(self, known: bytes) -> None:
        self._known = known
        self._put_off = False

    def current_restriction(self) -> bytes:
        """Give what was handed out."""
        return self._known

    def current_progress(self) -> RestrictionProgress:
        """Nobody knows what is to come."""
        return RestrictionProgress(completed=0, remaining=1)

    def try_claim(self, position: bytes) -> bool:
        """Take what will have been handed out; no longer behind a checkpoint."""
        if self._put_off:
            return False
        self._known = position
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[bytes, bytes] | None:
        """Checkpoint, for a fraction of 0; refuse any other split."""
        if fraction_of_remainder != 0 or self._put_off:
            return None
        self._put_off = True
        return self._known, self._known

    def check_done(self) -> None:
        """Make sure that the search goes on."""
        if not self._put_off:
            raise ValueError("the search for new partitions was neither put off nor ended")

    def is_bounded(self) -> bool:
        """Say that the search has no end."""
        return False


class _KnownPartitions(RestrictionProvider):
    def initial_restriction(self, element: bytes) -> bytes:  # noqa: ARG002
        return encode_known([], None)

    def create_tracker(self, restriction: bytes) -> KnownTracker:
        return KnownTracker(restriction)

    def split(self, element: bytes, restriction: bytes) -> Iterator[bytes]:  # noqa: ARG002
        yield restriction

    def restriction_size(self, element: bytes, restriction: bytes) -> int:  # noqa: ARG002
        return 1

    def restriction_coder(self) -> Coder:
        return BytesCoder()

    def truncate(self, element: bytes, restriction: bytes) -> None:
        """On a drain there is nothing left to find."""


class _ListingWatermark(PartitionWatermark):
    def initial_estimator_state(self, element: bytes, restriction: bytes) -> int | None:  # noqa: ARG002
        return None


class DiscoverPartitions(beam.DoFn):
    """Give the partitions that the job begins with, then those that appear later.

    Parameters
    ----------
    allowed_lateness
        Microseconds. A partition found between two lists may hold rows as old as the first of them; they
        come late at worst, never too late.
    calendar
        On whose line watermarks are.

    Notes
    -----
    The input is one element, the starting partitions, so that everything is in one step's checkpoint: what
    was handed out, and the watermark that a partition found next cannot be older than.
    """

    def __init__(
        self,
        source: KafkaSource,
        allowed_lateness: int,
        calendar: Calendar = IN_UTC,
    ) -> None:
        self._source = source.model_copy(update={"registry": None})  # its secrets are not for this step
        self._allowed_lateness = allowed_lateness
        self._calendar = calendar
        self._client: Consumer | None = None

    def teardown(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: bytes,
        tracker: Any = beam.DoFn.RestrictionParam(_KnownPartitions()),  # noqa: B008
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(_ListingWatermark()),  # noqa: B008
    ) -> Iterator[bytes]:
        """Give what is new, then look again in a while."""
        known, listed_at = decode_known(tracker.current_restriction())
        now = time.time_ns() // 1000
        if not known and listed_at is None:
            new = [Partition.from_bytes(orjson.dumps(fields)) for fields in orjson.loads(element)]
        else:
            try:
                new = self._new(set(known), listed_at)
            except KafkaException as error:
                _LOG.warning("new partitions cannot be looked for: %s: trying again", error.args[0].str())
                tracker.defer_remainder(Duration(_EVERY))
                return
        found = [*known, *((partition.topic, partition.number) for partition in new)]
        if not tracker.try_claim(encode_known(found, now)):
            return
        for number, partition in enumerate(new, len(known)):
            yield salted(partition.to_bytes(), number)
        watermark.advance(self._calendar.on_line(now) + self._allowed_lateness)
        tracker.defer_remainder(Duration(_EVERY))

    def _new(self, known: set[tuple[str, int]], listed_at: int | None) -> list[Partition]:
        if self._client is None:
            self._client = Consumer(consumer_settings(self._source, 1), logger=_LOG)
        topics = self._source.topics
        # one topic alone is cheaper to ask for than all that a cluster has
        metadata = self._client.list_topics(topics[0] if len(topics) == 1 else None, timeout=_TIMEOUT)
        pairs = [
            (topic, number)
            for topic, numbers in partitions_of(metadata, self._source).items()
            for number in numbers
            if (topic, number) not in known
        ]
        oldest = None if listed_at is None else self._calendar.on_line(listed_at) - self._source.disorder
        partitions = []
        for topic, number in pairs:
            low, _ = self._client.get_watermark_offsets(TopicPartition(topic, number), timeout=_TIMEOUT)
            partitions.append(Partition(topic, number, low, watermark=oldest))
            _LOG.info("found %s, reading from offset %d", partitions[-1].name, low)
        return partitions
