"""Read the results topic as any program would: keep the rows that stand, hand out windows as they close."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from driftline.tables import RESULT, rows_of, standing_rows

if TYPE_CHECKING:
    from datetime import datetime

SETTLED = 0.5  # seconds without another row of a window, after which it is shown


@dataclass
class Window:
    """What is known of a window."""

    end: datetime
    rows: pa.Table
    delay: float  # seconds from the window's end to its first row here
    changed: float  # when the newest row came, monotonic seconds
    shown: int = 0  # requests in it when it was handed out
    corrected: bool = False  # whether it was handed out before, with fewer requests

    @property
    def start(self) -> datetime:
        """First instant."""
        return self.rows["window_start"][0].as_py()

    @property
    def requests(self) -> int:
        """Requests in it."""
        return pc.max(self.rows["n"]).as_py()

    @property
    def findings(self) -> list[dict[str, object]]:
        """Rows that drifted, the largest first."""
        drifted = self.rows.filter(pc.fill_null(self.rows["drifted"], fill_value=False))
        return drifted.sort_by([("psi", "descending")]).to_pylist()


class ResultReader:
    """A reader of a results topic, from its beginning."""

    def __init__(self, brokers: str, topic: str) -> None:
        settings = {
            "bootstrap.servers": brokers,
            "group.id": "reader",
            "enable.auto.commit": False,
            "log_level": 0,
        }
        self.consumer = Consumer(settings)
        partitions = self.consumer.list_topics(topic, timeout=20).topics[topic].partitions
        self.consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        self.windows: dict[datetime, Window] = {}

    def poll(self, seconds: float) -> list[Window]:
        """Wait for rows, and return the windows that are complete, or were corrected, since the last call."""
        messages = self.consumer.consume(1000, seconds)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        if messages:
            rows = rows_of(((each.key(), each.value(), each.headers()) for each in messages), RESULT)
            for end in pc.unique(rows["window_end"]):
                self._add(end.as_py(), rows.filter(pc.equal(rows["window_end"], end)))
        return self._settled()

    def close(self) -> None:
        """Leave the topic."""
        self.consumer.close()

    def _add(self, end: datetime, rows: pa.Table) -> None:
        known = self.windows.get(end)
        if known is None:
            self.windows[end] = Window(
                end, standing_rows(rows), time.time() - end.timestamp(), time.monotonic()
            )
            return
        known.rows = standing_rows(pa.concat_tables([known.rows, rows]))
        known.changed = time.monotonic()

    def _settled(self) -> list[Window]:
        quiet = time.monotonic() - SETTLED
        ready = [
            window
            for _, window in sorted(self.windows.items())
            if window.changed < quiet and window.shown != window.requests
        ]
        for window in ready:
            window.corrected = window.shown > 0
            window.shown = window.requests
        return ready
