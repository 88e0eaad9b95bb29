"""Tables: what rows there are, declared once; Arrow, Avro and BigQuery are read from the same fields."""

from driftline.schemas.fields import Field, RowSchema
from driftline.tables.dead_letters import DEAD_LETTER, dead_letter_id, dead_letter_ids
from driftline.tables.detections import DETECTION, detection_id
from driftline.tables.performance import PERFORMANCE, PerformanceStatus, performance_id
from driftline.tables.read_row_messages import rows_of
from driftline.tables.results import QUANTILES, RESULT, Calibration, Kind, Pane, Status, row_id
from driftline.tables.table import Table
from driftline.tables.table_registry import TABLES, all_tables, table_named, tables_of
from driftline.tables.which_row_stands import standing_rows

__all__ = [
    "DEAD_LETTER",
    "DETECTION",
    "PERFORMANCE",
    "QUANTILES",
    "RESULT",
    "TABLES",
    "Calibration",
    "Field",
    "Kind",
    "Pane",
    "PerformanceStatus",
    "RowSchema",
    "Status",
    "Table",
    "all_tables",
    "dead_letter_id",
    "dead_letter_ids",
    "detection_id",
    "performance_id",
    "row_id",
    "rows_of",
    "standing_rows",
    "table_named",
    "tables_of",
]
