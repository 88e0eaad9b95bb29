"""Writers' schemas from a Confluent schema registry, looked up on the worker that first meets an id."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from driftline.decoding.confluent_messages import SchemaIdError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka.schema_registry import SchemaRegistryClient

TIMEOUT: Final = 10.0
"""Seconds that a request may take where the options do not say; the client's own default is for ever."""

NUMBERS: Final = (
    "cache.capacity",
    "cache.latest.ttl.sec",
    "max.retries",
    "retries.max.wait.ms",
    "retries.wait.ms",
    "timeout",
)
"""Options that the client takes as numbers only."""

_LARGEST_ID: Final = 2**31 - 1
_SHOWN: Final = 300
_NOT_FOUND: Final = (40401, 40402, 40403)


class SchemaRegistryUnavailableError(RuntimeError):
    """The registry did not say whether it knows a schema id: the same messages must be tried again."""


@dataclass(frozen=True)
class RegistrySchemas:
    """Finds writers' schemas in a registry; a `driftline.decoding.confluent_messages.SchemaResolver`.

    It travels to workers as address and options. The client is made when the first id is looked up.

    Parameters
    ----------
    options
        Settings of `SchemaRegistryClient` as text; may hold secrets and is never shown.

    Raises
    ------
    ValueError
        By `client`, if an option cannot be used; the message names it and never shows its value.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, number: int) -> str:
        """Look up a schema.

        Returns
        -------
        str
            JSON text of the Avro schema.

        Raises
        ------
        SchemaIdError
            If the registry does not know the id, or it is of no Avro schema that can be used.
        SchemaRegistryUnavailableError
            If the registry cannot be asked: it is down, refuses the login, or is no registry.
        """
        if number > _LARGEST_ID:
            raise SchemaIdError(f"unknown schema id {number}: ids have 31 bits")
        found = self._ask(number)
        if not isinstance(found.schema_str, str):
            raise self._unavailable(number, "its answer holds no schema")
        kind = found.schema_type or "AVRO"
        if kind != "AVRO":
            raise SchemaIdError(f"schema id {number} is of the type {kind}, not Avro")
        if found.references:
            names = ", ".join(str(reference.name) for reference in found.references)
            raise SchemaIdError(
                f"schema id {number} refers to other schemas, which is not supported: {names}"
            )
        return found.schema_str

    def _ask(self, number: int) -> Any:
        from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: PLC0415  # an extra

        try:
            return self._client.get_schema(number)
        except SchemaRegistryError as error:
            # Another 404 is that of a wrong path, which says nothing about the id.
            if error.http_status_code == 404 and error.error_code in _NOT_FOUND:
                raise SchemaIdError(f"unknown schema id {number}: the registry does not have it") from None
            raise self._unavailable(number, f"it answered {error}") from error
        except Exception as error:  # whatever the network and the answer make of the client
            raise self._unavailable(number, f"{type(error).__name__}: {error}") from error

    def _unavailable(self, number: int, found: str) -> SchemaRegistryUnavailableError:
        return SchemaRegistryUnavailableError(
            f"the schema registry at {self.url} could not be asked for schema id {number}: {found[:_SHOWN]}; "
            "no message is lost, the runner tries again. Check `registry` and that the workers reach it"
        )

    @cached_property
    def _client(self) -> SchemaRegistryClient:
        client = self.client()
        weakref.finalize(self, client.__exit__, None, None, None)  # closes its connections
        return client

    def client(self) -> SchemaRegistryClient:
        """Make a client, which checks the options and does not connect yet.

        Raises
        ------
        ValueError
            If an option is unknown or of the wrong kind.
        ImportError
            If the extra ``driftline[registry]`` is not installed.
        """
        from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415  # an extra

        settings: dict[str, Any] = {"timeout": TIMEOUT, **self.options, "url": self.url}
        for name in NUMBERS:
            if name in settings:
                settings[name] = _number(name, settings[name])
        if settings.get("ssl.ca.location") == "false":
            settings["ssl.ca.location"] = False
        try:
            return SchemaRegistryClient(settings)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the client behind: it holds connections."""
        return {"url": self.url, "options": dict(self.options)}


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{name} must be a number") from None
    return int(number) if number.is_integer() else number
