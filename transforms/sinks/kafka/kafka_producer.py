"""One Kafka producer a process, and what became of the messages of one bundle."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from driftline.transforms.kafka_cluster import Complaints, client_settings, settings_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confluent_kafka import Message

    from driftline.tables.row_messages import Headers

_LOG = logging.getLogger(__name__)

#: Bytes of a message that a producer takes unless ``message.max.bytes`` is set.
LARGEST_MESSAGE: Final = 1_000_000

_DEFAULTS: Final = {
    "compression.type": "lz4",
    "partitioner": "murmur2_random",  # where producers in Java put the same key
    "queue.buffering.max.kbytes": str(64 * 1024),
    "log_level": "3",
}
_ALWAYS: Final = {"enable.idempotence": "true", "acks": "all"}
_LAST_FLUSH: Final = 10.0
_PAUSE: Final = 0.02


@dataclass(eq=False)
class SharedProducer:
    """A producer with what it complained of.

    Parameters
    ----------
    client
        The producer; any thread may use it.
    complaints
        What its background threads said.
    broken
        Set it when messages could not be delivered: nobody else begins to use it then.
    users
        How many hold it.
    """

    client: Producer
    complaints: Complaints
    broken: bool = False
    users: int = 0


class ProducerPool:
    """The producers of a process, one for each cluster and its settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._producers: dict[tuple[tuple[str, Any], ...], SharedProducer] = {}

    def acquire(self, brokers: Sequence[str], options: Mapping[str, str]) -> SharedProducer:
        """Take part in a producer.

        Parameters
        ----------
        options
            The user's librdkafka settings; idempotence and ``acks=all`` are not theirs to change.

        Returns
        -------
        SharedProducer
            To be given back with `release`.

        Raises
        ------
        KafkaUnavailable
            If the settings are wrong.
        """
        settings = client_settings(brokers, _DEFAULTS | dict(options)) | _ALWAYS
        key = tuple(sorted(settings.items()))
        with self._lock:
            shared = self._producers.get(key)
            if shared is None or shared.broken:
                complaints = Complaints()
                with settings_named(brokers, options):
                    client = Producer({**settings, "error_cb": complaints.note}, logger=_LOG)
                    shared = SharedProducer(client, complaints)
                self._producers[key] = shared
            shared.users += 1
            return shared

    def release(self, shared: SharedProducer) -> None:
        """Give a producer back; the last one to do so closes it."""
        with self._lock:
            shared.users -= 1
            if shared.users > 0:
                return
            self._producers = {key: other for key, other in self._producers.items() if other is not shared}
        shared.client.flush(_LAST_FLUSH)

    def __len__(self) -> int:
        """Producers that somebody may still join."""
        return len(self._producers)


PRODUCERS: Final = ProducerPool()
"""The producers of this process."""


@dataclass(frozen=True)
class Refused:
    """A message that was not delivered."""

    key: bytes
    value: bytes
    error: KafkaError


@dataclass
class Delivery:
    """Messages that were handed over together, until each is known to be written or not."""

    shared: SharedProducer
    topic: str
    delivered: int = 0
    refused: list[Refused] = field(default_factory=list)
    _pending: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, key: bytes, value: bytes, headers: Headers) -> None:
        """Hand over a message, waiting where the producer's memory is full."""
        with self._lock:
            self._pending += 1
        while not self._taken(key, value, headers):
            self.shared.client.poll(_PAUSE)
        self.shared.client.poll(0)

    def _taken(self, key: bytes, value: bytes, headers: Headers) -> bool:
        """Whether the producer took a message, or will never take it."""
        try:
            self.shared.client.produce(
                self.topic, value, key, headers=list(headers), on_delivery=self._reported
            )
        except BufferError:
            return False
        except KafkaException as error:
            self._settle(Refused(key, value, error.args[0]))
        return True

    def wait(self) -> list[Refused]:
        """Wait until the cluster has answered for every message, at most ``message.timeout.ms``.

        Returns
        -------
        list of Refused
            What was not delivered; it is forgotten here.
        """
        while self._pending:
            self.shared.client.poll(_PAUSE)
        refused, self.refused = self.refused, []
        return refused

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        """Note what became of a message: in any thread that polls the producer."""
        refused = None
        if error is not None:
            refused = Refused(message.key() or b"", message.value() or b"", error)
        self._settle(refused)

    def _settle(self, refused: Refused | None) -> None:
        with self._lock:
            self._pending -= 1
            if refused is None:
                self.delivered += 1
            else:
                self.refused.append(refused)
