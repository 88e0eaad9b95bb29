"""The servers that the other engine tests rely on do what they promise."""

from __future__ import annotations

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.engines.conftest import partition_count


def end_offset(bootstrap: str, topic: str, partition: int = 0, **options: str) -> int:
    """The offset after a partition's last message."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "look", **options})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10, cached=False)[1]
    finally:
        consumer.close()


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    """Send one message and wait until the broker has it."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 10_000_000})
    producer.produce(topic, value)
    assert producer.flush(20) == 0


def test_a_5_mb_message_fits(broker, topic):
    name = topic()
    produce(broker.bootstrap, name, bytes(5_000_000))
    assert end_offset(broker.bootstrap, name) == 1


def test_topics_grow_and_go(broker, admin, topic, add_partitions, delete_topic):
    name = topic(partitions=2, retention_ms=-1)
    add_partitions(name, 3)
    assert partition_count(admin, name) == 3
    delete_topic(name)
    assert name not in admin.list_topics(timeout=10).topics
