"""File formats of the feature log, and how a name tells them."""

from __future__ import annotations

SUFFIXES = {
    ".avro": "avro",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
"""Suffix to format."""


def format_of(pattern: str) -> str | None:
    """Tell the format of files from their name.

    Parameters
    ----------
    pattern : str
        File name or glob pattern.

    Returns
    -------
    str or None
        ``avro``, ``parquet``, ``jsonl``, ``arrow``, or None if the name does not tell.

    Examples
    --------
    >>> format_of("gs://bucket/2013-*/part-*.parquet"), format_of("data/*")
    ('parquet', None)
    """
    name = pattern.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)
