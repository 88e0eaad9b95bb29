"""Settings that are handed to a client library as they are: librdkafka, the schema registry's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from driftline.config.value_types import Shown, mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

Options = Annotated[dict[str, Any], Shown("mapping")]

_BROKERS: Final = "use the key `brokers` of kafka instead"
_ALWAYS: Final = "remove it: driftline sets it itself, and its promises rest on that"

CONSUMER_OPTIONS: Final[Mapping[str, str]] = {
    "bootstrap.servers": _BROKERS,
    "metadata.broker.list": _BROKERS,
    "group.id": "use the key `group` of kafka instead",
    "auto.offset.reset": "use the key `start` of kafka instead",
    "enable.auto.commit": _ALWAYS,
    "auto.commit.enable": _ALWAYS,
    "enable.auto.offset.store": _ALWAYS,
    "enable.partition.eof": _ALWAYS,
}
"""Settings of a consumer that have a key or are driftline's own, and what to do about them."""

PRODUCER_OPTIONS: Final[Mapping[str, str]] = {
    "bootstrap.servers": _BROKERS,
    "metadata.broker.list": _BROKERS,
    "enable.idempotence": _ALWAYS,
    "acks": _ALWAYS,
    "request.required.acks": _ALWAYS,
    "transactional.id": "remove it: rows are written without transactions",
}
"""The same of a producer."""

REGISTRY_OPTIONS: Final[Mapping[str, str]] = {"url": "use the key `url` of registry instead"}
"""The same of the schema registry's client."""


def checked_options(value: dict[str, Any], ours: Mapping[str, str]) -> dict[str, str]:
    """Check settings and make them texts, as the client libraries take them.

    Parameters
    ----------
    ours : mapping of str to str
        Settings that are not the user's, and what to do instead.

    Returns
    -------
    dict of str to str
        The settings; true and false in small letters.

    Raises
    ------
    PydanticCustomError
        Naming the setting, never its value.

    Examples
    --------
    >>> checked_options({"ssl.ca.location": "ca.pem", "retries": 3, "check.crcs": True}, CONSUMER_OPTIONS)
    {'ssl.ca.location': 'ca.pem', 'retries': '3', 'check.crcs': 'true'}
    """
    for name, remedy in ours.items():
        if name in value:
            raise mistake(f"sets {name}", remedy)
    nested = [key for key, item in value.items() if not isinstance(item, str | int | float)]
    if nested:
        raise mistake(f"has no plain value for {', '.join(nested)}", "write text, a number or true or false")
    return {key: str(item).lower() if isinstance(item, bool) else str(item) for key, item in value.items()}
