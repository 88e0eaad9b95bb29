"""Where events and labels come from: exactly one of the sources that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import PrivateAttr, create_model, model_validator

from driftline.config.files_source import CSV, FilesSource
from driftline.config.registered import optional_sections
from driftline.config.value_types import Section, mistake
from driftline.registry import Registry

if TYPE_CHECKING:
    from driftline.config.source_settings import SourceSettings

SOURCES = Registry(
    "driftline.sources",
    "source",
    {
        "files": "driftline.transforms.sources.files.source_of_files:FILES",
        "kafka": "driftline.transforms.sources.kafka.kafka_source:KAFKA",
        "pubsub": "driftline.transforms.sources.pubsub.pubsub_source:PUBSUB",
    },
)
"""Sources by the key that configures them; `driftline.transforms.sources.source` says what each is."""


class OneSource(Section):
    """Where events come from: exactly one of these."""

    named_in: ClassVar[Registry | None] = SOURCES
    _option: str = PrivateAttr("")

    @model_validator(mode="after")
    def _exactly_one(self) -> OneSource:
        kinds = self._kinds
        if len(kinds) != 1:
            found = "names " + " and ".join(kinds) if kinds else "names no place to read from"
            *others, last = SOURCES.names
            raise mistake(found, f"give exactly one of {', '.join(others)} and {last}")
        return self

    @property
    def _kinds(self) -> list[str]:
        return [name for name in SOURCES.names if getattr(self, name) is not None]

    @property
    def kind(self) -> str:
        """Its name, such as ``files``."""
        return self._kinds[0]

    @property
    def settings(self) -> SourceSettings:
        """What stands below its name."""
        return cast("SourceSettings", getattr(self, self.kind))

    @property
    def option(self) -> str:
        """The option of the command line that named it, or empty."""
        return self._option

    def key(self, place: str) -> str:
        """Tell where it was named, for messages.

        Parameters
        ----------
        place : str
            Key of the configuration that holds it, such as ``labels.source``.

        Returns
        -------
        str
            Such as ``labels.source.kafka``, or the option.
        """
        return self._option or f"{place}.{self.kind}"


if TYPE_CHECKING:
    Source = OneSource
else:
    Source = create_model(
        "Source", __base__=OneSource, __doc__=OneSource.__doc__, **optional_sections(SOURCES)
    )


def files_source(pattern: str, file_format: str, option: str, instead_of: SourceSettings) -> Source:
    """Make the source of files that an option names.

    Parameters
    ----------
    file_format : str
        ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv`` or ``arrow``.
    option : str
        The option, such as ``--input``.
    instead_of : SourceSettings
        What is not read: CSV is written as it says.
    """
    alike = isinstance(instead_of, FilesSource) and file_format in CSV
    keys = instead_of.csv_keys if isinstance(instead_of, FilesSource) and alike else {}
    fields: dict[str, Any] = {"files": {"pattern": pattern, "format": file_format, **keys}}
    source = Source(**fields)
    source._option = option  # noqa: SLF001  # its own
    return source
