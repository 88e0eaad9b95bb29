"""Labels: a class or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import nulls
from driftline.decoding.values import numeric_values, text_values

if TYPE_CHECKING:
    from numpy.typing import NDArray


def class_values(
    column: Any, classes: tuple[tuple[str, ...], ...]
) -> tuple[Any, NDArray[np.bool_], NDArray[np.bool_]]:
    """Read labels that name a class.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Text, numbers or booleans; 1, 1.0 and ``1`` are the same.
    classes
        Ways of spelling the negative and the positive class, or all classes.

    Returns
    -------
    values : pyarrow.DoubleArray
        0 or 1, or the place among all classes; null where the row is null, wrong or unknown.
    wrong : ndarray of bool, shape (rows,)
        Rows that hold no plain value.
    unknown : ndarray of bool, shape (rows,)
        Rows that name no class.

    Examples
    --------
    >>> values, wrong, unknown = class_values(pa.array(["no", "yes", "maybe", None]), (("no", "yes"),))
    >>> values.to_pylist(), unknown.tolist()
    ([0.0, 1.0, None, None], [False, False, True, False])
    """
    text, wrong = text_values(column)
    names = [name for pair in classes for name in pair]
    place = pc.index_in(text, pa.array(names, pa.string()))
    unknown = place.is_null().to_numpy(zero_copy_only=False) & ~nulls(text)
    rounds = pc.multiply(pc.divide(place, len(classes[0])), len(classes[0]))
    return pc.subtract(place, rounds).cast(pa.float64()), wrong, unknown


def number_values(column: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Read labels that are numbers.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Numbers.

    Returns
    -------
    values : pyarrow.DoubleArray
        The numbers; null where the row is null or wrong.
    wrong : ndarray of bool, shape (rows,)
        Rows that hold something else, or no finite number.
    """
    values, wrong = numeric_values(column)
    wild = ~nulls(values) & ~np.isfinite(values.to_numpy(zero_copy_only=False))
    return pc.if_else(pa.array(wild), None, values), wrong | wild
