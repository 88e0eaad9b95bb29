"""Reach a Kafka cluster: settings for its clients, and one clear error."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from driftline.config import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Seconds that are waited for a cluster to answer.
PATIENCE: Final = 10.0

_LOGIN: Final = {
    KafkaError._AUTHENTICATION,  # noqa: SLF001  # the client's own errors begin with an underscore
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._SSL,  # noqa: SLF001
}


class KafkaUnavailable(RuntimeError):  # noqa: N818  # says what is the case, like the words of the message
    """A Kafka cluster cannot be used as it was configured.

    Parameters
    ----------
    message : str
        What was tried, why it did not work, and behind the last colon the remedy. Never a secret.
    """

    def problem(self, key: str) -> Problem:
        """Say the same of a key of the configuration."""
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
        """Say what is wrong, and the remedy."""
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
