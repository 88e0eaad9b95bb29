"""The detection row: a change point that a stream detector found."""

from __future__ import annotations

from typing import Any, Final

from driftline.schemas.fields import Field, RowSchema
from driftline.tables.table import Table

LOSS: Final = "loss"
"""Name of the signal of losses."""

LEARNING_GAP: Final = "learning_gap"
"""Name of the signal of how far the model's loss is above an online learner's."""

FEATURE: Final = "feature"
"""What stands before a dot and the name of a feature in the name of the signal of its values."""

DETECTION = RowSchema(
    "Detection",
    1,
    "One change point of one signal, found by a stream detector.",
    (
        Field(
            "row_id",
            "string",
            "required",
            "Hash of model, segment, signal, detector, at and detected_at: the same in every replay.",
        ),
        Field("model", "string", "required", "Name of the model, from the configuration."),
        Field("segment", "string", "required", "The segment, written as in a result row."),
        Field(
            "signal",
            "string",
            "required",
            "What was watched: `loss`, `learning_gap`, `feature.` and its name, or the name of a statistic, "
            "a dot and a feature.",
        ),
        Field("detector", "string", "required", "The algorithm, as in `detectors` of the configuration."),
        Field("at", "timestamp", "required", "Event time of the change."),
        Field(
            "detected_at",
            "timestamp",
            "required",
            "Event time at which it was known; for losses, when the label that gave it away was known.",
        ),
        Field("before", "float64", "nullable", "Mean of the signal before the change."),
        Field("after", "float64", "nullable", "Mean of the signal after it."),
        Field(
            "width",
            "int64",
            "nullable",
            "How many of the newest values are held to be after it.",
        ),
        Field(
            "emitted_at",
            "timestamp",
            "required",
            "When the row was computed; not part of what makes two rows equal.",
        ),
        Field(
            "calibrated",
            "bool",
            "nullable",
            "Whether the change is beyond what the reference knows, not only the detector's own bound.",
        ),
    ),
)


def _has_detectors(config: Any) -> bool:
    return bool(config.detectors)


TABLE: Final = Table(
    name="detections",
    title="Detections",
    holds="what detectors have found",
    schema=DETECTION,
    identity=("model", "segment", "signal", "detector", "at", "detected_at"),
    written_by=_has_detectors,
)

detection_id = TABLE.row_id
