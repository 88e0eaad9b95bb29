"""Follow the result rows of a job as they reach its sink topic."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition

from tests.engines.oracle import PARTITION_END, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

AWAY = {-187, -195, -185}  # all brokers down, transport failure, timed out: librdkafka's own codes


class SinkTail:
    """Rows of a sink topic so far.

    Parameters
    ----------
    brokers
        Addresses.
    topic
        The topic; the broker stamps its records when it gets them.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": brokers, "group.id": "tail", "enable.auto.commit": False}
            | {"auto.offset.reset": "earliest", "reconnect.backoff.max.ms": 1_000, "log_level": 0}
        )
        partitions = self._consumer.list_topics(topic, timeout=20).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        #: window end (ms) to the moment (ms) in which each row of it first came
        self.arrivals: dict[int, dict[str, int]] = defaultdict(dict)
        self._values: dict[int, list[bytes]] = defaultdict(list)

    def poll(self, seconds: float = 0.2) -> None:
        """Take what has come."""
        for message in self._consumer.consume(5_000, timeout=seconds):
            error = message.error()
            if error is not None:
                if error.code() not in {*AWAY, PARTITION_END}:
                    raise KafkaException(error)
                continue
            row = orjson.loads(message.value())
            end = int(datetime.fromisoformat(row["window_end"].replace("Z", "+00:00")).timestamp() * 1000)
            self.arrivals[end].setdefault(row["row_id"], message.timestamp()[1])
            self._values[end].append(message.value())

    def follow(self, seconds: float) -> None:
        """Take what comes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.poll(min(0.5, left))

    def wait_for_window(self, end_ms: int, seconds: float) -> None:
        """Wait until the first row of a window with this end, or a later one, is there."""
        limit = time.monotonic() + seconds
        while not any(end >= end_ms for end in self.arrivals):
            if time.monotonic() > limit:
                newest = max(self.arrivals, default=0)
                raise TimeoutError(f"no result of a window to {end_ms} in {seconds:.0f} s; newest {newest}")
            self.poll()
        self.follow(1.0)

    def delays(self, from_ms: float, to_ms: float) -> np.ndarray:
        """Seconds from window end to the row in the sink, of windows that end in an interval."""
        found = [
            (moment - end) / 1000
            for end, rows in self.arrivals.items()
            if from_ms <= end <= to_ms
            for moment in rows.values()
        ]
        return np.array(found)

    def rows(self, from_ms: int = 0, to_ms: int = 2**62) -> pa.Table:
        """All rows so far of windows that end in an interval."""
        chosen = [values for end, values in self._values.items() if from_ms <= end <= to_ms]
        return rows_of([value for values in chosen for value in values])

    def forget(self, before_ms: int) -> None:
        """Drop the rows of windows that ended before a moment."""
        for end in [end for end in self._values if end < before_ms]:
            del self._values[end]

    def close(self) -> None:
        """Leave."""
        self._consumer.close()
