"""Columns of Arrow tables as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def micros(table: Any, name: str) -> NDArray[np.int64]:
    """Give a column of timestamps in microseconds since the epoch, shape (N,)."""
    return np.asarray(table[name].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())


def floats(values: Any) -> NDArray[np.float64]:
    """Give a column of numbers, shape (N,); NaN where null."""
    return np.asarray(values.cast(pa.float64()).to_numpy())


def codes(values: Any, names: Sequence[str]) -> NDArray[np.int64]:
    """Give the position of each value in `names`, ``len(names)`` for any other."""
    places = pc.index_in(values.cast(pa.string()), value_set=pa.array(names, pa.string()))
    return np.asarray(pc.fill_null(places, len(names)).cast(pa.int64()).to_numpy())


def distinct(table: Any, name: str) -> list[str]:
    """List the values of a column, each once."""
    return [str(value) for value in pc.unique(table[name]).to_pylist()]
