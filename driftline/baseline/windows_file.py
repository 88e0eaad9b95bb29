"""The sidecar of a baseline: the histograms of the reference's windows, for refits."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

import fastavro
import numpy as np

from driftline.baseline.baseline_error import DAMAGE, REBUILD, BaselineError
from driftline.measures.window_histograms import WindowHistograms

if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOWS_VERSION = 4
"""Format of the sidecar; the first has no means and variances, the second no cardinalities and pairs, the
third no invalid rows."""

_WINDOWS_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "ReferenceWindows",
        "namespace": "driftline",
        "fields": [
            {"name": "segment", "type": "string"},
            {"name": "block", "type": "string"},
            {"name": "starts", "type": {"type": "array", "items": "long"}},
            {"name": "width", "type": "long"},
            {"name": "counts", "type": "bytes"},
            {"name": "missing", "type": "bytes"},
            {"name": "nonfinite", "type": "bytes"},
            {"name": "mean", "type": ["null", "bytes"]},
            {"name": "variance", "type": ["null", "bytes"]},
            {"name": "cardinality", "type": ["null", "bytes"]},
            {"name": "coincidences", "type": ["null", "bytes"]},
            {"name": "invalid", "type": ["null", "bytes"]},
        ],
    }
)

Record = dict[str, Any]

_FLOATS = ("mean", "variance", "cardinality", "coincidences")


def windows_record(segment: str, block: str, windows: WindowHistograms) -> Record:
    """Encode the window histograms of one (segment, block).

    Parameters
    ----------
    windows
        W windows of F features.

    Returns
    -------
    dict
        Starts, the counts as raw little-endian integers of shape (W, F, width) and (W, F), and what is no
        count as float64 of shape (W, F).
    """
    return {
        "segment": segment,
        "block": block,
        "starts": windows.starts.tolist(),
        "width": windows.counts.shape[2],
        **{
            name: getattr(windows, name).astype("<i8").tobytes()
            for name in ("counts", "missing", "nonfinite")
        },
        **{
            name: None if (values := getattr(windows, name)) is None else values.astype("<f8").tobytes()
            for name in _FLOATS
        },
        "invalid": None if windows.invalid is None else windows.invalid.astype("<i8").tobytes(),
    }


def encode_windows(records: Iterable[Record]) -> bytes:
    """Write the sidecar.

    Parameters
    ----------
    records
        What `windows_record` made.

    Returns
    -------
    bytes
        An Avro container, sorted by segment and block.
    """
    out = io.BytesIO()
    rows = sorted(records, key=lambda row: (row["segment"], row["block"]))
    fastavro.writer(
        out, _WINDOWS_SCHEMA, rows, codec="deflate", metadata={"driftline.windows": str(WINDOWS_VERSION)}
    )
    return out.getvalue()


def decode_windows(data: bytes, name: str = "the windows") -> dict[tuple[str, str], WindowHistograms]:
    """Read the sidecar.

    Parameters
    ----------
    name
        What to call it in an error.

    Returns
    -------
    dict
        Histograms by (segment label, block name).

    Raises
    ------
    BaselineError
        If it is none, is cut short or damaged.
    """
    try:
        return _windows(io.BytesIO(data))
    except DAMAGE as error:
        msg = f"{name} is damaged or holds no windows ({len(data)} bytes): {REBUILD}; found: {error}"
        raise BaselineError(msg) from error


def read_windows_of(file: IO[bytes], segment: str) -> dict[str, WindowHistograms]:
    """Read the windows of one segment by part, holding no others."""
    return {part: found for (_, part), found in _windows(file, segment).items()}


def _windows(file: IO[bytes], segment: str | None = None) -> dict[tuple[str, str], WindowHistograms]:
    found = {}
    records: Iterable[Any] = fastavro.reader(file)
    for row in records:
        if segment is not None and row["segment"] != segment:
            continue
        windows = len(row["starts"])
        counts, missing, nonfinite = (
            np.frombuffer(row[name], "<i8").astype(np.int64) for name in ("counts", "missing", "nonfinite")
        )
        features = len(missing) // windows if windows else 0
        mean, variance, cardinality, coincidences = (
            None if not row.get(name) else np.frombuffer(row[name], "<f8").reshape(windows, features)
            for name in _FLOATS
        )
        invalid = row.get("invalid")
        found[row["segment"], row["block"]] = WindowHistograms(
            np.array(row["starts"], np.int64),
            counts.reshape(windows, features, row["width"]),
            missing.reshape(windows, features),
            nonfinite.reshape(windows, features),
            mean,
            variance,
            cardinality,
            coincidences,
            invalid=None
            if not invalid
            else np.frombuffer(invalid, "<i8").astype(np.int64).reshape(windows, features),
        )
    return found
