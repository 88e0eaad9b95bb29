"""The sinks of a configuration: made ready before a job starts, and written to by it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftline.config.sinks import SINKS
from driftline.pipelines.interrupts import closed_together
from driftline.tables import table_named
from driftline.transforms.sources.dead_letter_rows import DEAD_LETTERS
from driftline.transforms.times_of_rows import RowsInUtc
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apache_beam as beam

    from driftline.config import Config
    from driftline.tables import Table
    from driftline.transforms.sinks.sink import Sink


def sinks_of(config: Config) -> list[Sink]:
    """Give the sinks that a configuration names."""
    return [
        SINKS.load(each.kind)(each.settings, f"sinks.{number}.{each.kind}")
        for number, each in enumerate(config.sinks)
    ]


def prepare_sinks(sinks: Sequence[Sink], tables: Sequence[Table], *, streaming: bool) -> list[str]:
    """Make what the sinks need before a job starts.

    Returns
    -------
    list of str
        What was made.

    Raises
    ------
    ConfigError
        If rows could not be written.
    """
    return [made for sink in sinks for made in sink.prepare(tables, streaming=streaming)]


@contextmanager
def whole_sinks(sinks: Sequence[Sink], tables: Sequence[Table]) -> Iterator[list[Sink]]:
    """Write the rows of a job that ends as a whole, or not at all, where a sink can do that.

    Yields
    ------
    list of Sink
        What the job writes to meanwhile.
    """
    wholes = [sink.whole(tables) for sink in sinks]
    with closed_together(wholes, lambda: "; ".join(sink.interrupted() for sink in sinks)) as places:
        yield places


def write_sinks(
    tables: Mapping[str, beam.PCollection],
    sinks: Sequence[Sink],
    *,
    streaming: bool,
    calendar: Calendar = IN_UTC,
) -> None:
    """Write every table to every sink that has a place for it.

    Parameters
    ----------
    tables
        Record batches by the name of the table.
    calendar
        On whose line the event times of rows are; they are written in UTC.
    """
    if not calendar.is_utc:
        tables = {
            name: rows if name == DEAD_LETTERS else rows | f"{name} in UTC" >> RowsInUtc(name, calendar)
            for name, rows in tables.items()
        }
    for number, sink in enumerate(sinks):
        for name, rows in tables.items():
            write = sink.write(table_named(name), streaming=streaming)
            if write is not None:
                _ = rows | f"Write{name.title().replace('_', '')}{number}" >> write
