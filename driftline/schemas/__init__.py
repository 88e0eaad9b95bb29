"""Row schemas, declared once: Arrow, Avro and BigQuery are read from the same fields."""

from driftline.schemas.dead_letter import DEAD_LETTER
from driftline.schemas.fields import Field, RowSchema
from driftline.schemas.identity import dead_letter_id, row_id
from driftline.schemas.read_messages import rows_of
from driftline.schemas.result import QUANTILES, RESULT, Calibration, Kind, Pane, Status, standing_rows

__all__ = [
    "DEAD_LETTER",
    "QUANTILES",
    "RESULT",
    "Calibration",
    "Field",
    "Kind",
    "Pane",
    "RowSchema",
    "Status",
    "dead_letter_id",
    "row_id",
    "rows_of",
    "standing_rows",
]
