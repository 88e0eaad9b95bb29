"""Send a feature log to Kafka from a process of its own: at a steady rate, or as fast as possible.

Usage: feature_producer.py BROKERS TOPIC STREAM [--format arrow] [--rows N] [--backlog]

STREAM is `FeatureStream.to_json()`; a start of 0 is replaced by the present moment. Prints a line of JSON a
second and a last one, with the ``counts`` of the partitions, when N rows are sent, or on SIGTERM, and all
is acknowledged.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from confluent_kafka import KafkaException, Producer

from benchmarks.feature_stream import EVENTS_PER_MESSAGE, FeatureStream

TICK = 0.02
CHUNK = 5_000
QUEUED_BYTES = 300_000_000
SETTINGS = {
    "enable.idempotence": True,
    "message.timeout.ms": 0,  # a broker may be away for minutes; nothing is given up
    "linger.ms": 20,
    "batch.size": 900_000,
    "batch.num.messages": 100_000,
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 2_000_000,
    "delivery.report.only.error": True,
    "reconnect.backoff.max.ms": 1_000,
    "log_level": 0,  # what is fatal is raised
}


AWAY = {-187, -195}  # all brokers down, transport failure: librdkafka's own codes


def broken(error):
    """Stop at what no retry repairs; brokers that are away are waited for."""
    if error.fatal() or (not error.retriable() and error.code() not in AWAY):
        raise KafkaException(error)


class Sender:
    """One stream on its way to a topic."""

    def __init__(self, brokers: str, topic: str, stream: FeatureStream, message_format: str) -> None:
        """Connect; nothing is sent yet."""
        self._producer = Producer(SETTINGS | {"bootstrap.servers": brokers, "error_cb": broken})
        self._topic, self.stream, self._format = topic, stream, message_format
        self.counts = dict.fromkeys(range(stream.partitions), 0)
        self.events = EVENTS_PER_MESSAGE if message_format == "arrow" else 1
        message = len(self._encode(0, self.events)[0])
        self._room = min(500_000, QUEUED_BYTES // message)

    @property
    def sent(self) -> int:
        """Events handed to the client."""
        return sum(self.counts.values())

    def send(self, partition: int, count: int) -> None:
        """Send the next events of a partition; waits while the client holds too many."""
        for size in range(count, 0, -CHUNK):
            events = min(size, CHUNK)
            self._produce(self._encode(partition, events), partition)
            self.counts[partition] += events

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        while self._producer.flush(1):
            pass

    def waiting(self) -> int:
        """Serve callbacks; messages that are not acknowledged."""
        self._producer.poll(0)
        return len(self._producer)

    def _encode(self, partition, count):
        return getattr(self.stream, self._format)(partition, self.counts[partition], count)

    def _produce(self, messages, partition):
        while len(self._producer) + len(messages) > self._room:
            self._producer.poll(0.01)
        queued = self._producer.produce_batch(
            self._topic, [{"value": message} for message in messages], partition=partition, on_delivery=failed
        )
        assert queued == len(messages), f"{queued} of {len(messages)} messages queued"


def failed(error, _message):
    """Called for errors only."""
    if error is not None:
        raise KafkaException(error)


class Report:
    """A line a second."""

    def __init__(self, sender: Sender) -> None:
        """Begin now."""
        self._sender, self._next = sender, time.monotonic() + 1

    def line(self, **more: object) -> None:
        """Print how far it is."""
        sender = self._sender
        state = {"at_ms": int(time.time() * 1000), "sent": sender.sent, "waiting": sender.waiting()}
        print(json.dumps(state | {"cpu_s": round(time.process_time(), 2)} | more), flush=True)

    def maybe(self, **more: object) -> None:
        """Print if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            self.line(**more)


def steadily(sender: Sender, rows: float, stopped: list[int], report: Report) -> None:
    """Send each event when it is due."""
    stream = sender.stream
    while sender.sent < rows and not stopped:
        now = time.time() * 1000
        for partition, count in sender.counts.items():
            due = min(stream.due_by(partition, now), int(rows / stream.partitions) if rows < 2**62 else 2**62)
            sender.send(partition, (due - count) // sender.events * sender.events)
        behind = round(time.time() * 1000 - now)
        report.maybe(behind_ms=behind)
        time.sleep(max(0.0, TICK - behind / 1000))


def at_once(sender: Sender, rows: int, stopped: list[int], report: Report) -> None:
    """Send as fast as the broker takes it, partition by partition in turn."""
    each = rows // sender.stream.partitions // sender.events * sender.events
    for partition in cycle(sender.counts):
        if stopped or min(sender.counts.values()) >= each:
            return
        sender.send(partition, min(CHUNK, each - sender.counts[partition]))
        report.maybe()


def main() -> None:
    """Parse, send, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("brokers")
    parser.add_argument("topic")
    parser.add_argument("stream")
    parser.add_argument("--format", choices=("avro", "arrow"), default="avro")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--backlog", action="store_true")
    arguments = parser.parse_args()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started it decides
    stream = FeatureStream(**json.loads(arguments.stream))
    stream.avro(0, 0, 1)  # the pool is made before time begins
    if stream.start_ms == 0:
        stream = replace(stream, start_ms=int(time.time() * 1000))
    sender = Sender(arguments.brokers, arguments.topic, stream, arguments.format)
    report = Report(sender)
    report.line(stream=stream.to_json())
    if arguments.backlog:
        at_once(sender, arguments.rows, stopped, report)
    else:
        steadily(sender, arguments.rows or 2**62, stopped, report)
    ended = int(time.time() * 1000)
    sender.flush()
    report.line(stream=stream.to_json(), counts=sender.counts, ended_ms=ended)


if __name__ == "__main__":
    main()
