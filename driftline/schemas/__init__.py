"""Row schemas, declared once: Arrow, Avro and BigQuery are read from the same fields."""

from driftline.schemas.dead_letter import DEAD_LETTER
from driftline.schemas.detection import DETECTION
from driftline.schemas.fields import Field, RowSchema
from driftline.schemas.identity import dead_letter_id, dead_letter_ids, detection_id, performance_id, row_id
from driftline.schemas.performance import PERFORMANCE, PerformanceStatus
from driftline.schemas.read_messages import rows_of
from driftline.schemas.result import QUANTILES, RESULT, Calibration, Kind, Pane, Status, standing_rows

__all__ = [
    "DEAD_LETTER",
    "DETECTION",
    "PERFORMANCE",
    "QUANTILES",
    "RESULT",
    "Calibration",
    "Field",
    "Kind",
    "Pane",
    "PerformanceStatus",
    "RowSchema",
    "Status",
    "dead_letter_id",
    "dead_letter_ids",
    "detection_id",
    "performance_id",
    "row_id",
    "rows_of",
    "standing_rows",
]
