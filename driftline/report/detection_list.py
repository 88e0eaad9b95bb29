"""What stream detectors found, as the report lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.table_arrays import micros
from driftline.tables import standing_rows
from driftline.tables.detections import LEARNING_GAP, LOSS

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DETECTIONS = 2_000
"""Detections a report embeds; beyond it those on the loss go first, then the newest."""


@dataclass(frozen=True)
class Detected:
    """One detection; times in microseconds since the epoch.

    Parameters
    ----------
    at, known : int
        When the change was, and when it was known.
    before, after : float
        Mean of the signal; NaN if the row does not say.
    width : int or None
        Values after the change that the detector needed.
    """

    segment: str
    signal: str
    detector: str
    at: int
    known: int
    before: float
    after: float
    width: int | None


@dataclass(frozen=True)
class Detections:
    """The detections of a run.

    Parameters
    ----------
    found : tuple of Detected
        Those on the loss first, then those on the learning gap; each group newest first.
    left_out : int
        What did not fit in `MAX_DETECTIONS`.
    """

    found: tuple[Detected, ...]
    left_out: int = 0

    @property
    def on_loss(self) -> tuple[Detected, ...]:
        """Those on the loss."""
        return tuple(each for each in self.found if each.signal == LOSS)


def of(rows: Any) -> Detections:
    """Read detection rows.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of the DETECTION schema, any replay, any order.
    """
    table = standing_rows(rows)
    known = micros(table, "detected_at")
    group = np.where(_is(table, LOSS), 0, np.where(_is(table, LEARNING_GAP), 1, 2))
    keys = {"group": group, "known": -known, "at": -micros(table, "at"), "place": table["row_id"]}
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    kept = table.take(order[:MAX_DETECTIONS])
    found = tuple(
        Detected(segment, signal, detector, at, when, _number(before), _number(after), width)
        for segment, signal, detector, at, when, before, after, width in zip(
            *(kept[name].to_pylist() for name in ("segment", "signal", "detector")),
            micros(kept, "at").tolist(),
            micros(kept, "detected_at").tolist(),
            *(kept[name].to_pylist() for name in ("before", "after", "width")),
            strict=True,
        )
    )
    return Detections(found, table.num_rows - len(found))


def _is(table: Any, signal: str) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(table["signal"], signal).to_numpy(), bool)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
