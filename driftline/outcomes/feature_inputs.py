"""Features of events as a learner takes them: float64 numbers, and categories hashed to columns and signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.profiles.hashing import hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LARGEST: Final = 1e100
"""Numbers beyond it count as this: the sum of their squares must stay in float64."""

_SIGN: Final = np.uint64(63)


class Inputs(NamedTuple):
    """Features that were read already.

    Parameters
    ----------
    numbers
        (n, k) float64, as `read_numbers` gives them.
    categories
        (n, c) int32, as `read_categories` gives them.
    """

    numbers: NDArray[np.float64]
    categories: NDArray[np.int32]


def read_numbers(features: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Read numeric features.

    Parameters
    ----------
    features
        `pyarrow.RecordBatch` or ``Table`` of n rows, or a numpy array (n, k) with the features in order.
    names
        The k features: columns of an Arrow batch.

    Returns
    -------
    ndarray, shape (n, k), float64
        In C order; null, NaN and infinite values are NaN, all else is within `LARGEST`.

    Raises
    ------
    ValueError
        If a column lacks or holds no numbers, or the array has another shape.
    """
    if not isinstance(features, (pa.RecordBatch, pa.Table)):
        features = np.asarray(features)
        if features.ndim != 2 or features.shape[1] != len(names):
            raise ValueError(
                f"features of shape {features.shape}: give (rows, {len(names)}), one column each for "
                f"{', '.join(names)}"
            )
        values = np.array(features, np.float64, order="C")
    else:
        values = np.empty((features.num_rows, len(names)))
        for i, name in enumerate(names):
            values[:, i] = _column(features, name, pa.float64()).to_numpy(zero_copy_only=False)
    values[~np.isfinite(values)] = np.nan
    return np.clip(values, -LARGEST, LARGEST, out=values)


def read_categories(features: Any, names: Sequence[str], width: int) -> NDArray[np.int32]:
    """Read categorical features by hashing each value, with the name of its feature, to a column and a sign.

    Parameters
    ----------
    features
        `pyarrow.RecordBatch` or ``Table`` of n rows.
    width
        How many columns there are to hash to.

    Returns
    -------
    ndarray, shape (n, c), int32
        ``column + 1``, negative where the sign is. Null is a value of its own.

    Raises
    ------
    ValueError
        If a column lacks or cannot be read as text, or there are no columns because it is a numpy array.

    References
    ----------
    Weinberger, Dasgupta, Langford, Smola and Attenberg, Feature Hashing for Large Scale Multitask Learning
    (2009): with signs, collisions cancel out on average.

    Examples
    --------
    >>> read_categories(pa.table({"carrier": ["UA", None, "UA", "DL"]}), ["carrier"], 16).ravel()
    array([ 6, -2,  6, -7], dtype=int32)
    """
    if not isinstance(features, (pa.RecordBatch, pa.Table)):
        if names:
            raise ValueError(
                f"categorical features ({', '.join(names)}) are not read from a {type(features).__name__}: "
                "give an Arrow RecordBatch"
            )
        return np.empty((len(features), 0), np.int32)
    codes = np.empty((features.num_rows, len(names)), np.int32)
    for i, name in enumerate(names):
        encoded = _column(features, name, pa.large_string()).dictionary_encode()
        # no value can give the text of a null: it has no "="
        own, between = pa.array([name], pa.large_string()), pa.scalar("=", pa.large_string())
        texts = pc.binary_join_element_wise(own[0], encoded.dictionary, between)
        hashes = hash_text(pa.concat_arrays([texts, own]))
        columns = (hashes % np.uint64(width)).astype(np.int32) + 1
        signed = np.where(hashes >> _SIGN, -columns, columns)
        codes[:, i] = signed[pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy()]
    return codes


def _column(features: Any, name: str, wanted: pa.DataType) -> Any:
    if name not in features.schema.names:
        raise ValueError(
            f"no column {name!r} among {', '.join(features.schema.names)}: give every feature of the detector"
        )
    column = flat(features.column(name))
    try:
        return column.cast(wanted, safe=wanted != pa.float64())  # an integer beyond 2^53 is rounded
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"column {name!r} of type {column.type} cannot be read as {wanted}: {error}; convert it, or "
            "leave the feature out"
        ) from error
