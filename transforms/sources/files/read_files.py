"""Read the feature log from files on any Beam filesystem: Avro, Parquet, JSON, CSV, Arrow IPC."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from driftline.config.errors import did_you_mean
from driftline.transforms.sources.decode import SourceBatch, normalise_records
from driftline.transforms.sources.files.file_formats import (
    FILE_FORMATS,
    UnreadableFileError,
    columns_of,
    file_format,
    read_file,
)
from driftline.transforms.sources.files.text_blocks import TextBlocks

if TYPE_CHECKING:
    from driftline.config.csv_dialect import CsvDialect
    from driftline.decoding.event_schema import EventSchema
    from driftline.transforms.sources.source import ReadOutputs

_PEEKED_FILES: Final = 5


@dataclass
class ReadFiles(beam.PTransform):
    """Read records of files, each with its place.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.
    format
        ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv`` or ``arrow``; by suffix if None.
    csv
        How CSV is written.

    Notes
    -----
    Files are matched when the pipeline is built, spread over the workers, and each is read by one. The
    output is meant for `NormaliseRecords` right behind it: `ReadEvents` is both.

    Raises
    ------
    FileNotFoundError
        When applied, if no file matches.
    ValueError
        When applied, if the format is unknown or the filesystem is.
    """

    pattern: str
    schema: EventSchema
    format: str | None = None
    csv: CsvDialect | None = None

    def expand(self, begin: Any) -> Any:
        """Match, spread, read."""
        kind = _known_format(self.pattern, self.format)
        return (
            begin
            | "Files" >> beam.Create(match_files(self.pattern), reshuffle=False)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_ReadFile(kind, self.schema, self.csv))
        )


@dataclass
class ReadEvents(beam.PTransform):
    """Read normalised events of files, and dead letters.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.
    format
        ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv`` or ``arrow``; by suffix if None.
    csv
        How CSV is written.

    Notes
    -----
    Files are taken as they are: no row is late, and none a duplicate.
    """

    model: str
    schema: EventSchema
    pattern: str
    format: str | None = None
    csv: CsvDialect | None = None

    def describe(self) -> str:
        """Name the files."""
        return self.pattern

    def expand(self, begin: Any) -> ReadOutputs:
        """Read and normalise."""
        records = begin | "ReadFiles" >> ReadFiles(self.pattern, self.schema, self.format, self.csv)
        return normalise_records(records, self.model, self.schema)


class _ReadFile(beam.DoFn):
    """Reads one file."""

    def __init__(self, kind: str, schema: EventSchema, csv: CsvDialect | None) -> None:
        self._kind = kind
        self._csv = csv
        self._schema = schema

    def process(self, path: str) -> Iterator[SourceBatch]:
        """Read a file."""
        with _open(path) as file:
            yield from read_file(file, path, self._kind, self._schema, self._csv)


class NoFilesError(FileNotFoundError):
    """Nothing matches a pattern."""


def match_files(pattern: str) -> list[str]:
    """Find the files of a pattern.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.

    Returns
    -------
    list of str
        Paths, sorted.

    Raises
    ------
    FileNotFoundError
        If the pattern is that of a folder, or cannot be listed.
    ValueError
        If the filesystem is unknown.
    """
    paths = _match(pattern)
    if paths in ([], [pattern]) and _match(FileSystems.join(pattern, "*")):
        remedy = f"name the files in it, such as {FileSystems.join(pattern, '*.parquet')}"
        raise FileNotFoundError(f"no file matches {pattern}; it is a folder: {remedy}")
    if not paths:
        raise NoFilesError(f"no file matches {pattern}; {_remedy(pattern)}")
    return paths


def source_columns(
    pattern: str,
    format: str | None = None,  # noqa: A002  # the key
    csv: CsvDialect | None = None,
) -> list[tuple[str, Any]] | None:
    """Look at the columns of the first file, so that a wrong configuration is refused before a job starts.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.
    format
        ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv`` or ``arrow``; by suffix if None.
    csv
        How CSV is written.

    Returns
    -------
    list of (str, pyarrow.DataType) or None
        For `driftline.decoding.event_schema.check_columns`; None if the first files are empty.

    Raises
    ------
    FileNotFoundError, ValueError
        As `match_files`; ValueError too if the format is unknown, or none of the first files can be read.
    """
    kind = _known_format(pattern, format)
    unreadable: UnreadableFileError | None = None
    for path in match_files(pattern)[:_PEEKED_FILES]:
        try:
            with _open(path) as file:
                columns = columns_of(file, path, kind, csv)
        except UnreadableFileError as error:
            unreadable = unreadable or error
            continue
        if columns is not None:
            return columns
    if unreadable is not None:
        raise unreadable
    return None


def first_text(path: str) -> bytes:
    """Give the begin of a file of text, decompressed; nothing where it cannot be.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    with _open(path) as file:
        return TextBlocks(file, path).peek()


def batches_of_files(
    pattern: str,
    format: str | None,  # noqa: A002  # the key
    schema: EventSchema,
    csv: CsvDialect | None = None,
    *,
    most: int,
) -> Iterator[Iterator[SourceBatch]]:
    """Read files here and now, without a job.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.
    format, csv
        As for `ReadFiles`.
    most
        So many files are opened, spread evenly over those that match.

    Yields
    ------
    iterator of SourceBatch
        Of each file, before the next is opened.

    Raises
    ------
    FileNotFoundError, ValueError
        As `match_files`; ValueError too if the format is unknown.
    """
    kind = _known_format(pattern, format)
    paths = match_files(pattern)
    step = -(-len(paths) // most)
    for path in paths[::step]:
        with _open(path) as file:
            yield read_file(file, path, kind, schema, csv)


def _known_format(pattern: str, given: str | None) -> str:
    if given is None:
        return file_format(pattern)
    if given not in FILE_FORMATS:
        raise ValueError(f"format: {given} is unknown; write one of {', '.join(FILE_FORMATS)}")
    return given


def _remedy(pattern: str) -> str:
    _, name = FileSystems.split(pattern)
    folder = pattern.removesuffix(name)  # the other half of the split is never relative
    close = did_you_mean(pattern, _match(FileSystems.join(folder, "*")))
    return (
        f"did you mean {close}?"
        if close
        else "check the path; a relative one starts at the working directory"
    )


def _match(pattern: str) -> list[str]:
    # without a folder in it Beam lists nothing at all
    here = "./" if FileSystems.get_scheme(pattern) is None and not Path(pattern).is_absolute() else ""
    try:
        found = FileSystems.match([here + pattern])[0].metadata_list
    except BeamIOError as error:
        raise FileNotFoundError(f"{pattern} cannot be listed: {error}") from error
    return sorted(file.path.removeprefix(here) for file in found)


def _open(path: str) -> Any:
    if FileSystems.get_scheme(path) is None:
        return pa.OSFile(path)  # reads without a detour through Python
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
