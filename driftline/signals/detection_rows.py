"""Rows of the table `detections`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from driftline.schemas.time_range import MAX_TIME, MIN_TIME
from driftline.tables.detections import DETECTION, detection_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline.signals.advance_signal import Detection


def detection_batch(
    detections: Iterable[Detection], *, model: str, segment: str, signal: str, emitted_at: int
) -> Any:
    """Make a batch of the schema `DETECTION`.

    Parameters
    ----------
    detections
        What `advance` found; of two with one identity, whose values all have the same times, the first.
    emitted_at
        Now, microseconds since the epoch, UTC.
    """
    rows: dict[str, dict[str, Any]] = {}
    for found in detections:
        row_id = detection_id(
            model, segment, signal, found.detector, at=found.at, detected_at=found.detected_at
        )
        rows.setdefault(
            row_id,
            {
                "row_id": row_id,
                "model": model,
                "segment": segment,
                "signal": signal,
                "detector": found.detector,
                "at": _writable(found.at),
                "detected_at": _writable(found.detected_at),
                "before": _finite(found.before),
                "after": _finite(found.after),
                "width": found.width,
                "emitted_at": emitted_at,
                "calibrated": found.calibrated,
            },
        )
    return pa.RecordBatch.from_pylist(list(rows.values()), schema=DETECTION.arrow)


def _writable(time: int) -> int:
    """Stay in the years that every sink can write: a window may end beyond them."""
    return min(max(time, MIN_TIME), MAX_TIME)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
