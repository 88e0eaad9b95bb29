"""What a source is: where events or labels come from. Imported with the configuration, so without Beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from driftline.config.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apache_beam as beam

    from driftline.config.source_settings import SourceSettings
    from driftline.decoding.event_schema import EventSchema
    from driftline.windows.lateness import LateRule


@dataclass(frozen=True)
class Reading:
    """One reading of a source.

    Parameters
    ----------
    settings
        What the configuration says below the name of the source.
    key
        Where it says so, for messages: ``source.kafka``, ``labels.source.files``, or an option: ``--input``.
    name
        What the configuration is called, for messages.
    model
        Name of the model, which is in every dead letter.
    schema
        The columns to read.
    late
        When a row is too late, where the records have an order in which they came.
    bounded
        Whether to stop at what there is now, where the source is endless.
    in_process
        Whether a stream is read by this process, on the local runner.
    judged
        Whether there is a baseline: then a feature that is gone or of another type is for the job to report
        and no reason not to begin.
    """

    settings: Any
    key: str
    name: str
    model: str
    schema: EventSchema
    late: LateRule
    bounded: bool = True
    in_process: bool = False
    judged: bool = False

    @property
    def by_option(self) -> bool:
        """Whether an option of the command line names the source."""
        return self.key.startswith("--")

    def refused(self, key: str, message: str, remedy: str, value: str = "") -> ConfigError:
        """Make the error of one setting.

        Parameters
        ----------
        key
            The setting, below the name of the source; empty for the source as a whole.
        message, remedy, value
            As in `Problem`.
        """
        where = f"{self.key}.{key}" if key and not self.by_option else self.key
        name = "command line" if self.by_option else self.name
        return ConfigError(name, [Problem(where, message, remedy, value)])

    def check_columns(
        self,
        columns: Iterable[tuple[str, Any]],
        remedy: str,
        *,
        record_times: bool = False,
        times: Sequence[Any] = (),
    ) -> None:
        """Refuse columns that are not what the configuration describes.

        Parameters
        ----------
        columns
            Name and `pyarrow.DataType` of each; `pyarrow.null` where only the values can tell.
        remedy
            What to do, besides correcting the configuration.
        record_times
            Whether times are those of records, so that no column needs to hold them.
        times
            Some values of the column of event times, as Arrow arrays: a unit is guessed from them.

        Raises
        ------
        ConfigError
            With every problem by the key that names the column.
        """
        from driftline.decoding.column_paths import root_of  # noqa: PLC0415  # imports pyarrow
        from driftline.decoding.event_schema import column_problems  # noqa: PLC0415  # imports pyarrow

        columns = list(columns)
        types = dict(columns)
        # files without any of the features are other files
        known = any(root_of(feature.column, types) is not None for feature in self.schema.features)
        found = column_problems(
            columns,
            self.schema,
            record_times=record_times,
            times=times,
            features=not (self.judged and known),
        )
        if found:
            raise ConfigError(self.name, [Problem(key, problem, remedy) for key, problem in found])


class NotThereYetError(ConfigError):
    """What is configured cannot be read now; it may be later.

    Parameters
    ----------
    error
        What a job that starts says.
    remark
        What is said before there is a job.
    """

    def __init__(self, error: ConfigError, remark: str) -> None:
        super().__init__(error.name, error.problems)
        self.remark = remark


class ReadOutputs(NamedTuple):
    """What reading gives.

    Parameters
    ----------
    events
        Record batches of normalised events.
    dead_letters
        Rows of what could not be used.
    """

    events: beam.PCollection
    dead_letters: beam.PCollection


class Reader(Protocol):
    """A `beam.PTransform` of a pipeline's begin into `ReadOutputs`; applied twice, it gives the same."""

    def __rrshift__(self, label: str) -> Any:
        """Take a label, to be applied."""

    def describe(self) -> str:
        """Say what is read, such as ``4 partitions of flights``."""


class Source(Protocol):
    """Where events or labels come from.

    Parameters
    ----------
    settings
        The section of the configuration below its name.
    endless
        Whether `driftline monitor` on it goes on until it is stopped.
    """

    settings: type[SourceSettings]
    endless: bool

    def begins(self, key: str) -> str:
        """Say where a new job on an endless source begins, behind "a new job begins".

        Parameters
        ----------
        key
            Where the source is configured, such as ``source.kafka``.
        """
        return f"where {key} says"

    def check(self, reading: Reading) -> list[str]:
        """Refuse what cannot work, as far as that can be told without a connection.

        Returns
        -------
        list of str
            What was checked, for ``driftline validate``.

        Raises
        ------
        NotThereYetError
            If there is nothing to read, or nothing that reads it.
        ConfigError
            If it is not what the configuration describes.
        """

    def look(self, reading: Reading) -> list[str]:  # noqa: ARG002
        """Read some events as a job does, where that needs no connection; `check` found nothing wrong.

        Returns
        -------
        list of str
            What they are like, for ``driftline validate``; nothing by default.

        Raises
        ------
        ConfigError
            If not one of them can be used.
        """
        return []

    def reader(self, reading: Reading) -> Reader:
        """Make what reads; `check` found nothing wrong.

        Returns
        -------
        Reader
            A `beam.PTransform`: its module is imported here, not with the source.

        Raises
        ------
        ConfigError
            If it cannot be reached, or lacks what is configured.
        """
