"""The baseline as one Avro container file: metadata in the header, one record a (segment, part)."""

from __future__ import annotations

import base64
import io
import struct
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import fastavro
import orjson

from driftline.baseline.artefact import Baseline
from driftline.baseline.baseline_error import DAMAGE, REBUILD, BaselineError
from driftline.measures.measure import Entry
from driftline.measures.measure_registry import UnknownBytesError, measure_of
from driftline.profiles.layout import Layout
from driftline.profiles.rhythm import Rhythm
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterable


FORMAT_VERSION = 4
"""Newest format, the one that is written. The third has no rhythm of rows and no calendar of windows; before
it nulls were by block, and since then they are by name of the statistic, entries of all measures alike.
The first two call a part block; the second calls ``(performance)`` what is the part ``performance``."""

_METADATA_KEY = "driftline.baseline"
_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "BaselineEntry",
        "namespace": "driftline",
        "fields": [
            {"name": "segment", "type": "string"},
            {"name": "part", "type": "string"},
            {"name": "profile", "type": "bytes"},
            {"name": "null", "type": ["null", "bytes"]},
        ],
    }
)

Record = dict[str, Any]

#: parts that had another name in formats 1 and 2
_OLD_PARTS = {"(performance)": "performance"}

#: keys of the header that enter the version
_IDENTITY = ("model", "size", "every", "segment_columns", "windows")
#: and those that are there only where a baseline says so
_MORE_IDENTITY = ("rhythm", "calendar")
_LONGEST_CAUSE = 300


def encode_baseline(
    records: Iterable[Record],
    layout: Layout,
    *,
    model: str,
    size: int,
    every: int,
    segment_columns: tuple[str, ...],
    windows: int,
    created_at: int,
    min_n: int = 0,
    rhythm: Rhythm | None = None,
    calendar: Calendar = IN_UTC,
) -> bytes:
    """Write a baseline file.

    Parameters
    ----------
    records
        Entries as ``{"segment", "part", "profile", "null"}``, the last two encoded.
    layout
        What profiles hold.
    model, size, every, segment_columns, windows, created_at, min_n, rhythm, calendar
        As in `Baseline`; times in microseconds.

    Returns
    -------
    bytes
        An Avro container. `created_at` and `min_n` do not enter the version.
    """
    entries = sorted(records, key=lambda entry: (entry["segment"], entry["part"]))
    packed_layout = layout.to_bytes()
    identity: dict[str, Any] = {
        "model": model,
        "size": size,
        "every": every,
        "segment_columns": list(segment_columns),
        "windows": windows,
    }
    if rhythm is not None:
        identity["rhythm"] = base64.b64encode(rhythm.to_bytes()).decode()
    if not calendar.is_utc:
        identity["calendar"] = {"unit": calendar.unit, "zone": calendar.zone}
    version = _digest(identity, packed_layout, entries)
    head = {
        "format_version": FORMAT_VERSION,
        "version": version.hex(),
        "entries": len(entries),
        "created_at": created_at,
        "min_n": min_n,
        "layout": base64.b64encode(packed_layout).decode(),
        **identity,
    }
    out = io.BytesIO()
    # a fixed sync marker keeps the file a function of its content
    marker = blake2b(version, digest_size=16).digest()
    metadata = {_METADATA_KEY: orjson.dumps(head).decode()}
    fastavro.writer(out, _SCHEMA, entries, codec="deflate", metadata=metadata, sync_marker=marker)
    return out.getvalue()


def decode_baseline(data: bytes, name: str) -> Baseline:
    """Read a baseline file.

    Parameters
    ----------
    name
        What to call it in an error.

    Raises
    ------
    BaselineError
        If it is no baseline, is cut short or damaged, or was written by a newer release.
    """
    try:
        reader = fastavro.reader(io.BytesIO(data))
        packed_head = reader.metadata.get(_METADATA_KEY)
    except DAMAGE as error:
        msg = f"{name} is not a driftline baseline, or its header is cut short ({len(data)} bytes): {REBUILD}"
        raise BaselineError(msg) from error
    if packed_head is None:
        msg = f"{name} is an Avro file but not a driftline baseline: point baseline.path at one, or {REBUILD}"
        raise BaselineError(msg)
    try:
        head = orjson.loads(packed_head)
        written = int(head["format_version"])
    except DAMAGE as error:
        msg = f"{name} has a damaged header: copy it again, or {REBUILD}"
        raise BaselineError(msg) from error
    if written > FORMAT_VERSION:
        msg = (
            f"{name} has baseline format {written}, this release reads up to "
            f"{FORMAT_VERSION}: upgrade driftline, or {REBUILD}"
        )
        raise BaselineError(msg)
    try:
        records: list[Any] = list(reader)
        return _baseline(head, records)
    except DAMAGE as error:
        msg = f"{name} is cut short or damaged ({len(data)} bytes): copy it again, or {REBUILD}"
        if str(error):
            msg += f"; found: {str(error)[:_LONGEST_CAUSE]}"
        raise BaselineError(msg) from error


def _baseline(head: dict[str, Any], records: list[Record]) -> Baseline:
    """Put a baseline together; raises one of `DAMAGE` where a part does not belong to the others."""
    packed_layout = base64.b64decode(head["layout"])
    identity = {key: head[key] for key in _IDENTITY}
    identity |= {key: head[key] for key in _MORE_IDENTITY if key in head}
    whole = len(records) == head["entries"]
    if not whole or _digest(identity, packed_layout, records).hex() != head["version"]:
        msg = f"its content is not that of version {head['version']}"
        raise ValueError(msg)
    return Baseline(
        model=head["model"],
        size=head["size"],
        every=head["every"],
        segment_columns=tuple(head["segment_columns"]),
        layout=Layout.from_bytes(packed_layout),
        entries=_entries(records),
        windows=head["windows"],
        created_at=head["created_at"],
        min_n=head.get("min_n", 0),
        version=head["version"],
        rhythm=Rhythm.from_bytes(base64.b64decode(head["rhythm"])) if "rhythm" in head else None,
        calendar=Calendar(**head["calendar"]) if "calendar" in head else IN_UTC,
    )


def _digest(identity: dict[str, Any], packed_layout: bytes, entries: list[Record]) -> bytes:
    """Digest everything that decides; `entries` are in the order of the file."""
    digest = blake2b(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS) + packed_layout, digest_size=8)
    for entry in entries:
        for part in (
            entry["segment"].encode(),
            entry[_part_key(entry)].encode(),
            entry["profile"],
            entry["null"] or b"",
        ):
            digest.update(struct.pack("<q", len(part)) + part)
    return digest.digest()


def read_records(data: bytes) -> list[Record]:
    """Read the entries of a baseline file as they are written, parts by today's names.

    Parameters
    ----------
    data
        What `decode_baseline` reads.

    Returns
    -------
    list of dict
        For `encode_baseline`.
    """
    records: Iterable[Any] = fastavro.reader(io.BytesIO(data))
    return [
        {
            "segment": record["segment"],
            "part": _OLD_PARTS.get(written, written),
            "profile": record["profile"],
            "null": record["null"],
        }
        for record in records
        for written in [record[_part_key(record)]]
    ]


def _part_key(record: Record) -> str:
    """Name the field that names the part: formats 1 and 2 called it block."""
    return "part" if "part" in record else "block"


def _entries(records: list[Record]) -> dict[tuple[str, str], Entry]:
    """Read the entries of every measure that is installed."""
    entries = {}
    for record in records:
        written: str = record[_part_key(record)]
        name = _OLD_PARTS.get(written, written)
        try:
            kind = measure_of(record["profile"])
        except UnknownBytesError:
            continue
        null = None if record["null"] is None else kind.read_null(record["null"])
        entries[record["segment"], name] = Entry(kind.decode(record["profile"]), null)
    return entries
