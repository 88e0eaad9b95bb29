"""Tables in memory, in the forms that notebooks have them, as events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.decoding.event_schema import INVALID
from driftline.decoding.rejects import shorten
from driftline.decoding.values import numeric_values, text_values
from driftline.notebook.columns import column_in_memory, plain_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from driftline.feature_spec import FeatureSpec

_LARGEST_TIME = 2.0**62


def as_table(data: Any) -> pa.Table:
    """Read any of the accepted forms as an Arrow table.

    Parameters
    ----------
    data
        Array (n, features) or (n,), `pandas.DataFrame` or ``Series``, `pyarrow.Table` or ``RecordBatch``.

    Returns
    -------
    pyarrow.Table
        Columns of an array are x0, x1, ...; its NaN is null.

    Raises
    ------
    ValueError
        If it is no table, or several columns have one name.
    """
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    elif hasattr(data, "iloc"):
        data = _of_frame(data if data.ndim == 2 else data.to_frame())
    elif not isinstance(data, pa.Table):
        data = _of_array(data)
    else:
        data = pa.Table.from_arrays([plain_column(each) for each in data.columns], names=data.column_names)
    twice = sorted(name for name, times in Counter(data.column_names).items() if times > 1)
    if twice:
        raise ValueError(f"several columns are named {', '.join(twice)}: give each a name of its own")
    return data


def _of_array(data: Any) -> pa.Table:
    array = np.asarray(data)
    if array.ndim == 0 and not np.issubdtype(array.dtype, np.number):
        raise ValueError(
            f"a {type(data).__name__} is no table: give an array, a DataFrame or an Arrow table "
            "(and for a baseline file, use DriftDetector.from_baseline)"
        )
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise ValueError(f"an array of shape {array.shape} is no table: give (rows, features)")
    # NaN is how an array says missing, as in pandas
    return pa.table({f"x{i}": column_in_memory(array[:, i]) for i in range(array.shape[1])})


def _of_frame(frame: Any) -> pa.Table:
    names = [str(name) for name in frame.columns]
    columns = [column_in_memory(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return pa.Table.from_arrays(columns, names=names)


def as_events(table: pa.Table, specs: Sequence[FeatureSpec], times: ArrayLike | None) -> pa.Table:
    """Make normalised events of a table, by the job's own reading of values.

    Parameters
    ----------
    times
        Event times, (n,) int64; all the same if None.

    Returns
    -------
    pyarrow.Table
        As the decoding layer makes them: what is none of a feature's kind is invalid.
    """
    columns: dict[str, Any] = {
        "time": pa.array(np.zeros(table.num_rows, np.int64) if times is None else times)
    }
    invalid = {}
    for spec in specs:
        values, wrong = (numeric_values if spec.kind == "numeric" else text_values)(table[spec.name])
        columns[f"feature.{spec.name}"] = values
        if wrong.any():
            invalid[INVALID + spec.name] = pa.array(wrong)
    return pa.table(columns | invalid)


def check_kinds(events: pa.Table, table: pa.Table, specs: Sequence[FeatureSpec]) -> None:
    """Refuse a reference that has a feature of whose kind no value is (ValueError)."""
    for spec in specs:
        marked = INVALID + spec.name
        if marked in events.column_names and events[f"feature.{spec.name}"].null_count == len(events):
            seen = shorten(next((each for each in table[spec.name].to_pylist() if each is not None), None))
            raise ValueError(
                f"column {spec.name!r} holds nothing that can be read as {spec.kind}, such as {seen}: "
                "give plain numbers or text (of a list its length, say), or leave the column out"
            )


def as_integers(column: Any) -> ArrayLike:
    """Read a time column as integers that keep its order.

    Parameters
    ----------
    column
        Arrow column of timestamps, dates or numbers.

    Returns
    -------
    ndarray, shape (n,), int64
        Microseconds, or the numbers themselves.

    Raises
    ------
    ValueError
        If it is of another type, or has nulls or infinite values.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        # what is finer than a microsecond is cut off, as in the job
        column = column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
    elif pa.types.is_floating(kind):
        column = _scaled(column)
    elif not pa.types.is_integer(kind):
        raise ValueError(
            f"a time column of type {kind} cannot be read: give timestamps (pandas.to_datetime) or numbers"
        )
    if column.null_count:
        raise ValueError(
            f"the time column has {column.null_count} nulls: drop those rows, or give them a time"
        )
    return np.asarray(column.cast(pa.int64()).to_numpy())


def _scaled(column: Any) -> Any:
    """Integers of a column of floats: millionths, or coarser where those would be no int64."""
    values = column.to_numpy().astype(np.float64)
    largest = np.nanmax(np.abs(values), initial=0.0)
    if not np.isfinite(largest):
        raise ValueError("the time column holds infinite values: drop those rows, or give them a time")
    unit = min(1e6, _LARGEST_TIME / max(largest, 1e-300))
    return pa.array(
        np.rint(np.where(np.isnan(values), 0, values) * unit).astype(np.int64), mask=np.isnan(values)
    )
