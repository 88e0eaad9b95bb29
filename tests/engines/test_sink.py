"""Rows in a real topic: each once for whoever keeps what stands, whatever is repeated or too large."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.metrics import MetricsFilter
from confluent_kafka import Consumer, TopicPartition

from driftline.tables import DEAD_LETTER, RESULT, standing_rows
from driftline.transforms.kafka_cluster import KafkaUnavailable
from driftline.transforms.sinks.kafka.kafka_producer import PRODUCERS
from driftline.transforms.sinks.kafka.kafka_topics import ensure_topics
from driftline.transforms.sinks.kafka.write_kafka import NotDelivered, ProduceRows, WriteToKafka
from tests.engines.conftest import LOGIN, need
from tests.engines.sink_rows import consumed, letters, results
from tools.kafka.broker import KafkaBroker

ROOT = Path(__file__).parents[2]
FORMATS = pytest.mark.parametrize("value_format", ["json", "avro"])


def table(*batches):
    return pa.Table.from_batches(batches)


def ordered(rows):
    return rows.sort_by("row_id").combine_chunks()


@pytest.fixture
def sink(broker):
    """A DoFn that is set up as a worker does it: ``sink(topic, schema, **options)``."""
    made = []

    def make(topic, schema=RESULT, value_format="json", brokers=broker.bootstrap, **options):
        settings = {name.replace("_", "."): str(value) for name, value in options.items()}
        produce = ProduceRows((brokers,), topic, schema, value_format, settings)
        produce.setup()
        made.append(produce)
        return produce

    yield make
    for produce in made:
        produce.teardown()
    assert len(PRODUCERS) == 0


def bundle(produce, *batches):
    produce.start_bundle()
    for batch in batches:
        produce.process(batch)
    produce.finish_bundle()


@FORMATS
def test_a_pipeline_writes_every_row_with_key_and_headers(broker, topic, value_format):
    name = topic()
    batches = [results(window) for window in range(3)]
    with beam.Pipeline("FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(batches).with_output_types(pa.RecordBatch)
            | WriteToKafka([broker.bootstrap], name, RESULT, value_format)
        )
    messages, rows = consumed(broker, name)
    assert ordered(rows).equals(ordered(table(*batches)))
    assert len(PRODUCERS) == 0
    for message, row in zip(messages, rows["row_id"].to_pylist(), strict=True):
        assert message.key() == row.encode()
        assert dict(message.headers())["row_id"] == message.key()
        assert dict(message.headers())["schema"] == b"Result/1"


def test_what_is_written_and_how_late_is_counted(broker, topic):
    name = topic()
    pipeline = beam.Pipeline("FnApiRunner")
    batches = [results(0), results(1), results(0, n=120, pane_index=1)]
    _ = (
        pipeline
        | beam.Create(batches).with_output_types(pa.RecordBatch)
        | WriteToKafka([broker.bootstrap], name, RESULT)
    )
    result = pipeline.run()
    result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace("driftline"))
    counters = {metric.key.metric.name: metric.result for metric in found["counters"]}
    (delay,) = [metric.result for metric in found["distributions"]]
    assert counters == {"written": 60, "sink_delay_ms_sum": delay.sum, "sink_delay_ms_count": delay.count}
    assert delay.count == 2  # the two windows; a late pane says nothing about the delay
    assert delay.max - delay.min == 60_000


def test_replays_and_late_panes_leave_each_result_once(broker, topic, sink):
    """Every order in which a runner may write the panes of a window, old ones again behind new ones too."""
    name = topic()
    shuffled = random.Random(4)
    panes = [
        results(window, n=n, emitted_at=n, pane_index=index, features=features)
        for window in range(5)
        for index, (n, features) in enumerate([(100, None), (130, ["f1", "f2"]), (131, ["f2"])])
        for features in [features or [f"f{number}" for number in range(20)]]
    ]
    replayed = panes * 3
    shuffled.shuffle(replayed)
    for value_format in ("json", "avro"):
        bundle(sink(name, value_format=value_format), *replayed)
    _, rows = consumed(broker, name)
    assert rows.num_rows == 6 * sum(pane.num_rows for pane in panes)
    expected = {
        (row["window_start"], row["feature"]): row for pane in panes for row in pane.to_pylist()
    }  # the last pane of each is the one with the largest n
    stand = standing_rows(rows).to_pylist()
    assert {(row["window_start"], row["feature"]): row for row in stand} == expected
    assert len(stand) == len(expected) == 100


def test_a_killed_writer_that_starts_again_leaves_each_result_once(broker, topic):
    name, windows = topic(), 150
    command = [sys.executable, "-m", "tests.engines.sink_rows", broker.bootstrap, name, str(windows)]
    watch = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "watch"})
    for share in (0.2, 0.5):
        writer = subprocess.Popen(command, cwd=ROOT)
        begin = watch.get_watermark_offsets(TopicPartition(name, 0), timeout=10)[1]
        while (
            watch.get_watermark_offsets(TopicPartition(name, 0), timeout=10)[1] - begin < share * windows * 20
        ):
            assert writer.poll() is None
            time.sleep(0.005)
        writer.kill()
        writer.wait()
    watch.close()
    _, rows = consumed(broker, name)
    killed = rows.num_rows
    assert 0.7 * windows * 20 <= killed < 2 * windows * 20
    assert standing_rows(rows).num_rows < windows * 20
    subprocess.run(command, cwd=ROOT, check=True)
    _, rows = consumed(broker, name)
    assert rows.num_rows == killed + windows * 20
    expected = table(*(results(window) for window in range(windows)))
    assert ordered(standing_rows(rows)).equals(ordered(expected))


@FORMATS
def test_a_dead_letter_is_cut_to_what_the_producer_takes(broker, topic, sink, value_format):
    name = topic(max_message_bytes=5_000_000)
    payloads = [bytes(10), random.Random(1).randbytes(1_000_000), bytes(20)]
    bundle(sink(name, DEAD_LETTER, value_format), letters(*payloads))
    _, rows = consumed(broker, name, DEAD_LETTER)
    small, large, other = rows.to_pylist()
    assert (small["payload"], other["payload"]) == (payloads[0], payloads[2])
    kept = len(large["payload"])
    assert 700_000 < kept < 1_000_000
    assert large["payload"] == payloads[1][:kept]
    assert large["detail"] == f"not Avro (payload cut from 1000000 to {kept} bytes to fit the topic)"


def test_a_producer_that_may_send_more_cuts_nothing(broker, topic, sink):
    name = topic(max_message_bytes=5_000_000)
    payload = random.Random(1).randbytes(1_000_000)
    bundle(sink(name, DEAD_LETTER, message_max_bytes=4_000_000), letters(payload))
    _, rows = consumed(broker, name, DEAD_LETTER)
    assert rows["payload"].to_pylist() == [payload]


def test_a_topic_that_takes_less_than_the_producer_stops_nothing(broker, topic, sink):
    name = topic(max_message_bytes=100_000)
    noise = random.Random(1)
    payloads = [noise.randbytes(size) for size in (10, 50_000, 1_000_000, 60_000, 70_000, 999)]
    produce = sink(name, DEAD_LETTER)
    bundle(produce, letters(*payloads))
    bundle(produce, letters(noise.randbytes(500_000), first=6))
    _, rows = consumed(broker, name, DEAD_LETTER)
    found = {int(row["position"]): row for row in standing_rows(rows).to_pylist()}
    assert sorted(found) == list(range(7))
    for position in (0, 1, 3, 4, 5):
        assert found[position]["payload"] == payloads[position], position  # each alone fits
    for position in (2, 6):
        assert 20_000 < len(found[position]["payload"]) < 75_000
        assert "to fit the topic" in found[position]["detail"]


def test_results_that_fit_one_by_one_but_not_together_are_written(broker, topic, sink):
    name = topic(max_message_bytes=5_000)
    batches = [results(window) for window in range(5)]
    bundle(sink(name, compression_type="none"), *batches)
    _, rows = consumed(broker, name)
    assert ordered(standing_rows(rows)).equals(ordered(table(*batches)))


def test_a_topic_that_takes_no_result_is_named_with_the_remedy(broker, topic, sink):
    name = topic(max_message_bytes=500)
    with pytest.raises(NotDelivered, match=rf"topic {name}: 1 of 20 rows of Result .*max.message.bytes"):
        bundle(sink(name, compression_type="none"), results(0))


def test_a_full_producer_waits_instead_of_growing(broker, topic, sink):
    name = topic()
    batches = [results(window) for window in range(20)]
    bundle(sink(name, queue_buffering_max_messages=10), *batches)
    _, rows = consumed(broker, name)
    assert rows.equals(table(*batches).combine_chunks())  # in order, too


def test_a_missing_topic_fails_the_bundle_and_a_retry_succeeds(broker, topic, sink, admin):
    name = "missing-" + topic()
    produce = sink(name, message_timeout_ms=8_000, topic_metadata_propagation_max_ms=1_000)
    with pytest.raises(
        NotDelivered, match=rf"topic {name}: 20 of 20 rows of Result were not written: .*make"
    ):
        bundle(produce, results(0))
    assert ensure_topics([broker.bootstrap], {}, [name]) == [name]
    bundle(produce, results(0))
    _, rows = consumed(broker, name)
    assert standing_rows(rows).num_rows == 20


def test_a_topic_that_is_deleted_fails_the_bundle_and_can_be_made_again(
    broker, topic, sink, admin, delete_topic
):
    name = topic()
    produce = sink(name, message_timeout_ms=8_000, topic_metadata_propagation_max_ms=1_000)
    bundle(produce, results(0))
    delete_topic(name)
    with pytest.raises(NotDelivered, match=rf"topic {name}: 20 of 20 rows of Result were not written"):
        bundle(produce, results(1))
    ensure_topics([broker.bootstrap], {}, [name])
    bundle(produce, results(1))
    _, rows = consumed(broker, name)
    assert ordered(standing_rows(rows)).equals(ordered(table(results(1))))


def test_one_producer_serves_a_process_and_bundles_do_not_mix(broker, topic, sink):
    good, bad = topic(), "missing-" + topic()
    fast = {"message_timeout_ms": 6_000, "topic_metadata_propagation_max_ms": 1_000}
    sinks = [sink(name, **fast) for name in (good, bad, good)]
    assert len(PRODUCERS) == 1
    failures = []

    def run(produce, window):
        try:
            bundle(produce, *[results(window)] * 3)
        except NotDelivered as error:
            failures.append(str(error))

    threads = [threading.Thread(target=run, args=(s, number)) for number, s in enumerate(sinks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 1
    assert bad in failures[0]
    _, rows = consumed(broker, good)
    assert ordered(standing_rows(rows)).equals(ordered(table(results(0), results(2))))


def test_topics_are_made_once_and_keep_what_was_written(broker, topic, admin):
    from confluent_kafka.admin import ConfigResource

    there, new = topic(), "made-" + topic()
    assert ensure_topics([broker.bootstrap], {}, [there, new, new]) == [new]
    assert ensure_topics([broker.bootstrap], {}, [there, new]) == []
    resource = ConfigResource(ConfigResource.Type.TOPIC, new)
    (answer,) = admin.describe_configs([resource]).values()
    settings = answer.result(10)
    assert settings["cleanup.policy"].value == "compact,delete"
    assert int(settings["min.compaction.lag.ms"].value) == 86_400_000
    assert len(admin.list_topics(new, timeout=10).topics[new].partitions) == 1


def test_a_name_that_no_topic_may_have_is_named(broker):
    with pytest.raises(KafkaUnavailable, match=r"topic a b does not exist and cannot be made"):
        ensure_topics([broker.bootstrap], {}, ["a b"])


def test_a_login_is_checked_before_anything_starts(guarded_broker):
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": LOGIN.user,
        "sasl.password": LOGIN.password,
    }
    assert ensure_topics([guarded_broker.sasl_bootstrap], login, ["a"]) == ["a"]
    began = time.monotonic()
    with pytest.raises(KafkaUnavailable) as refused:
        ensure_topics([guarded_broker.sasl_bootstrap], login | {"sasl.password": "shut sesame"}, ["a"])
    assert time.monotonic() - began < 5
    assert "refused the login" in str(refused.value)
    assert "sasl.password" in str(refused.value)
    assert "shut sesame" not in str(refused.value)


def test_rows_wait_for_a_broker_that_is_away(tmp_path):
    """A broker that comes back within the timeout is no failure: nothing is lost, nothing is raised."""
    need("java", "mvn")
    broker = KafkaBroker(tmp_path)
    broker.start()
    try:
        ensure_topics([broker.bootstrap], {}, ["r"])
        produce = ProduceRows((broker.bootstrap,), "r", RESULT, "json", {})
        produce.setup()
        bundle(produce, results(0))
        broker.kill()
        back = threading.Timer(3, broker.start)
        back.start()
        bundle(produce, results(1))
        back.join()
        produce.teardown()
        _, rows = consumed(broker, "r")
        assert ordered(standing_rows(rows)).equals(ordered(table(results(0), results(1))))
        broker.kill()
        gone = ProduceRows((broker.bootstrap,), "r", RESULT, "json", {"message.timeout.ms": "2000"})
        gone.setup()
        with pytest.raises(NotDelivered, match=r"20 of 20 rows .*timed out.*check `brokers`"):
            bundle(gone, results(2))
        gone.teardown()
    finally:
        broker.stop()


def test_the_consumer_of_the_documentation_has_each_result_once(broker, topic, sink):
    name = topic()
    panes = [results(0), results(0, n=120, emitted_at=1, pane_index=1), results(0, emitted_at=2), results(1)]
    bundle(sink(name), *panes)
    page = (ROOT / "docs/how-to/kafka-sink.md").read_text()
    reading, whole = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    reading = reading.replace("localhost:9092", broker.bootstrap).replace("drift-results", name)
    assert "while True:" in reading
    names = {"more": iter([True] * sum(pane.num_rows for pane in panes))}
    # as many turns as there are messages, and then none
    exec(reading.replace("while True:", "while next(more, False):").replace("poll(1.0)", "poll(20)"), names)
    assert len(names["stands"]) == 40
    assert sorted(row["n"] for row in names["stands"].values()) == [100] * 20 + [120] * 20
    names["consumer"].close()
    names["consumer"] = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "once more"})
    names["consumer"].assign([TopicPartition(name, 0, 0)])
    exec(whole.replace("10_000, timeout=5.0", "80, timeout=20"), names)
    names["consumer"].close()
    assert ordered(names["results"]).equals(ordered(table(panes[1], panes[3])))
