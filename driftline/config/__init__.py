"""The configuration: one YAML file, read once, with every mistake named.

Names are loaded when first used, so that workers that only need `driftline.config.errors` or
`driftline.config.durations` do not pay for the model classes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline.config.durations import format_duration, parse_duration
    from driftline.config.errors import ConfigError, Problem
    from driftline.config.files_source import FilesSource
    from driftline.config.kafka import KafkaSource
    from driftline.config.messages import MessagesSource, Registry
    from driftline.config.models import Config, Tests, Windows
    from driftline.config.reading import load_config, parse_config
    from driftline.config.start import StartPosition

__all__ = [
    "Config",
    "ConfigError",
    "FilesSource",
    "KafkaSource",
    "MessagesSource",
    "Problem",
    "Registry",
    "StartPosition",
    "Tests",
    "Windows",
    "format_duration",
    "load_config",
    "parse_config",
    "parse_duration",
]

_HOME = {
    "Config": "models",
    "ConfigError": "errors",
    "FilesSource": "files_source",
    "KafkaSource": "kafka",
    "MessagesSource": "messages",
    "Problem": "errors",
    "Registry": "messages",
    "StartPosition": "start",
    "Tests": "models",
    "Windows": "models",
    "format_duration": "durations",
    "load_config": "reading",
    "parse_config": "reading",
    "parse_duration": "durations",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
