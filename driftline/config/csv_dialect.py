"""How a CSV file is written."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class CsvDialect:
    """How a CSV file is written; plain data, so that it travels to workers.

    Parameters
    ----------
    delimiter
        One ASCII character between fields; None for a comma, or a tab in files of the format ``tsv``.
    quote
        One ASCII character around fields; a doubled one inside is one. None if quotes mean nothing.
    names
        Names of the columns, in place of those in the first line.
    header
        Whether the first line holds names.
    decimal
        What stands before the fraction of a number: a point or a comma.
    """

    delimiter: str | None = None
    quote: str | None = '"'
    names: tuple[str, ...] | None = None
    header: bool = True
    decimal: str = "."

    def of_format(self, kind: str) -> CsvDialect:
        r"""Decide on the delimiter.

        Examples
        --------
        >>> CsvDialect().of_format("tsv").delimiter
        '\t'
        """
        return replace(self, delimiter=self.delimiter or ("\t" if kind == "tsv" else ","))
