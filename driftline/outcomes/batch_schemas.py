"""Columns of predictions, labels and what becomes of them, as they travel between steps."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

AFTER_DEADLINE: Final = "after_deadline"
"""Why a label is unmatched: its prediction is known, but had waited long enough."""

NO_PREDICTION: Final = "no_prediction"
"""Why a label is unmatched: no prediction with its request id came, or it has no request id."""

_ID: Final = [pa.field("id_high", pa.uint64()), pa.field("id_low", pa.uint64())]

PREDICTIONS: Final = pa.schema(
    [
        *_ID,
        pa.field("time", pa.int64()),
        pa.field("segment", pa.string()),
        pa.field("score", pa.float64()),
    ]
)
"""Both halves of the request id's hash; event time, microseconds since the epoch, UTC; label of the segment;
probability of the positive class, or the number predicted. An id that is null is that of no other row.

Where a learner needs them there is one more column, ``features`` (fixed-size binary), of predictions and of
outcomes: `driftline.outcomes.travelling_features`."""

LABELS: Final = pa.schema(
    [
        *_ID,
        pa.field("time", pa.int64()),
        pa.field("label", pa.float64()),
        pa.field("where", pa.string()),
    ]
)
"""Time of the label; class 0 or 1, or the number; position in the source, null if unknown."""

OUTCOMES: Final = pa.schema([*PREDICTIONS, pa.field("label", pa.float64()), pa.field("known", pa.int64())])
"""A prediction with its label; ``known`` is the later of their two times: when its error was known."""

UNMATCHED: Final = pa.schema([*LABELS, pa.field("reason", pa.string())])
"""A label that no prediction waits for, and why."""
