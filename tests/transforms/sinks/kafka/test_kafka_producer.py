"""Producers without a broker; tests/engines/test_sink.py has one."""

from __future__ import annotations

import time

from driftline.transforms.sinks.kafka.kafka_producer import ProducerPool


def test_what_a_client_complains_of_goes_to_the_log_and_not_to_the_terminal(caplog, capfd):
    pool = ProducerPool()
    shared = pool.acquire(("127.0.0.1:1",), {})
    until = time.monotonic() + 10
    while "Connection refused" not in caplog.text:
        assert time.monotonic() < until
        shared.client.poll(0.05)
    pool.release(shared)
    assert {record.name for record in caplog.records} == {"driftline.transforms.sinks.kafka.kafka_producer"}
    assert capfd.readouterr().err == ""
