"""File formats of the feature log, and how a name tells them."""

from __future__ import annotations

SUFFIXES = {
    ".avro": "avro",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
"""Suffix to format."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
"""Suffixes that may follow the one of JSON or CSV, to the compression's name."""


def format_of(pattern: str) -> str | None:
    """Tell the format of files from their name.

    Returns
    -------
    str or None
        ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv``, ``arrow``, or None if the name does not tell.

    Examples
    --------
    >>> format_of("gs://bucket/2013-*/part-*.parquet"), format_of("log.jsonl.gz"), format_of("data/*")
    ('parquet', 'jsonl', None)
    """
    name = pattern.replace("\\", "/").rsplit("/", 1)[-1].lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)
