"""Files as a source: a pattern, the format where their names do not tell it, and how CSV is written."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from driftline.config.csv_dialect import CsvDialect
from driftline.config.file_suffixes import SUFFIXES, format_of
from driftline.config.source_settings import SourceSettings
from driftline.config.value_types import Flag, OneOf, Shown, Text, mistake

FileFormat = Annotated[str, OneOf(("avro", "parquet", "jsonl", "csv", "tsv", "arrow"))]
CSV: Final = ("csv", "tsv")
"""Formats that the keys of CSV are for."""

_CSV_KEYS: Final = ("delimiter", "quote", "names", "header", "decimal")
_WORDS: Final = {"tab": "\t", r"\t": "\t"}


def _character(value: Any) -> Any:
    value = _WORDS.get(value, value) if isinstance(value, str) else value
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\r\n\0":
        raise mistake("is not one ASCII character", 'write for example ";" or "|", or tab')
    return value


def _quote(value: Any) -> Any:
    return value if value == "none" else _character(value)


Character = Annotated[str, BeforeValidator(_character), Shown("one character, or `tab`")]
Quote = Annotated[str, BeforeValidator(_quote), Shown("one character, or `none`")]


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

    delimiter: Character | None = Field(
        default=None,
        description="CSV: what stands between fields; a comma if absent, a tab in `.tsv`.",
        examples=['";"'],
    )
    quote: Quote = Field(
        default='"',
        description="CSV: what stands around fields that hold delimiters, quotes (doubled) or ends of lines; "
        "`none` if quotes mean nothing.",
    )
    names: tuple[Text, ...] | None = Field(
        default=None,
        description="CSV: names of all columns in order, where the first line does not hold them.",
        examples=["[at, origin, delay]"],
    )
    header: Flag | None = Field(
        default=None,
        description="CSV: whether the first line holds names; `true` without `names`, `false` with them. "
        "With `names` and `true` that line is skipped.",
    )

    decimal: Annotated[str, OneOf((".", ","))] = Field(
        default=".",
        description='CSV: what stands before the fraction of a number. With `","` points group thousands: '
        "`1.234,5`.",
    )

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        pattern = info.data.get("pattern")
        if value is None and pattern is not None and format_of(pattern) is None:
            raise mistake(
                "is missing, and the suffix of the pattern does not tell it",
                "add format: avro, parquet, jsonl, csv, tsv or arrow",
            )
        return value

    @field_validator("quote")
    @classmethod
    def _quote_is_no_delimiter(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("delimiter"):
            raise mistake("is the delimiter too", "write another character, or none")
        return value

    @field_validator("names")
    @classmethod
    def _names_differ(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        twice = next((name for name in value or () if value and value.count(name) > 1), None)
        if twice is not None or value == ():
            said = "is empty" if twice is None else f"has {twice} twice"
            raise mistake(said, "name every column of the files once, in order")
        return value

    @model_validator(mode="after")
    def _csv_keys_fit(self) -> Self:
        kind = self.format or format_of(self.pattern)
        given = [key for key in _CSV_KEYS if key in self.model_fields_set]
        if given and kind not in CSV:
            raise mistake(
                f"is for CSV, and the files are {kind}", "remove it, or set format: csv", below=(given[0],)
            )
        if self.header is False and self.names is None:
            raise mistake("leaves the columns without names", "add names: [...]", below=("header",))
        return self

    @property
    def csv(self) -> CsvDialect:
        """How CSV is written."""
        quote = None if self.quote == "none" else self.quote
        header = self.names is None if self.header is None else self.header
        return CsvDialect(self.delimiter, quote, self.names, header, self.decimal)

    @property
    def csv_keys(self) -> dict[str, Any]:
        """What is set of it, for other files of the kind."""
        return {key: getattr(self, key) for key in _CSV_KEYS if key in self.model_fields_set}

    def format_for(self, pattern: str) -> str | None:
        """Tell the format of files: the configured pattern's, or of others by suffix first.

        Parameters
        ----------
        pattern : str
            The pattern to read, which may come from the command line.

        Returns
        -------
        str or None
            ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv``, ``arrow``, or None if nothing tells.
        """
        if pattern == self.pattern and self.format is not None:
            return self.format
        return format_of(pattern) or self.format

    @property
    def reads_files(self) -> str:
        """The pattern."""
        return self.pattern
