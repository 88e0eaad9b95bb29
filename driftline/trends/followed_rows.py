"""Which rows of a table trends follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from driftline.baseline import Baseline


def followed_rows(rows: Any, baseline: Baseline, ok: str) -> Any:
    """Keep the rows of windows that do not overlap and were compared with this baseline.

    Parameters
    ----------
    rows : pyarrow.RecordBatch
        Among its columns ``window_start``, ``status`` and ``baseline_version``.
    ok : str
        Status of the windows that can be told.
    """
    start = rows.column("window_start").cast(pa.int64()).to_numpy()
    told = pc.and_(
        pc.equal(rows.column("status"), ok), pc.equal(rows.column("baseline_version"), baseline.version)
    )
    return rows.filter(pc.and_(told, pa.array(start % baseline.size == 0)))
