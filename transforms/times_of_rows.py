"""Bring the times of rows back from the calendar line to UTC, before they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np
import pyarrow as pa

from driftline.tables import table_named

if TYPE_CHECKING:
    from driftline.tables import Table
    from driftline.windows.calendar import Calendar

#: by the clock of the worker, never on the line
_EMITTED: Final = "emitted_at"


def rows_in_utc(rows: pa.RecordBatch, table: Table, calendar: Calendar) -> pa.RecordBatch:
    """Bring event times of rows back to UTC, and name the rows by these.

    Parameters
    ----------
    rows : pyarrow.RecordBatch
        Of the table.
    calendar : Calendar
        On whose line the times are.

    Returns
    -------
    pyarrow.RecordBatch
        The rows with true times, and the ``row_id`` that is made of them.
    """
    for at, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type) and field.name != _EMITTED:
            rows = rows.set_column(at, field, _in_utc(rows.column(at), calendar))
    at = rows.schema.get_field_index("row_id")
    named = zip(*(_values(rows.column(name)) for name in table.identity), strict=True)
    identities = pa.array([table.row_id(*values) for values in named], pa.string())
    return rows.set_column(at, rows.schema.field(at), identities.cast(rows.schema.field(at).type))


def _in_utc(column: Any, calendar: Calendar) -> pa.Array:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    line = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(0).to_numpy()
    return pa.array(calendar.from_line(np.asarray(line)), mask=missing).cast(column.type)


def _values(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


@dataclass
class RowsInUtc(beam.PTransform):
    """Bring the times of all rows of a table back to UTC.

    Parameters
    ----------
    table
        Name of the table.
    """

    table: str
    calendar: Calendar

    def expand(self, rows: beam.PCollection) -> beam.PCollection:
        """Convert batch by batch."""
        return rows | "Convert" >> beam.Map(
            rows_in_utc, table_named(self.table), self.calendar
        ).with_output_types(pa.RecordBatch)
