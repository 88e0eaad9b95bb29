"""Read a real broker, bundle by bundle: nothing twice, nothing lost, nothing stuck."""

from __future__ import annotations

import io
import json
import random
import time
import uuid
from collections import Counter

import fastavro
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from driftline.config import ConfigError
from driftline.pipelines.configured_sources import event_reader
from driftline.transforms.sources.kafka.discover import DiscoverPartitions, KnownTracker, encode_known
from driftline.transforms.sources.kafka.offset_tracker import MicrosecondWatermark
from driftline.transforms.sources.kafka.partition import Partition
from driftline.transforms.sources.kafka.positions import starting_partitions
from tests.engines.reading import config_of, counts, driven
from tools.processes import wait_until

MINUTE = 60_000


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def send(broker):
    """Send events to a topic: ``send(topic, partition, times, x=...)``."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 8_000_000})

    def send(topic, partition, times, values=None, **more):
        for number, at in enumerate(times):
            event = {
                "at": at,
                "id": uuid.uuid4().hex,
                "x": float(number) if values is None else values[number],
            }
            producer.produce(topic, json.dumps(event | more).encode(), partition=partition)
        assert producer.flush(10) == 0

    send.raw = lambda topic, partition, value, **kw: (
        producer.produce(topic, value, partition=partition, **kw),
        producer.flush(10),
    )
    return send


def test_bounded_reading_ends_at_the_offsets_of_the_start(broker, topic, send):
    name = topic(2)
    send(name, 0, [1, 2, 3])
    send(name, 1, [4, 5])
    partitions = driven(config_of(broker, f"topic: {name}, format: json"), bounded=True)
    send(name, 0, [9])
    for partition in partitions:
        partition.bundle()
        assert partition.ended
    assert [[e["time"] for e in p.events] for p in partitions] == [[1000, 2000, 3000], [4000, 5000]]
    assert counts()["decoded"] == 5


def test_bounded_reading_does_not_go_beyond_its_end_over_gaps(broker, topic, send):
    name = topic()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
    producer.init_transactions(10)
    for _ in range(3):
        producer.begin_transaction()
        producer.produce(name, b'{"at": 1}', partition=0)
        producer.commit_transaction(10)
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json"), bounded=True)
    send(name, 0, [9] * 20)
    partition.bundle()
    assert [event["time"] for event in partition.events] == [1000] * 3


def test_a_stream_goes_on_from_each_checkpoint(broker, topic, send):
    name = topic()
    now = now_ms()
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json"))
    for part in range(5):
        send(name, 0, [now + part * 10 + i for i in range(10)])
        partition.until(lambda: len(partition.events) == 10 * (part + 1))  # noqa: B023
    assert [e["time"] // 1000 - now for e in partition.events] == list(range(50))
    assert partition.position == 50


def test_a_bundle_that_is_tried_again_reads_the_same(broker, topic, send):
    name = topic()
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json"))
    before, watermark = partition.span, partition.watermark.get_estimator_state()
    send(name, 0, [now_ms() + i for i in range(100)])
    partition.until(lambda: len(partition.events) == 100)
    first, partition.events = partition.events, []
    partition.span = before
    partition.watermark = type(partition.watermark)(watermark)
    partition.until(lambda: len(partition.events) == 100)
    assert partition.events == first


def test_what_is_no_event_becomes_a_dead_letter_with_its_place(broker, topic, send):
    name = topic()
    send(name, 0, [1])
    send.raw(name, 0, b"nonsense")
    send.raw(name, 0, None, key=b"a tombstone")
    send.raw(name, 0, b"x" * 5_000_000)
    send(name, 0, [2])
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json"), bounded=True)
    partition.bundle()
    assert [e["time"] for e in partition.events] == [1000, 2000]
    found = [(d["source"], d["position"], d["reason"], len(d["payload"])) for d in partition.dead_letters]
    assert sorted(found) == [
        (f"{name}-0", "1", "undecodable", 8),
        (f"{name}-0", "2", "no_value", 0),
        (f"{name}-0", "3", "undecodable", 1_000_000),
    ]
    assert counts()["decoded"] == 5
    assert counts()["rejected"] == 3


def test_rows_that_are_too_late_are_dropped_and_counted_here(broker, topic, send):
    name = topic()
    now = now_ms() // (30 * 1000) * 30 * 1000 - 10 * MINUTE
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, start: earliest, disorder: 1s"))
    # slices of 30 s, windows of 60, lateness 30: a row is too late 60 s after the end of its slice
    send(name, 0, [now, now + 5 * MINUTE, now + 4 * MINUTE, now + 3 * MINUTE, now])
    partition.until(lambda: counts().get("decoded") == 5)
    assert [e["time"] // 1000 - now for e in partition.events] == [0, 5 * MINUTE, 4 * MINUTE]
    assert counts()["dropped_late"] == 2
    assert partition.watermark.micros() == (now + 5 * MINUTE - 1000) * 1000


def test_a_producer_a_day_ahead_closes_nobodys_windows(broker, topic, send):
    name = topic()
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, start: earliest, max_ahead: 1h"))
    now = now_ms()
    send(name, 0, [now, now + 24 * 60 * MINUTE, now + 30 * MINUTE, now + 1])
    partition.until(lambda: counts().get("decoded") == 4)
    assert [e["time"] // 1000 - now for e in partition.events] == [0, 30 * MINUTE, 1]
    assert [d["reason"] for d in partition.dead_letters] == ["future_event_time"]
    assert json.loads(partition.dead_letters[0]["payload"])["at"] == now + 24 * 60 * MINUTE
    assert partition.watermark.micros() <= time.time_ns() // 1000


def test_an_idle_partition_lets_the_watermark_go_and_a_lagging_one_does_not(broker, topic, send):
    name = topic(2)
    empty, lagging = driven(
        config_of(broker, f"topic: {name}, format: json, start: earliest, idle_after: 2s, disorder: 1s")
    )
    at = now_ms() - MINUTE
    send(name, 1, [at])
    lagging.until(lambda: len(lagging.events) == 1)
    begin = time.monotonic()
    empty.until(lambda: empty.watermark.micros() is not None)
    assert time.monotonic() - begin > 1.9
    assert abs(empty.watermark.micros() - (time.time_ns() // 1000 - 1_000_000)) < 2_000_000
    for step in range(1, 31):  # never caught up for as long as the partition would need to be idle
        send(name, 1, [at + step])
        lagging.bundle()
        time.sleep(0.1)
    assert lagging.watermark.micros() <= (at + 30) * 1000


def test_an_open_transaction_is_not_idleness(broker, topic):
    name = topic()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
    producer.init_transactions(10)
    config = config_of(broker, f"topic: {name}, format: json, start: earliest, idle_after: 1s, disorder: 1s")
    (partition,) = driven(config)
    at = now_ms() - MINUTE
    for row in range(2):
        producer.begin_transaction()
        producer.produce(name, json.dumps({"at": at + row, "x": 1.0}).encode(), partition=0)
        producer.flush(10)
        until = time.monotonic() + 3
        while row == 1 and time.monotonic() < until:
            partition.bundle()
            time.sleep(0.05)
        if row == 1:
            assert partition.watermark.micros() == (at - 1000) * 1000
        producer.commit_transaction(10)
        partition.until(lambda: len(partition.events) == row + 1)  # noqa: B023


def test_the_end_of_a_transaction_does_not_keep_a_partition_from_being_idle(broker, topic):
    name = topic()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
    producer.init_transactions(10)
    for commit in (False, True):
        producer.begin_transaction()
        producer.produce(name, json.dumps({"at": now_ms(), "x": float(commit)}).encode(), partition=0)
        producer.flush(10)
        (producer.commit_transaction if commit else producer.abort_transaction)(10)
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, start: earliest, idle_after: 1s"))
    partition.until(lambda: partition.events)
    read_to = partition.watermark.micros()
    partition.until(lambda: partition.watermark.micros() > read_to)
    assert [e["feature.x"] for e in partition.events] == [1.0]
    assert partition.position == 4
    (bounded,) = driven(config_of(broker, f"topic: {name}, format: json"), bounded=True)
    bounded.bundle()
    assert bounded.ended
    assert len(bounded.events) == 1


def test_messages_deleted_before_they_were_read_are_counted_and_passed_over(broker, topic, send, admin):
    name = topic()
    send(name, 0, [1, 2, 3, 4])
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, start: earliest"))
    (deleted,) = admin.delete_records([TopicPartition(name, 0, 3)]).values()
    deleted.result(10)
    partition.until(lambda: partition.events)
    assert [e["time"] for e in partition.events] == [4000]
    assert counts()["lost_offsets"] == 3


def test_a_topic_that_is_deleted_holds_nobody_back_for_ever(
    broker, topic, send, delete_topic, monkeypatch, caplog
):
    monkeypatch.setattr("driftline.transforms.sources.kafka.consumers.MISSING_FOR", 3_000_000)
    name = topic()
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, idle_after: 1s"))
    send(name, 0, [now_ms() - MINUTE])
    partition.until(lambda: partition.events)
    read_to = partition.watermark.micros()
    delete_topic(name)
    partition.until(lambda: partition.watermark.micros() > read_to, seconds=90)
    assert counts()["partitions_gone"] == 1
    assert "no longer exists: the job goes on without it" in caplog.text


def test_a_topic_that_was_made_anew_ends_with_a_clear_message(
    broker, topic, send, delete_topic, admin, monkeypatch, caplog
):
    monkeypatch.setattr("driftline.transforms.sources.kafka.consumers.MISSING_FOR", 2_000_000)
    name = topic()
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json"))
    send(name, 0, [now_ms()] * 5)
    partition.until(lambda: len(partition.events) == 5)
    delete_topic(name)
    (made,) = admin.create_topics([NewTopic(name, 1)]).values()
    made.result(20)
    end = time.monotonic() + 90
    while not partition.ended:
        assert time.monotonic() < end
        partition.bundle()
        time.sleep(0.05)
    assert "it ends at offset 0 and was read to 5: it was made anew" in caplog.text


def test_event_time_of_the_record(broker, topic, send):
    name = topic()
    send.raw(name, 0, json.dumps({"x": 1.5}).encode(), timestamp=1_700_000_000_123)
    (partition,) = driven(config_of(broker, f"topic: {name}, format: json, event_time: record"), bounded=True)
    partition.bundle()
    assert partition.events == [{"time": 1_700_000_000_123_000, "feature.x": 1.5}]


def offsets(config, **keys):
    return {
        (p.topic, p.number): p.start
        for p in starting_partitions(config.source.kafka, "source.kafka", "c", bounded=False, **keys)
    }


def test_where_a_new_job_begins(broker, topic, send, admin):
    name, other = topic(2), topic()
    for at in (1_000_000_000_000, 1_000_000_060_000):
        send.raw(name, 0, b"{}", timestamp=at)
    send.raw(name, 1, b"{}", timestamp=1_000_000_000_000)

    def start(keys):
        return offsets(config_of(broker, f"topic: {name}, format: json, {keys}"))

    assert start("start: latest") == {(name, 0): 2, (name, 1): 1}
    assert start("start: earliest") == {(name, 0): 0, (name, 1): 0}
    assert start('start: "2001-09-09T01:47:00Z"') == {(name, 0): 1, (name, 1): 1}
    assert start("start: {0: 1, 1: 0}") == {(name, 0): 1, (name, 1): 0}
    both = config_of(broker, f"topic: [{name}, {other}], format: json, start: latest")
    assert offsets(both) == {(name, 0): 2, (name, 1): 1, (other, 0): 0}
    pattern = config_of(broker, f"topic_pattern: '{name[:-1]}.', format: json, start: latest")
    assert offsets(pattern) == {(name, 0): 2, (name, 1): 1}


def test_committed_offsets_are_where_lag_tools_see_them_and_a_new_job_can_begin(broker, topic, send):
    name = topic(2)
    group = f"group: g-{name}"
    read, _ = driven(config_of(broker, f"topic: {name}, format: json, start: earliest, {group}"))
    send(name, 0, [now_ms()] * 7)
    read.until(lambda: len(read.events) == 7)
    committed = config_of(broker, f"topic: {name}, format: json, start: committed, {group}")

    def all_committed():
        read.bundle()  # offsets are committed by bundles, at most every few seconds
        return offsets(committed) == {(name, 0): 7, (name, 1): 0}

    wait_until(all_committed, 30, "the offsets, committed in the background")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("start: {0: 0}", r"(?s)start.*has no offset for partition 1 of topic"),
        ("start: {0: 9, 1: 0}", r"(?s)start.*9.*is not among the offsets of partition 0.*write 0 to 0"),
    ],
)
def test_offsets_that_are_not_there(broker, topic, keys, message):
    config = config_of(broker, f"topic: {topic(2)}, format: json, {keys}")
    with pytest.raises(ConfigError, match=message):
        event_reader(config, bounded=False)


def test_a_topic_that_is_missing_at_the_start(broker, topic):
    there = topic()
    with pytest.raises(ConfigError, match=rf"(?s)source.kafka.topic.*nowhere.*does not exist.*{there}"):
        event_reader(config_of(broker, "topic: nowhere, format: json"), bounded=False)


def discovered(dofn, element, known):
    """One call of the search for partitions: partitions handed out, and what a checkpoint keeps."""
    tracker = KnownTracker(known)
    found = list(dofn.process(element, tracker=Put(tracker), watermark=MicrosecondWatermark(None)))
    tracker.check_done()
    return [Partition.from_bytes(each) for each in found], tracker.current_restriction()


class Put:
    """A view of a tracker whose remainder is put off at once."""

    def __init__(self, tracker):
        self.current_restriction, self.try_claim = tracker.current_restriction, tracker.try_claim
        self.defer_remainder = lambda _delay: tracker.try_split(0)


def test_partitions_that_are_added_are_read_from_their_beginning(broker, topic, add_partitions, send):
    name = topic(2)
    send(name, 0, [1, 2, 3])
    config = config_of(broker, f"topic: {name}, format: json")
    reader = event_reader(config, bounded=False)
    element = json.dumps([json.loads(each.to_bytes()) for each in reader.partitions]).encode()
    dofn = DiscoverPartitions(config.source.kafka, 0)
    first, kept = discovered(dofn, element, encode_known([], None))
    assert [(each.number, each.start, each.watermark) for each in first] == [(0, 3, None), (1, 0, None)]
    nothing, kept = discovered(dofn, element, kept)
    assert nothing == []
    before = time.time_ns() // 1000
    add_partitions(name, 4)
    until, added = time.monotonic() + 20, []
    while len(added) < 2 and time.monotonic() < until:  # a new partition has no leader for a moment
        more, kept = discovered(dofn, element, kept)
        added += more
    assert [(each.number, each.start) for each in added] == [(2, 0), (3, 0)]
    # no row of them is older than the last list that lacked them
    assert all(before - 10_000_000 < each.watermark + 5_000_000 <= before for each in added)
    assert discovered(dofn, element, kept)[0] == []
    dofn.teardown()


def test_a_partition_an_hour_behind_loses_nothing(broker, topic, send):
    name = topic(2)
    ahead, behind = driven(config_of(broker, f"topic: {name}, format: json, start: earliest"))
    now = now_ms()
    send(name, 0, [now - 1000 * i for i in range(30)][::-1])
    send(name, 1, [now - 60 * MINUTE + 1000 * i for i in range(30)])
    ahead.until(lambda: len(ahead.events) == 30)
    behind.until(lambda: len(behind.events) == 30)
    assert "dropped_late" not in counts()
    assert behind.watermark.micros() < ahead.watermark.micros() - 3_000_000_000


AVRO = """{"type": "record", "name": "Event", "fields": [{"name": "at", "type": "long"},
  {"name": "x", "type": ["null", "double"], "default": null}%s]}"""


def test_poison_among_messages_whose_schema_changes_in_the_middle(broker, topic, tmp_path):
    rng = random.Random(4)
    schemas = {1: AVRO % "", 2: AVRO % ', {"name": "y", "type": "string"}'}
    for number, schema in schemas.items():
        (tmp_path / f"v{number}.avsc").write_text(schema)
    parsed = {number: fastavro.parse_schema(json.loads(schema)) for number, schema in schemas.items()}
    name, want = topic(), Counter()
    settings = {"bootstrap.servers": broker.bootstrap, "message.max.bytes": 8_000_000}
    producer = Producer(settings)
    for place in range(5_000):
        version = 1 if place < 2_500 else 2
        buffer = io.BytesIO()
        event = {"at": place, "x": float(place)} | ({"y": "more"} if version == 2 else {})
        fastavro.schemaless_writer(buffer, parsed[version], event)
        value = b"\0" + version.to_bytes(4, "big") + buffer.getvalue()
        what = rng.choices(["good", "random", "wrong id", "large", "tombstone"], [974, 10, 10, 1, 5])[0]
        value = {
            "good": value,
            "random": b"\1" + rng.randbytes(50),
            "wrong id": b"\0\0\0\0\7" + buffer.getvalue(),
            "large": rng.randbytes(5_000_000),
            "tombstone": None,
        }[what]
        want[what] += 1
        producer.produce(name, value, partition=0)
        producer.poll(0)
    assert producer.flush(30) == 0
    schema = f"{{1: {tmp_path}/v1.avsc, 2: {tmp_path}/v2.avsc}}"
    (partition,) = driven(
        config_of(broker, f"topic: {name}, format: confluent, schema: {schema}, start: earliest")
    )
    partition.until(lambda: counts().get("decoded", 0) >= 5_000, seconds=60)
    assert min(want.values()) > 0
    assert len(partition.events) == want["good"]
    assert {int(e["feature.x"]) * 1000 for e in partition.events} == {e["time"] for e in partition.events}
    reasons = Counter(letter["reason"] for letter in partition.dead_letters)
    assert reasons == {"undecodable": 5_000 - want["good"] - want["tombstone"], "no_value": want["tombstone"]}
    assert (
        sum("unknown schema id 7" in letter["detail"] for letter in partition.dead_letters)
        == want["wrong id"]
    )
    assert len({letter["row_id"] for letter in partition.dead_letters}) == len(partition.dead_letters)


def test_a_wrong_password_is_one_clear_error(guarded_broker):
    login = (
        "{security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: me, sasl.password: wrong}"
    )
    config = config_of(guarded_broker.sasl_bootstrap, f"topic: t, format: json, options: {login}")
    with pytest.raises(ConfigError, match="refused the login") as raised:
        event_reader(config, bounded=False)
    assert "wrong" not in str(raised.value)
