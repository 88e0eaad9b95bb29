"""Dates and times as text, where they can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import nulls
from driftline.decoding.event_times import event_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def temporal_text(column: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Write dates, times of day and timestamps.

    Parameters
    ----------
    column : pyarrow.Array
        Of one of these types, or an interval or a duration, which have no text of their own.

    Returns
    -------
    text : pyarrow.StringArray
        The same whether a timestamp counts nanoseconds or microseconds; null where the row is null or wrong.
    wrong : ndarray of bool, shape (rows,)
        Rows outside the years 1 to 9999 or the 24 hours of a day; all rows of a type without a text, and of a
        time zone that is not known here.

    Examples
    --------
    >>> text, wrong = temporal_text(pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32()))
    >>> text.to_pylist(), wrong.tolist()
    (['1970-01-01', None], [False, True])
    """
    kind = column.type
    if pa.types.is_time(kind):
        counts = column.view(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        counts = counts.fill_null(0).to_numpy(zero_copy_only=False)
        wrong = (counts < 0) | (counts >= _DAY[kind.unit])
    else:
        wrong = event_times(column, None)[2]
    if wrong.any():
        column = pc.if_else(pa.array(wrong), None, column)
    if pa.types.is_timestamp(kind) and kind.unit in ("ns", "us"):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        return column.cast(pa.string()), wrong
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # no text, or a zone that nobody knows
        return pa.nulls(len(column), pa.string()), wrong | ~nulls(column)
