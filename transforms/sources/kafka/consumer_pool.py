"""Consumers of single partitions, kept between bundles by the process and not by a DoFn.

A runner moves bundle processors about; a consumer that went with them would fetch everything again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftline.transforms.sources.kafka.consumers import PartitionConsumer

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNUSED_FOR: Final = 60.0


@dataclass
class ConsumerPool:
    """Consumers that no bundle uses at the moment, by partition; safe to use from any thread."""

    _lock: Any = field(default_factory=threading.Lock)
    _free: dict[tuple[Any, ...], PartitionConsumer] = field(default_factory=dict, repr=False)

    def take(
        self, settings: Mapping[str, Any], topic: str, number: int, idle_after: int
    ) -> PartitionConsumer:
        """Give the partition's consumer, a new one if there is none.

        Parameters
        ----------
        idle_after
            Microseconds, see `PartitionConsumer`.

        Returns
        -------
        PartitionConsumer
            To be given back.
        """
        key = (topic, number, *sorted(settings.items()))
        now = time.monotonic()
        with self._lock:
            found = self._free.pop(key, None)
            # a partition that went to another worker leaves a consumer behind, full of messages
            unused = [other for other, consumer in self._free.items() if now - consumer.used_at > _UNUSED_FOR]
            closing = [self._free.pop(other) for other in unused]
        for consumer in closing:
            consumer.close()
        return found or PartitionConsumer(settings, topic, number, idle_after)

    def give(self, consumer: PartitionConsumer) -> None:
        """Take a consumer back."""
        consumer.used_at = time.monotonic()
        key = (consumer.topic, consumer.number, *sorted(consumer.settings.items()))
        with self._lock:
            before = self._free.pop(key, None)
            self._free[key] = consumer
        if before is not None:
            before.close()

    def close(self) -> None:
        """Disconnect all that are free."""
        with self._lock:
            free, self._free = self._free, {}
        for consumer in free.values():
            consumer.close()


CONSUMERS: Final = ConsumerPool()
"""The pool of this process."""
