"""Which of the rows with one ``row_id`` stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.tables.results import TABLE as RESULTS
from driftline.tables.table_registry import all_tables

if TYPE_CHECKING:
    from driftline.tables.table import Table


def standing_rows(rows: Any, table: Table | None = None) -> Any:
    """Keep the row that stands of each ``row_id``.

    It is the one with the largest value in the first column of the table's `rank`, then in the second, and
    so on; of rows that tie, the one that comes first. Of results the largest ``n`` stands, since rows of a
    window are only ever added, then the newest ``emitted_at``, then the highest ``pane_index``. Dead letters
    and detections have no ``n``: the newest is kept.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of one table, of any number of files, messages, panes and replays.
    table : Table, optional
        What they are. If absent it is told by the columns: the table whose required columns are all there.
        Where some were left out when reading, the rank of results decides, as far as its columns are there.

    Returns
    -------
    pyarrow.Table
        One row for each ``row_id``, in the order in which the input has them.

    Examples
    --------
    >>> rows = pa.table({"row_id": ["a", "b", "a"], "n": [5, 1, 9],
    ...                  "emitted_at": [3, 1, 2], "pane_index": [0, 0, 1]})
    >>> standing_rows(rows)["n"].to_pylist()
    [1, 9]
    """
    if rows.num_rows == 0:
        return rows
    if table is None:
        table = _table_of(set(rows.column_names))
    rank = [name for name in table.rank if name in rows.column_names]
    keys = pa.table(
        {
            "row_id": rows["row_id"].cast(pa.string()),
            **{name: rows[name] for name in rank},
            "place": pa.array(np.arange(rows.num_rows)),
        },
    )
    order = pc.sort_indices(
        keys,
        sort_keys=[
            ("row_id", "ascending"),
            *((name, "descending") for name in rank),
            ("place", "ascending"),
        ],
    )
    names = keys["row_id"].combine_chunks().take(order)
    changes = pc.not_equal(names.slice(1), names.slice(0, len(names) - 1))
    first = pa.chunked_array([pa.array([True]), changes]).combine_chunks()
    stand = order.filter(first)
    return rows.take(stand.take(pc.sort_indices(stand)))


def _table_of(columns: set[str]) -> Table:
    """Tell a table by columns; of several that fit, the one that has most of them."""
    fitting = [
        each
        for each in all_tables()
        if columns.issuperset(field.name for field in each.schema.fields if field.mode == "required")
    ]
    return max(fitting, key=lambda each: len(columns.intersection(each.schema.names)), default=RESULTS)
