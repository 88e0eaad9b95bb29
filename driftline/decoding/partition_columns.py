"""Columns in the names of folders, as Hive and Spark write them: ``day=2026-01-01/part.parquet``."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa

from driftline.decoding.text_numbers import numbers_of_text

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark name the folder of rows without a value."""


def partition_values(path: str) -> dict[str, str | None]:
    """Read the columns of a file that its folders name.

    Parameters
    ----------
    path
        Path or address of the file; names and values are percent-decoded. Of two folders of one name the
        inner one counts.

    Returns
    -------
    dict of str to str or None
        Values by column, as text; None for what Hive calls the default partition.

    Examples
    --------
    >>> partition_values("gs://log/day=2026-01-01/city=S%C3%A3o%20Paulo/part=0.parquet")
    {'day': '2026-01-01', 'city': 'São Paulo'}
    """
    values: dict[str, str | None] = {}
    for folder in path.replace("\\", "/").split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if name and equals:
            decoded = unquote(value)
            values[unquote(name)] = None if decoded == NULL else decoded
    return values


def constant(value: str | None, rows: int, *, numeric: bool) -> Any:
    """Make the column of a value.

    Parameters
    ----------
    numeric
        Whether text that is a number is one.

    Returns
    -------
    pyarrow.Array
        Text, or float64.

    Examples
    --------
    >>> constant("7", 2, numeric=True).to_pylist(), constant("07", 1, numeric=False).to_pylist()
    ([7.0, 7.0], ['07'])
    """
    column = pa.repeat(pa.scalar(value, pa.string()), rows)
    return numbers_of_text(column) if numeric else column


def kind_of(value: str | None) -> Any:
    """Tell the type of a value: text, or null where its use has to tell.

    Examples
    --------
    >>> kind_of("7"), kind_of("DE")
    (DataType(null), DataType(string))
    """
    return (
        pa.string() if pa.types.is_union(numbers_of_text(pa.array([value], pa.string())).type) else pa.null()
    )
