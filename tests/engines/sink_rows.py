"""Result rows for the sink's tests, with every trouble a sink meets; run as a program it writes them."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone

import pyarrow as pa

from driftline.tables import DEAD_LETTER, RESULT, dead_letter_id, row_id, rows_of

START = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
FEATURES = [f"f{number}" for number in range(20)]


def results(window, n=100, emitted_at=0, pane_index=0, features=FEATURES):
    """The results of one window as one pane has them."""
    start = START + timedelta(minutes=window)
    bounds = [int(start.timestamp() * 1e6) + offset for offset in (0, 60_000_000)]
    rows = [
        {
            "row_id": row_id("m", "*", feature, *bounds),
            "model": "m",
            "segment": "*",
            "segment_values": [],
            "feature": feature,
            "kind": "numeric",
            "window_start": bounds[0],
            "window_end": bounds[1],
            "pane": "late" if pane_index else "on_time",
            "pane_index": pane_index,
            "emitted_at": bounds[1] + emitted_at,
            "n": n,
            "coverage": 1.0,
            "status": "ok",
            "mean": window + n / 7,
            "bin_counts": list(range(64)),
        }
        for feature in features
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RESULT.arrow)


def letters(*payloads, first=0):
    """Dead letters with these payloads."""
    rows = [
        {
            "row_id": dead_letter_id("m", "events-0", str(position)),
            "model": "m",
            "reason": "undecodable",
            "detail": "not Avro",
            "source": "events-0",
            "position": str(position),
            "payload": payload,
            "emitted_at": position,
        }
        for position, payload in enumerate(payloads, first)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=DEAD_LETTER.arrow)


def consumed(broker, topic, schema=RESULT, **options):
    """All that a topic holds, as an ordinary consumer sees it."""
    from confluent_kafka import Consumer, TopicPartition

    settings = {"bootstrap.servers": broker.bootstrap, "group.id": "reader", "enable.partition.eof": "true"}
    consumer = Consumer(settings | options)
    try:
        (partition,) = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0)])
        messages = []
        while True:
            (message,) = consumer.consume(1, timeout=20)
            if message.error():
                return messages, rows_of(((m.key(), m.value(), m.headers()) for m in messages), schema)
            messages.append(message)
    finally:
        consumer.close()


def main(brokers, topic, bundles):
    """Write windows, a bundle each, as a worker does."""
    from driftline.transforms.sinks.kafka.write_kafka import ProduceRows

    produce = ProduceRows((brokers,), topic, RESULT, "json", {})
    produce.setup()
    for window in range(int(bundles)):
        produce.start_bundle()
        produce.process(results(window))
        produce.finish_bundle()
    produce.teardown()


if __name__ == "__main__":
    main(*sys.argv[1:])
