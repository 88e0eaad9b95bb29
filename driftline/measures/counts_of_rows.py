"""Count invalid values, read the counts of windows back from their result rows, and what trends follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.arrays import flat, numbers
from driftline.statistics.null.runs import bounded
from driftline.statistics.statistic_registry import statistics_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.profiles.layout import Block
    from driftline.profiles.row_groups import RowGroups
    from driftline.statistics import BlockNull

    Floats = NDArray[np.float64]


_INVALID: Final = "invalid."


def invalid_rows(part: Block, events: Any, groups: RowGroups) -> NDArray[np.int64]:
    """Count rows whose value is none of the feature's kind, by feature and group, (F, G).

    Parameters
    ----------
    events
        Normalised events: of features that have such rows a column says which they are.
    """
    found = np.zeros((len(part), len(groups.segments)), np.int64)
    for f, name in enumerate(part.names):
        if events.schema.get_field_index(_INVALID + name) >= 0:
            marked = flat(events.column(_INVALID + name)).fill_null(False).to_numpy(zero_copy_only=False)
            found[f] = np.add.reduceat(groups.arrange(marked).astype(np.int64), groups.bounds[:-1])
    return found


def places(rows: Any, names: Sequence[str]) -> NDArray[np.int64]:
    """Find the place in a part of each row's feature, (R,)."""
    where = {name: place for place, name in enumerate(names)}
    found: NDArray[np.int64] = np.array(
        [where[name] for name in rows.column("feature").to_pylist()], np.int64
    )
    return found


def bin_counts(rows: Any, width: int) -> NDArray[np.int64]:
    """Give the counts of bins, (R, width); those that a feature lacks are 0."""
    lists = rows.column("bin_counts")
    found = np.zeros((len(lists), width), np.int64)
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    found[np.arange(width) < lengths[:, None]] = lists.flatten().to_numpy()
    return found


def share_of_rows(rows: Any, rate: str) -> NDArray[np.int64]:
    """Count the rows of the window that a rate is of, (R,)."""
    n = rows.column("n").to_numpy()
    if rate not in rows.schema.names:  # of an earlier release
        return np.zeros(len(n), np.int64)
    counts: NDArray[np.int64] = np.rint(np.nan_to_num(column(rows, rate)) * n).astype(np.int64)
    return counts


def middles(rows: Any) -> NDArray[np.int64]:
    """Give the middle of each row's window, microseconds since the epoch, (R,)."""
    start, end = (rows.column(name).cast(pa.int64()).to_numpy() for name in ("window_start", "window_end"))
    found: NDArray[np.int64] = (start + end) // 2
    return found


def column(rows: Any, name: str) -> Floats:
    """Give a column of numbers, (R,); nan where null."""
    return numbers(rows.column(name))


def followed_vectors(
    kind: str, pair: Any, null: BlockNull, place: NDArray[np.int64], rows: Any
) -> dict[str, Floats]:
    """Compute the vectors of every statistic that trends follow.

    Parameters
    ----------
    pair : NumericPair or CategoricalPair
        Of the R windows.
    null : BlockNull
        Of the features of the part.
    place : ndarray of int64, shape (R,)
        Feature of each row.

    Returns
    -------
    dict of str to ndarray of float64, shape (R, K)
        By statistic; nan where a row has no p-value.
    """
    found = {}
    for statistic in statistics_of(kind):
        arrays = {key: array[place] for key, array in null.arrays.get(statistic.name, {}).items()}
        if "run_shape" not in arrays:
            continue
        vectors = statistic.vectors(pair, arrays)
        if vectors is not None:
            p = column(rows, f"{statistic.name}_p")
            within = bounded(vectors, np.nan_to_num(p, nan=1.0), arrays["run_shape"][:, 0].astype(np.float64))
            found[statistic.name] = np.where(np.isnan(p)[:, None], np.nan, within)
    return found
