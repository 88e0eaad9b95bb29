"""The port of sinks: what a job asks of a place that rows go to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apache_beam as beam

    from driftline.config.sink_settings import SinkSettings
    from driftline.run_summary import RunSummary
    from driftline.tables import Table


class Sink(ABC):
    """A place that rows go to, as `sinks` of a configuration names it.

    Every configuration that is read imports the module of every installed sink, for its `settings`: the
    module must not import Beam or a client outside of the methods.

    Parameters
    ----------
    configured
        Its `settings`, as they are in the configuration.
    key
        Where in the configuration they stand, such as ``sinks.0.kafka``, or the option that stands for them.
        Errors begin with it.
    """

    settings: ClassVar[type[SinkSettings]]
    """The keys of the sink; their docstring describes it in the reference."""

    def __init__(self, configured: Any, key: str) -> None:
        self.configured = configured
        self.key = key

    def check(self, tables: Sequence[Table], pattern: str | None) -> None:  # noqa: B027  # few need it
        """Refuse a job that ends where it would destroy what is somebody's, before anything is read.

        Parameters
        ----------
        pattern
            Files that are going to be read, if files are.
        """

    @abstractmethod
    def prepare(self, tables: Sequence[Table], *, streaming: bool) -> list[str]:
        """Make what has to be there before a job starts.

        Parameters
        ----------
        streaming
            Whether the rows never end.

        Returns
        -------
        list of str
            What was made, for the user: such as ``topic drift-results``.

        Raises
        ------
        ConfigError
            If rows could not be written.
        """

    @abstractmethod
    def write(self, table: Table, *, streaming: bool) -> beam.PTransform | None:
        """Give what writes the rows of a table.

        Returns
        -------
        PTransform or None
            Takes a PCollection of ``pyarrow.RecordBatch`` of the table's schema. A row that is written again
            has the same ``row_id``. None if the sink has no place for the table.
        """

    @abstractmethod
    def describe(self) -> str:
        """Say where results are, behind "results written to"."""

    @contextmanager
    def whole(self, tables: Sequence[Table]) -> Iterator[Sink]:  # noqa: ARG002  # for those who can
        """Write the rows of a job that ends as a whole, or not at all, where the place can do that.

        Yields
        ------
        Sink
            What the job writes to meanwhile. Where the job fails, nothing of it shall be seen.
        """
        yield self

    def interrupted(self) -> str:
        """Say what an interrupted job that would have ended left, behind "interrupted:"."""
        return f"{self.describe()} may hold rows of it"

    def summarise(self, summary: RunSummary) -> None:  # noqa: B027  # few can
        """Leave what a run says about itself beside the rows, where there is a place for it."""
