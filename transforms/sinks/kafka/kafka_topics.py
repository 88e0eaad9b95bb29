"""The topics that rows are written to: made where they do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from driftline.transforms.kafka_cluster import PATIENCE, KafkaUnavailable, cluster_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

#: What topics are made with: rows of one key are compacted to the last one, but lie side by side for a day
#: first, so that a reader sees which of them stands; and they are deleted after 30 days.
TOPIC_SETTINGS: Final[Mapping[str, str]] = {
    "cleanup.policy": "compact,delete",
    "min.compaction.lag.ms": str(24 * 3_600_000),
    "retention.ms": str(30 * 24 * 3_600_000),
}

_FORBIDDEN: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
}


def ensure_topics(brokers: Sequence[str], options: Mapping[str, str], topics: Sequence[str]) -> list[str]:
    """Make the topics that rows are written to, where they do not exist.

    Returns
    -------
    list of str
        Those that were made: one partition, so that rows are read in the order they were written in, the
        cluster's own replication, and `TOPIC_SETTINGS`.

    Raises
    ------
    KafkaUnavailable
        If the cluster cannot be reached, or a topic neither exists nor may be made.
    """
    admin, found = cluster_metadata(brokers, options)
    missing = [topic for topic in dict.fromkeys(topics) if topic not in found.topics]
    if not missing:
        return []
    wanted = [
        NewTopic(topic, num_partitions=1, replication_factor=-1, config=dict(TOPIC_SETTINGS))
        for topic in missing
    ]
    answers = admin.create_topics(wanted, operation_timeout=PATIENCE, request_timeout=PATIENCE)
    where = ", ".join(brokers)
    return [topic for topic, answer in answers.items() if _made(topic, where, answer)]


def _made(topic: str, where: str, answer: Future[None]) -> bool:
    try:
        answer.result()
    except KafkaException as exception:
        error = exception.args[0]
        if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another job was faster
            return False
        raise KafkaUnavailable(_not_made(topic, where, error)) from None
    return True


def _not_made(topic: str, where: str, error: KafkaError) -> str:
    settings = " ".join(f"--config {name}={value}" for name, value in TOPIC_SETTINGS.items())
    command = f"kafka-topics.sh --create --topic {topic} --partitions 1 {settings}"
    why = "may not be made with this login" if error.code() in _FORBIDDEN else "cannot be made"
    return (
        f"Kafka at {where}: topic {topic} does not exist and {why} ({error.str()}): make it yourself, "
        f"for example `{command}`, or name one that exists"
    )
