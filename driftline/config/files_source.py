"""Files as a source: a pattern, and the format where their names do not tell it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from driftline.config.file_suffixes import SUFFIXES, format_of
from driftline.config.source_settings import SourceSettings
from driftline.config.value_types import OneOf, Text, mistake

FileFormat = Annotated[str, OneOf(("avro", "parquet", "jsonl", "arrow"))]


class FilesSource(SourceSettings):
    """Files, for backtests and baselines: on the local disk or any file system that Beam reads."""

    pattern: Text = Field(
        description="File name or glob pattern; a relative one starts at the working directory.",
        examples=["data/*.parquet"],
    )
    format: FileFormat | None = Field(
        default=None,
        description="File format; taken from the suffix (" + ", ".join(SUFFIXES) + ") if absent.",
        examples=["jsonl"],
        validate_default=True,
    )

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        pattern = info.data.get("pattern")
        if value is None and pattern is not None and format_of(pattern) is None:
            raise mistake(
                "is missing, and the suffix of the pattern does not tell it",
                "add format: avro, parquet, jsonl or arrow",
            )
        return value

    def format_for(self, pattern: str) -> str | None:
        """Tell the format of files: the configured pattern's, or of others by suffix first.

        Parameters
        ----------
        pattern : str
            The pattern to read, which may come from the command line.

        Returns
        -------
        str or None
            ``avro``, ``parquet``, ``jsonl``, ``arrow``, or None if nothing tells.
        """
        if pattern == self.pattern and self.format is not None:
            return self.format
        return format_of(pattern) or self.format

    @property
    def reads_files(self) -> str:
        """The pattern."""
        return self.pattern
