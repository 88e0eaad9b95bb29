"""The consumer of one partition: what it polls, where it stands, and what its errors mean."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from driftline.streaming.emptiness import Emptiness
from driftline.transforms.counters import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOG = logging.getLogger(__name__)

#: Errors after which nothing can come from a partition any more.
_GONE: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # the client's own names begin so
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)
_OFFSET_LOST: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})  # noqa: SLF001
_AT_END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001

_SECOND: Final = 1_000_000
_ASK_TIMEOUT: Final = 0.5
_LOOK_EVERY: Final = 2 * _SECOND
_SAY_AGAIN: Final = 60.0

#: How long a partition must be missing to be given up, microseconds: a broker that starts again denies for a
#: while to know what it holds.
MISSING_FOR: Final = 120 * _SECOND


@dataclass(frozen=True)
class Polled:
    """What one poll brought.

    Parameters
    ----------
    payloads
        Values of the messages; None is a tombstone.
    offsets
        Offset of each message.
    record_times
        Timestamp of each message, milliseconds since the epoch; empty unless asked for.
    position
        The offset to go on from.
    caught_up
        Whether there was less than asked for.
    gone
        Why the partition cannot be read on; None as long as it can.
    """

    payloads: list[bytes | None]
    offsets: Sequence[int]
    record_times: list[int]
    position: int
    caught_up: bool
    gone: str | None = None

    def before(self, stop: int) -> Polled:
        """Leave out the messages from an offset on."""
        kept = bisect_left(self.offsets, stop)
        return replace(
            self,
            payloads=self.payloads[:kept],
            offsets=self.offsets[:kept],
            record_times=self.record_times[:kept],
            position=min(self.position, stop),
        )


@dataclass
class PartitionConsumer:
    """A consumer of one partition, and where it stands.

    Parameters
    ----------
    idle_after
        How long the partition must be seen empty to count as idle, microseconds.
    """

    settings: Mapping[str, Any] = field(repr=False)
    topic: str
    number: int
    idle_after: int
    position: int | None = None
    used_at: float = 0.0
    committed_at: float = float("-inf")
    _asked_at: int = 0
    _looked_at: int = 0
    _said_at: float = float("-inf")
    _gone: str | None = None
    _passed_by: bool = False

    def __post_init__(self) -> None:
        """Connect, in the background."""
        self._consumer = Consumer(dict(self.settings), logger=_LOG)
        self._emptiness = Emptiness(self.idle_after)
        self._missing = Emptiness(MISSING_FOR)
        self._anew = Emptiness(MISSING_FOR)

    def seek(self, offset: int) -> None:
        """Go to an offset, unless the consumer stands there."""
        if self.position != offset:
            self.position = offset
            self._assign()
            self._emptiness.reset()

    def poll(self, most: int, timeout: float, *, with_times: bool = False) -> Polled:
        """Take what there is.

        Parameters
        ----------
        timeout
            How long to wait for them, seconds.

        Returns
        -------
        Polled
            Errors of the connection are logged and counted and otherwise look like no messages: the client
            connects again by itself.
        """
        assert self.position is not None
        if self._missing.since is not None:
            self._look_for_it()
        taken: list[Any] = self._consumer.consume(most, timeout)
        # below the position may lie what was fetched before the consumer was sent somewhere else
        messages = [
            message for message in taken if message.error() is None and message.offset() >= self.position
        ]
        if messages:
            self.position = messages[-1].offset() + 1
            self._emptiness.reset()
            self._anew.reset()
        if len(messages) < len(taken):
            for error, offset in [(message.error(), message.offset()) for message in taken]:
                if error is not None and error.code() == _AT_END:
                    self.position = max(self.position, offset)  # behind the marks of transactions
                elif error is not None:
                    self._failed(error)
        offsets = [message.offset() for message in messages]
        contiguous = bool(offsets) and offsets[-1] - offsets[0] + 1 == len(offsets)
        return Polled(
            [message.value() for message in messages],
            range(offsets[0], offsets[-1] + 1) if contiguous else offsets,
            [message.timestamp()[1] for message in messages] if with_times else [],
            self.position,
            len(taken) < most,
            None if messages else self._gone,
        )

    def is_idle(self, now: int) -> bool:
        """Tell whether the partition may be passed by: it has been empty for long.

        Parameters
        ----------
        now
            The clock, microseconds; taken before this call.

        Returns
        -------
        bool
            The broker is asked at most once a second; in between the answer is no. A partition that no longer
            exists may be passed by too, once that is certain.
        """
        if self._missing.since is not None:
            return self._passed_by
        if now - self._asked_at < _SECOND:
            return False
        self._asked_at = now
        try:
            _, end = self._consumer.get_watermark_offsets(
                TopicPartition(self.topic, self.number), timeout=_ASK_TIMEOUT, cached=False
            )
        except KafkaException as error:
            self._failed(error.args[0])
            return False
        # the end of what is committed; messages of an open transaction lie behind it
        _, fetched_end = self._consumer.get_watermark_offsets(
            TopicPartition(self.topic, self.number), cached=True
        )
        if self.position is None or max(end, fetched_end) > self.position:
            self._emptiness.reset()
            return False
        return self._emptiness.confirmed(now)

    def commit(self, offset: int) -> None:
        """Show an offset to lag tools; a failure is logged and nothing more, for nobody reads it here."""
        try:
            self._consumer.commit(
                offsets=[TopicPartition(self.topic, self.number, offset)], asynchronous=True
            )
        except KafkaException as error:
            self._say(f"offset {offset} could not be committed: {error.args[0]}")

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _assign(self) -> None:
        """Have the client fetch from the position on."""
        assert self.position is not None
        self._consumer.assign([TopicPartition(self.topic, self.number, self.position)])

    def _failed(self, error: Any) -> None:
        self._emptiness.reset()
        count("source_errors")
        if error.code() in _OFFSET_LOST:
            self._find_lost_offset()
        elif error.code() in _GONE:
            if self._missing.since is None:
                self._missing.confirmed(time.time_ns() // 1000)
            self._say(f"{error.str()}: looking for it")
        else:
            self._say(f"{error.str()}: trying again")

    def _look_for_it(self) -> None:
        """Ask for a partition that is missing, and read on where it comes back."""
        now = time.time_ns() // 1000
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        try:
            topic = self._consumer.list_topics(self.topic, timeout=_ASK_TIMEOUT).topics.get(self.topic)
        except KafkaException:
            self._missing.reset()  # no broker, no evidence
            self._missing.confirmed(now)
            return
        if topic is not None and topic.error is None and self.number in topic.partitions:
            self._missing.reset()
            self._emptiness.reset()
            self._passed_by = False
            _LOG.warning("%s-%d is back: reading on at offset %d", self.topic, self.number, self.position)
            self._assign()
        elif self._missing.confirmed(now) and not self._passed_by:
            self._passed_by = True
            count("partitions_gone")
            _LOG.error(
                "%s-%d no longer exists: the job goes on without it, and reads on if it comes back",
                self.topic,
                self.number,
            )

    def _find_lost_offset(self) -> None:
        """Go on at the first offset there is, or give up a partition that was made anew."""
        assert self.position is not None
        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(self.topic, self.number), timeout=_ASK_TIMEOUT * 10, cached=False
            )
        except KafkaException as error:
            self._say(f"{error.args[0].str()}: trying again")
            self._assign()
            return
        if self.position > high:
            if self._anew.confirmed(time.time_ns() // 1000):
                self._gone = f"it ends at offset {high} and was read to {self.position}: it was made anew"
            self._say(f"it ends at offset {high} and was read to {self.position}: trying again")
            self._assign()
            return
        if self.position >= low:  # the log was cut somewhere else, and nothing is missing here
            count("log_truncated")
            self._say(f"the log was truncated: going on at offset {self.position}")
            self._assign()
            return
        count("lost_offsets", low - self.position)
        self._say(
            f"offsets {self.position} to {low} were deleted before they were read: "
            "going on behind them; keep messages for longer (retention.ms)"
        )
        self.position = None
        self.seek(low)

    def _say(self, what: str) -> None:
        """Log at most once a minute."""
        now = time.monotonic()
        if now - self._said_at >= _SAY_AGAIN:
            self._said_at = now
            _LOG.warning("%s-%d: %s", self.topic, self.number, what)
