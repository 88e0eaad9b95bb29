"""Reach a Kafka cluster: settings for its clients, one clear error, and topics that a sink needs."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from driftline.config import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

#: Seconds that are waited for a cluster to answer.
PATIENCE: Final = 10.0

#: What topics are made with: rows of one key are compacted to the last one, but lie side by side for a day
#: first, so that a reader sees which of them stands; and they are deleted after 30 days.
TOPIC_SETTINGS: Final[Mapping[str, str]] = {
    "cleanup.policy": "compact,delete",
    "min.compaction.lag.ms": str(24 * 3_600_000),
    "retention.ms": str(30 * 24 * 3_600_000),
}

_LOGIN: Final = {
    KafkaError._AUTHENTICATION,  # noqa: SLF001  # the client's own errors begin with an underscore
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._SSL,  # noqa: SLF001
}
_FORBIDDEN: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
}


class KafkaUnavailable(RuntimeError):  # noqa: N818  # says what is the case, like the words of the message
    """A Kafka cluster cannot be used as it was configured.

    Parameters
    ----------
    message : str
        What was tried, why it did not work, and behind the last colon the remedy. Never a secret.
    """

    def problem(self, key: str) -> Problem:
        """Say the same of a key of the configuration.

        Parameters
        ----------
        key
            The key.

        Returns
        -------
        Problem
        """
        what, _, remedy = str(self).rpartition(": ")
        return Problem(key, what, remedy)


def client_settings(brokers: Sequence[str], options: Mapping[str, str]) -> dict[str, Any]:
    """Settings that every client of a cluster begins with.

    Parameters
    ----------
    brokers
        Bootstrap brokers, ``host:port``.
    options
        The user's librdkafka settings: they go before ours, but not before `brokers`.

    Returns
    -------
    dict
        For `confluent_kafka.Producer`, `confluent_kafka.Consumer` and `AdminClient`. It may hold secrets:
        never print it.

    Examples
    --------
    >>> client_settings(["a:9092", "b:9092"], {"client.id": "mine"})
    {'client.id': 'mine', 'log.connection.close': 'false', 'bootstrap.servers': 'a:9092,b:9092'}
    """
    ours = {"client.id": "driftline", "log.connection.close": "false"}
    return ours | dict(options) | {"bootstrap.servers": ",".join(brokers)}


class Complaints:
    """The last thing that a client's background threads complained of.

    A client goes on trying for ever; what is wrong it says only here. Hand `note` over as ``error_cb``.
    """

    def __init__(self) -> None:
        self.last: KafkaError | None = None
        self.login: KafkaError | None = None

    def note(self, error: KafkaError) -> None:
        """Keep a complaint; that a login failed is kept over what follows from it."""
        if error.code() in _LOGIN:
            self.login = error
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # what follows from the others
            self.last = error

    def sentence(self) -> str:
        """Say what is wrong, and the remedy.

        Returns
        -------
        str
            For the end of a message.
        """
        if self.login is not None:
            keys = "security.protocol, sasl.mechanism, sasl.username, sasl.password and ssl.ca.location"
            return f"it refused the login ({self.login.str()}): check {keys} in `options`"
        last = f" ({self.last.str()})" if self.last is not None else ""
        return (
            f"no broker answered{last}: check `brokers`, that they run and can be reached from here, and "
            "security.protocol in `options`"
        )


@contextmanager
def settings_named(brokers: Sequence[str], options: Mapping[str, str]) -> Iterator[None]:
    """Say what is wrong with the settings of a client that is made inside.

    Parameters
    ----------
    brokers, options
        As in `client_settings`.

    Raises
    ------
    KafkaUnavailable
        Naming the setting, never its value.
    """
    try:
        yield
    except (KafkaException, ValueError, TypeError) as error:
        why = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        for value in options.values():  # it quotes them, and one may be a secret in the wrong place
            why = why.replace(f'"{value}"', "what is set")
        raise KafkaUnavailable(
            f"Kafka at {', '.join(brokers)}: {why}: correct `options` (librdkafka's CONFIGURATION.md has "
            "every setting)"
        ) from None


def cluster_metadata(brokers: Sequence[str], options: Mapping[str, str]) -> tuple[AdminClient, Any]:
    """Ask a cluster which topics it has.

    Parameters
    ----------
    brokers, options
        As in `client_settings`.

    Returns
    -------
    tuple of AdminClient and ClusterMetadata
        The client that was made for it, and the answer.

    Raises
    ------
    KafkaUnavailable
        If it does not answer within 10 seconds, refuses the login, or the options are wrong.
    """
    complaints = Complaints()
    where = ", ".join(brokers)
    with settings_named(brokers, options):
        # What is wrong is said once, by the exception, and not by the client's log as well.
        settings = {"log_level": "0"} | client_settings(brokers, options)
        admin = AdminClient(settings | {"error_cb": complaints.note})
    until = time.monotonic() + PATIENCE
    while True:
        admin.poll(0)
        with suppress(KafkaException):
            if complaints.login is None:
                return admin, admin.list_topics(timeout=0.5)
        if complaints.login is not None or time.monotonic() >= until:
            raise KafkaUnavailable(f"Kafka at {where}: {complaints.sentence()}")


def ensure_topics(brokers: Sequence[str], options: Mapping[str, str], topics: Sequence[str]) -> list[str]:
    """Make the topics that rows are written to, where they do not exist.

    Parameters
    ----------
    brokers, options
        As in `client_settings`.
    topics
        Names.

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
