"""The servers that the other engine tests rely on do what they promise."""

from __future__ import annotations

import subprocess
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.engines.conftest import LOGIN, partition_count
from tools.kafka.broker import KafkaBroker
from tools.processes import free_port, port_open


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


def test_a_broker_keeps_data_and_ports_over_a_kill(tmp_path):
    with KafkaBroker(tmp_path) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic("events", 1)])["events"].result(20)
        produce(broker.bootstrap, "events", b"kept")
        address = broker.bootstrap
        broker.kill()
        assert not port_open(broker.port)
        broker.start()
        assert broker.bootstrap == address
        assert end_offset(address, "events") == 1


def test_a_broker_asks_for_a_password_and_encrypts(guarded_broker):
    broker = guarded_broker
    login = {"sasl.mechanism": "PLAIN", "sasl.username": LOGIN.user, "sasl.password": LOGIN.password}
    tls = {"security.protocol": "SASL_SSL", "ssl.ca.location": str(broker.certificate), **login}
    plain = {"security.protocol": "SASL_PLAINTEXT", **login}
    assert visible(broker.tls_bootstrap, **tls)
    assert visible(broker.sasl_bootstrap, **plain)
    assert not visible(broker.sasl_bootstrap, **{**plain, "sasl.password": "wrong"})
    assert not visible(broker.tls_bootstrap, **{**tls, "ssl.ca.location": ""})
    assert not visible(broker.sasl_bootstrap)


def visible(bootstrap: str, **options: str) -> bool:
    """Whether a client with these options gets an answer."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "look", "log_level": 0, **options})
    try:
        consumer.list_topics(timeout=5)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True


def test_a_proxy_between_broker_and_client_can_be_cut(tmp_path, toxiproxy):
    port = free_port()
    with KafkaBroker(tmp_path, advertised=f"127.0.0.1:{port}") as broker:
        address = toxiproxy.add("broker", broker.proxied, port)
        assert visible(address)
        toxiproxy.cut("broker")
        assert not visible(address)
        assert visible(broker.bootstrap)
        toxiproxy.restore("broker")
        assert visible(address)
        toxiproxy.hang("broker")
        assert not visible(address)
        toxiproxy.restore("broker")
        toxiproxy.slow("broker", latency_ms=200)
        began = time.monotonic()
        assert visible(address)
        assert time.monotonic() - began > 0.2


def test_prism_is_there(prism):
    answer = subprocess.run([prism, "-h"], capture_output=True, text=True, check=False)
    assert "prism" in answer.stdout + answer.stderr
