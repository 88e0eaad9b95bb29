"""Segments and their labels: how one combination of segment values is written as text, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ALL = "*"
"""The label of all traffic."""

OTHER = "(other)"
"""The label of every segment that is not monitored by name."""

NULL = "~"
"""How a null value is written in a label."""

PREFIX = "segment."
"""What stands before the name of a segment column in normalised events."""

_TEXT = pa.large_string()  # the texts together may pass the 2 GB of a string array

# The percent sign is first: the escapes of the others contain it.
_ESCAPES = (("%", "%25"), (",", "%2C"), ("=", "%3D"), ("*", "%2A"), ("~", "%7E"))


def label_of(values: Mapping[str, str | None]) -> str:
    """Write one combination of segment values as a label.

    Parameters
    ----------
    values
        The value of each segment column, in config order; None is null.

    Returns
    -------
    str
        ``column=value`` joined by commas; `ALL` if there are no columns.

    Examples
    --------
    >>> label_of({"origin": "JFK", "fare": None, "note": "a=b"})
    'origin=JFK,fare=~,note=a%3Db'
    """
    if not values:
        return ALL
    return ",".join(
        f"{_escape(column)}={NULL if value is None else _escape(value)}" for column, value in values.items()
    )


def values_of(label: str) -> list[str | None]:
    """Read the segment values back from a label.

    Returns
    -------
    list of str or None
        One value for each segment column, in config order; empty for `ALL` and `OTHER`, which stand for no
        single combination.

    Raises
    ------
    ValueError
        If a part of the label is not ``column=value``.

    Examples
    --------
    >>> values_of("origin=JFK,fare=~,note=a%3Db")
    ['JFK', None, 'a=b']
    >>> values_of("*")
    []
    """
    if label in {ALL, OTHER}:
        return []
    values: list[str | None] = []
    for part in label.split(","):
        _, equals, value = part.partition("=")
        if not equals:
            raise ValueError(
                f"segment label {label!r}: {part!r} is not column=value; "
                f"a label is {ALL!r}, {OTHER!r} or column=value joined by commas"
            )
        values.append(None if value == NULL else unquote(value, errors="strict"))
    return values


def labels(events: Any, columns: Sequence[str]) -> Any:
    """Label the segment of every event.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`) of n rows.
    columns
        The segment columns, in config order, without the ``segment.`` prefix.

    Returns
    -------
    pyarrow.DictionaryArray
        n labels: integer indices into the distinct labels; no nulls. Text is built for the distinct values
        and combinations only, and by Arrow.
    """
    if not columns:
        return pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(events.num_rows, np.int64)), pa.array([ALL], _TEXT)
        )
    codes, distinct = _column_labels(events, columns[0])
    for column in columns[1:]:
        more, texts = _column_labels(events, column)
        # One integer a combination; only combinations that occur get a text, so it never grows past n.
        pairs = _dictionary(pa.array(codes * len(texts) + more))
        left, right = np.divmod(pairs.dictionary.to_numpy(), max(len(texts), 1))
        codes = pairs.indices.to_numpy().astype(np.int64)
        distinct = _join(distinct.take(pa.array(left)), texts.take(pa.array(right)), ",")
    return pa.DictionaryArray.from_arrays(pa.array(codes), distinct)


def largest(counts: Mapping[str, int], k: int) -> list[str]:
    """Name the largest segments.

    Returns
    -------
    list of str
        By rows, most first; ties by name, so that every worker and replay chooses the same.

    Examples
    --------
    >>> largest({"origin=JFK": 5, "origin=EWR": 5, "origin=LGA": 9}, 2)
    ['origin=LGA', 'origin=EWR']
    """
    return sorted(counts, key=lambda label: (-counts[label], label))[:k]


def _escape(text: str) -> str:
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def _column_labels(events: Any, column: str) -> tuple[NDArray[np.int64], Any]:
    """Give the codes (n,) and the distinct ``column=value`` texts of one column."""
    encoded = _dictionary(events.column(PREFIX + column))
    texts = pc.fill_null(encoded.dictionary.cast(_TEXT), "")
    for character, escape in _ESCAPES:
        texts = pc.replace_substring(texts, character, escape)
    texts = pc.if_else(pc.is_null(encoded.dictionary), pa.scalar(NULL, _TEXT), texts)
    return encoded.indices.to_numpy().astype(np.int64), _join(f"{_escape(column)}=", texts, "")


def _join(left: Any, right: Any, separator: str) -> Any:
    if isinstance(left, str):
        left = pa.scalar(left, _TEXT)
    return pc.binary_join_element_wise(left, right, pa.scalar(separator, _TEXT))


def _dictionary(values: Any) -> Any:
    """Dictionary-encode an array or chunked array into one DictionaryArray, null being a value."""
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded
