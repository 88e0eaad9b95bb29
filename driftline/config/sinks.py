"""Where rows go: one of the sinks that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import create_model, model_validator

from driftline.config.registered import optional_sections
from driftline.config.value_types import Section, mistake
from driftline.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftline.config.sink_settings import Place, SinkSettings

SINKS: Final = Registry(
    "driftline.sinks",
    "sink",
    {
        "files": "driftline.transforms.sinks.files.sink_of_files:FilesSink",
        "kafka": "driftline.transforms.sinks.kafka.sink_to_kafka:KafkaSink",
    },
)
"""Classes that follow `driftline.transforms.sinks.sink.Sink`."""


# Any: a type checker cannot know the sinks that are installed
_Keys: Any = create_model("_Keys", __base__=Section, **optional_sections(SINKS))


class Sink(_Keys):
    """One place that rows are written to: a mapping with one key."""

    named_in: ClassVar[Registry | None] = SINKS

    @model_validator(mode="after")
    def _exactly_one(self) -> Sink:
        kinds = [kind for kind in SINKS.names if getattr(self, kind) is not None]
        if not kinds:
            raise mistake("names no place to write to", "write for example files: {path: out/}")
        if len(kinds) > 1:
            raise mistake(f"names {' and '.join(kinds)}", "make each an item of the list, after its own dash")
        return self

    @property
    def kind(self) -> str:
        """Name of the sink."""
        return next(kind for kind in SINKS.names if getattr(self, kind) is not None)

    @property
    def settings(self) -> SinkSettings:
        """Its keys."""
        settings: SinkSettings = getattr(self, self.kind)
        return settings


def check_places(sinks: Sequence[Sink], sources: Iterable[Any]) -> None:
    """Refuse sinks that write to one place, or to where the job reads.

    Raises
    ------
    PydanticCustomError
        Pointing to the key of the first.
    """
    written: set[Place] = set()
    for number, sink in enumerate(sinks):
        readers = [getattr(source, source.kind) for source in sources if source.kind == sink.kind]
        for key, place in sink.settings.places.items():
            below = (number, sink.kind, key)
            if any(reader.reads(place.name) for reader in readers):
                remedy = f"name another {place.what}: the job would read the rows it writes"
                raise mistake(f"is a {place.what} that the job reads", remedy, below=below)
            if place in written:
                remedy = f"name every {place.what} once"
                raise mistake(f"is a {place.what} that another sink writes to", remedy, below=below)
            written.add(place)
