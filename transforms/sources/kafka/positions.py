"""Which partitions there are, and at which offsets a new job begins: fixed once, before the job starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from driftline.config import ConfigError, Problem
from driftline.transforms.kafka_cluster import PATIENCE, KafkaUnavailable, client_settings, cluster_metadata
from driftline.transforms.sources.kafka.partition import NEVER, Partition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.config.kafka import KafkaSource

#: Offset of a time behind the last message, or of a group that has committed none.
_NONE: Final = 0

# What consumers of all partitions together may fetch ahead, and one of them at least and at most.
_BUFFER_KBYTES: Final = 512 * 1024
_LEAST_KBYTES: Final = 4 * 1024
_MOST_KBYTES: Final = 64 * 1024


def consumer_settings(source: KafkaSource, partitions: int) -> dict[str, Any]:
    """Settings of the consumer of one partition.

    Parameters
    ----------
    partitions
        Number of partitions: together they fetch ahead half a gigabyte at most, so that a job that falls
        behind leaves messages in Kafka and not in memory.

    Returns
    -------
    dict
        For `confluent_kafka.Consumer`; the user's options go first. May hold secrets.
    """
    buffer = min(max(_BUFFER_KBYTES // max(partitions, 1), _LEAST_KBYTES), _MOST_KBYTES)
    ours = {
        "fetch.wait.max.ms": 100,
        "fetch.message.max.bytes": 4 << 20,
        "queued.min.messages": 100_000,
        "queued.max.messages.kbytes": buffer,
        "isolation.level": "read_committed",
        "log_level": 3,
    }
    fixed = {
        "group.id": source.group or "driftline",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # an offset that is lost is said and counted, never jumped over in silence
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
    }
    return ours | client_settings(source.brokers, source.options) | fixed


def partitions_of(metadata: Any, source: KafkaSource) -> dict[str, list[int]]:
    """Find the partitions of the source's topics.

    Returns
    -------
    dict of str to list of int
        Partition numbers by topic; topics that do not exist are left out.
    """
    if source.topic_pattern is not None:
        pattern = re.compile(source.topic_pattern)
        # names that begin so are the cluster's own
        topics = sorted(
            name for name in metadata.topics if pattern.fullmatch(name) and not name.startswith("__")
        )
    else:
        topics = list(source.topics)
    found = {}
    for name in topics:
        topic = metadata.topics.get(name)
        if topic is not None and topic.error is None and topic.partitions:
            found[name] = sorted(topic.partitions)
    return found


def starting_partitions(source: KafkaSource, key: str, name: str, *, bounded: bool) -> list[Partition]:
    """Fix the offsets at which a new job begins, and a bounded one ends.

    Parameters
    ----------
    key
        Where it is configured, such as ``labels.source.kafka``, for messages.
    name
        What the configuration is called, for messages.
    bounded
        Whether to read to the end offsets as they are now. A bounded job that is to start at ``latest``
        starts at the earliest offset: there would be nothing to read.

    Returns
    -------
    list of Partition
        In order of topic and number.

    Raises
    ------
    ConfigError
        If the cluster cannot be reached, a topic does not exist, or an offset is not there.
    """
    try:
        _, metadata = cluster_metadata(source.brokers, source.options)
    except KafkaUnavailable as error:
        raise ConfigError(name, [error.problem(key)]) from None
    found = partitions_of(metadata, source)
    missing = [topic for topic in source.topics if topic not in found]
    if missing:
        there = sorted(topic for topic in metadata.topics if not topic.startswith("__"))[:20]
        raise _problem(
            name,
            f"{key}.topic",
            f"does not exist at {', '.join(source.brokers)}",
            f"create it, or name one of: {', '.join(there) or 'none, the cluster has no topics'}",
            ", ".join(missing),
        )
    pairs = [TopicPartition(topic, number) for topic, numbers in found.items() for number in numbers]
    try:
        consumer = Consumer(consumer_settings(source, len(pairs)) | {"log_level": 0})
    except KafkaException as error:
        # the text may quote the value, which may be a secret
        why = f"cannot be used by a consumer ({error.args[0].name()})"
        raise _problem(name, f"{key}.options", why, "correct them: librdkafka's CONFIGURATION.md") from None
    try:
        bounds = {
            (pair.topic, pair.partition): consumer.get_watermark_offsets(pair, timeout=PATIENCE)
            for pair in pairs
        }
        starts = _starts(consumer, source, key, name, bounds, bounded=bounded)
    except KafkaException as error:
        why = f"cannot be read: {error.args[0].str()}"
        topics = ", ".join(found)
        raise _problem(name, f"{key}.topic", why, "check the rights of this login", topics) from None
    finally:
        consumer.close()
    return [
        Partition(*pair, start, max(bounds[pair][1], start) if bounded else NEVER)
        for pair, start in starts.items()
    ]


def _starts(
    consumer: Consumer,
    source: KafkaSource,
    key: str,
    name: str,
    bounds: Mapping[tuple[str, int], tuple[int, int]],
    *,
    bounded: bool,
) -> dict[tuple[str, int], int]:
    start = source.start
    if start.kind == "latest" and not bounded:
        return {pair: high for pair, (_, high) in bounds.items()}
    if start.kind in {"earliest", "latest"}:
        return {pair: low for pair, (low, _) in bounds.items()}
    if start.kind == "offsets":
        return {pair: _explicit(source, key, name, pair, bounds[pair]) for pair in bounds}
    if start.kind == "committed":
        answers = consumer.committed([TopicPartition(*pair) for pair in bounds], timeout=PATIENCE)
    else:
        assert start.time_us is not None
        at = start.time_us // 1000
        answers = consumer.offsets_for_times([TopicPartition(*pair, at) for pair in bounds], timeout=PATIENCE)
    found = {(answer.topic, answer.partition): answer.offset for answer in answers}
    # behind the last message: its end; never committed, or committed and deleted since: the earliest
    otherwise = {pair: low if start.kind == "committed" else high for pair, (low, high) in bounds.items()}
    return {
        pair: max(found[pair], low) if found[pair] >= _NONE else otherwise[pair]
        for pair, (low, _) in bounds.items()
    }


def _explicit(
    source: KafkaSource, key: str, name: str, pair: tuple[str, int], bounds: tuple[int, int]
) -> int:
    topic, number = pair
    low, high = bounds
    offset = source.start.offset(topic, number)
    where = f"partition {number} of topic {topic}"
    if offset is None:
        raise _problem(name, f"{key}.start", f"has no offset for {where}", "name every partition")
    if not low <= offset <= high:
        raise _problem(
            name,
            f"{key}.start",
            f"is not among the offsets of {where}",
            f"write {low} to {high}",
            str(offset),
        )
    return offset


def _problem(name: str, key: str, what: str, remedy: str, value: str = "") -> ConfigError:
    return ConfigError(name, [Problem(key, what, remedy, value)])
