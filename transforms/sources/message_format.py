"""How a configured source's messages are written: schema files are read here, before the job starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from driftline.config.errors import ConfigError, Problem
from driftline.decoding.avro_canonical import AvroSchemaError
from driftline.decoding.avro_schema import writer_schema
from driftline.decoding.formats import MessageFormat
from driftline.transforms.sources.schema_registry import RegistrySchemas

if TYPE_CHECKING:
    from driftline.config.messages import MessagesSource, Registry

_INSTALL = "pip install 'driftline[registry]', here and on the workers"


def message_format(source: MessagesSource, key: str, name: str) -> MessageFormat:
    """Read the schema files of a source; a registry is only asked by workers.

    Parameters
    ----------
    key
        Where it is configured, such as ``labels.source.kafka``, for messages.

    Returns
    -------
    MessageFormat
        What workers need to decode; it pickles, and shows no secret.

    Raises
    ------
    ConfigError
        If a schema file is missing or cannot be used, or the registry's client or options.
    """
    limit = source.max_expanded_mb << 20
    if source.registry is not None:
        resolver = _registry(source.registry, f"{key}.registry", name)
        return MessageFormat(source.format, resolver=resolver, limit=limit)
    if isinstance(source.schema_, str):
        schema = _avro_schema(source.schema_, f"{key}.schema", name)
        return MessageFormat(source.format, schema, limit=limit)
    if source.schema_ is not None:
        return MessageFormat(
            source.format,
            avro_schemas={
                number: _avro_schema(path, f"{key}.schema.{number}", name)
                for number, path in source.schema_.items()
            },
            limit=limit,
        )
    return MessageFormat(source.format, limit=limit)


def _avro_schema(path: str, key: str, name: str) -> str:
    try:
        with FileSystems.open(path) as file:
            text: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(key, f"is not UTF-8 text (byte {error.start})", "name an Avro schema (.avsc)", path)
        raise ConfigError(name, [problem]) from None
    except Exception as error:  # every file system has its own
        found = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        problem = Problem(key, found, "name a readable Avro schema file (.avsc)", path)
        raise ConfigError(name, [problem]) from error
    try:
        writer_schema(text)
    except AvroSchemaError as error:
        problem = Problem(
            key, f"cannot be used: {error}", "name the schema the messages are written with", path
        )
        raise ConfigError(name, [problem]) from None
    return text


def _registry(registry: Registry, key: str, name: str) -> RegistrySchemas:
    schemas = RegistrySchemas(registry.url, registry.options)
    try:
        with schemas.client():
            pass
    except ImportError as error:
        problem = Problem(key, f"needs packages that are not installed: {error}", _INSTALL)
        raise ConfigError(name, [problem]) from None
    except OSError:
        pass  # certificates may lie on the workers only
    except ValueError as error:
        problem = Problem(f"{key}.options", f"cannot be used: {error}", "see SchemaRegistryClient's settings")
        raise ConfigError(name, [problem]) from None
    return schemas
