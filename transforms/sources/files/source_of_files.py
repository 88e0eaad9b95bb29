"""Files as a source: they are looked at before a job starts, and never late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from driftline.config.errors import ConfigError, Problem
from driftline.config.files_source import CSV, FilesSource
from driftline.transforms.sources.source import NotThereYetError, Reading, Source

if TYPE_CHECKING:
    from driftline.config.csv_dialect import CsvDialect
    from driftline.decoding.event_schema import EventSchema
    from driftline.transforms.sources.files.first_rows import FirstRows
    from driftline.transforms.sources.files.read_files import ReadEvents


class _Files(Source):
    settings = FilesSource
    endless = False

    def check(self, reading: Reading) -> list[str]:
        """Hold the columns of the first file against the configured ones, and its times against the unit."""
        from driftline.decoding.time_advice import implausible_unit  # noqa: PLC0415  # imports pyarrow
        from driftline.transforms.sources.files.read_files import NoFilesError, source_columns  # noqa: PLC0415  # Beam

        pattern, file_format, csv = _files(reading)
        remedy = "correct it, or give --input" if reading.key.startswith("source.") else "correct it"
        try:
            columns = source_columns(pattern, file_format, csv)
        except NoFilesError as error:
            refused = reading.refused("pattern", str(error), remedy, pattern)
            remark = f"files {pattern}: no such file yet, its columns were not checked"
            raise NotThereYetError(refused, remark) from error
        except (OSError, ValueError) as error:
            raise reading.refused("pattern", str(error), remedy, pattern) from error
        if columns is None:
            return [f"files {pattern}: there are no rows yet, its columns were not checked"]
        _refuse_one_column(reading, columns)
        other = f"correct it, or read other files than {pattern}"
        found = _first_rows(reading, _times_alone(reading.schema))
        reading.check_columns(columns, other, times=found.times)
        schema = reading.schema
        wrong = schema.time_unit and implausible_unit(
            found.micros(), schema.time_unit, schema.keys.time, schema.time_column
        )
        if wrong:
            raise ConfigError(reading.name, [Problem(schema.keys.time, wrong, other)])
        return [f"files {pattern}: every configured column is there"]

    def look(self, reading: Reading) -> list[str]:
        """Read the first rows as a job does."""
        from driftline.transforms.sources.files.looked_at import said_of  # noqa: PLC0415  # Beam

        return said_of(_first_rows(reading, reading.schema), reading, _files(reading)[0])

    def reader(self, reading: Reading) -> ReadEvents:
        """Read every file once."""
        from driftline.transforms.sources.files.read_files import ReadEvents  # noqa: PLC0415  # Beam

        return ReadEvents(reading.model, reading.schema, *_files(reading))


def _refuse_one_column(reading: Reading, columns: list[tuple[str, Any]]) -> None:
    """Say that CSV has another delimiter, where what should be names is one."""
    _, kind, csv = _files(reading)
    if kind not in CSV or len(columns) != 1:
        return
    others = [
        mark for mark in ";\t|," if mark in columns[0][0] and mark != csv.of_format(str(kind)).delimiter
    ]
    if others:
        mark = "tab" if others[0] == "\t" else f'"{others[0]}"'
        message = f"gives one column, {columns[0][0]!r}"
        raise reading.refused("delimiter", message, f"write delimiter: {mark}", str(csv.delimiter or ","))


def _times_alone(schema: EventSchema) -> EventSchema:
    """The same, of nothing but the event time: a start need not wait for 2,000 columns."""
    return replace(
        schema,
        segments=(),
        features=(),
        request_id=None,
        deduplicate=False,
        joined=False,
        label=None,
        loss=None,
    )


def _first_rows(reading: Reading, schema: EventSchema) -> FirstRows:
    from driftline.transforms.sources.files.first_rows import first_rows  # noqa: PLC0415  # Beam

    pattern, kind, csv = _files(reading)
    return first_rows(pattern, kind, schema, csv)


def _files(reading: Reading) -> tuple[str, str | None, CsvDialect]:
    settings: FilesSource = reading.settings
    return settings.pattern, settings.format_for(settings.pattern), settings.csv


FILES: Final = _Files()
