"""The sink `files`."""

# the module is imported with every configuration, and Beam takes seconds: see the port
# ruff: noqa: PLC0415

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftline.config.errors import ConfigError, Problem
from driftline.config.files_sink import FilesSinkSettings
from driftline.tables import TABLES
from driftline.transforms.sinks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apache_beam as beam

    from driftline.run_summary import RunSummary
    from driftline.tables import Table

_SUMMARY = "run.json"


class FilesSink(Sink):
    """A folder with a file a table, or of a stream with a folder a table, and a ``run.json``."""

    settings = FilesSinkSettings

    def check(self, tables: Sequence[Table], pattern: str | None) -> None:
        """Refuse folders under the names of files, and input that would be output."""
        from driftline.transforms.whole_files import refuse_folders, refuse_own_output

        names = [*(self._file(table.name) for table in tables), _SUMMARY]
        refuse_folders(*(self._place(name) for name in names), key=self._path_key)
        if pattern is not None:
            refuse_own_output(self.configured.path, names, pattern, key=self._path_key)

    def prepare(self, tables: Sequence[Table], *, streaming: bool) -> list[str]:
        """Make the folders that a stream grows."""
        from driftline.transforms.sinks.files.write_stream_files import make_folder

        if not streaming:
            return []
        try:
            for table in tables:
                make_folder(self._place(self._file(table.name)), table.schema, self.configured.format)
        except OSError as error:
            remedy = "name another folder for a stream than for a backtest"
            problem = Problem(self._path_key, str(error), remedy, self.configured.path)
            raise ConfigError("sinks", [problem]) from None
        return []

    def write(self, table: Table, *, streaming: bool) -> beam.PTransform:
        """Write a file, or a folder that grows."""
        from driftline.transforms.sinks.files.write_rows import WriteRows
        from driftline.transforms.sinks.files.write_stream_files import WriteStreamFiles

        path, file_format = self.configured.path, self.configured.format
        if streaming:
            return WriteStreamFiles(path, table, file_format)
        return WriteRows(path, table.name, table.schema, file_format)

    def describe(self) -> str:
        """Name the folder."""
        path: str = self.configured.path
        return path

    @contextmanager
    def whole(self, tables: Sequence[Table]) -> Iterator[Sink]:
        """Move the files under their names when the job has succeeded.

        What another configuration left is deleted: it would be taken for part of this run.
        """
        from driftline.transforms.whole_files import delete, unfinished

        with unfinished(self.configured.path, key=self._path_key) as scratch:
            yield FilesSink(self.configured.model_copy(update={"path": scratch}), self.key)
        written = {table.name for table in tables}
        delete([self._place(self._file(name)) for name in TABLES.names if name not in written])

    def interrupted(self) -> str:
        """Say that what was there still is."""
        return f"nothing was written under a final name in {self.describe()}"

    def summarise(self, summary: RunSummary) -> None:
        """Leave a ``run.json``, which the report reads."""
        from driftline.transforms.write_file import write_atomically

        write_atomically(self._place(_SUMMARY), summary.to_json().encode())

    @property
    def _path_key(self) -> str:
        return self.key if self.key.startswith("--") else f"{self.key}.path"

    def _file(self, table: str) -> str:
        return f"{table}.{self.configured.format}"

    def _place(self, name: str) -> str:
        from apache_beam.io.filesystems import FileSystems

        place: str = FileSystems.join(self.configured.path, name)
        return place
