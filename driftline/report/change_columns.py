"""What changed in each window, in words and by components, as the page's script reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.packing import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.report.result_grid import Grid

COMPONENTS = ("shift", "spread", "skew", "tails")
"""Names of the components, in their order."""
MAX_TEXTS = 20_000
"""Different texts that a report embeds; beyond it those of the most drifted windows."""


def component_columns(grid: Grid) -> dict[str, NDArray[np.float32]]:
    """Lay the components out as the cells are.

    Returns
    -------
    dict of str to ndarray of float32, shape (S, F, W)
        By name with ``component_`` before it, to a tenth of a standard deviation; NaN where a row has none.
        Empty if no row has any.
    """
    lists = grid.table["components"].combine_chunks()
    lengths = np.asarray(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    if not lengths.any():
        return {}
    values = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.float64)
    begins = np.cumsum(lengths) - lengths
    columns = {}
    for order, name in enumerate(COMPONENTS):
        some = np.flatnonzero(lengths > order)
        of_row = np.full(len(lengths) + 1, np.nan)  # the last is of cells without a row
        of_row[some] = np.round(values[begins[some] + order], 1)
        columns[f"component_{name}"] = rounded(of_row[grid.row])
    return columns


def change_column(grid: Grid) -> tuple[NDArray[np.uint16], list[str]]:
    """Number the texts of what changed.

    Returns
    -------
    codes : ndarray of uint16, shape (S, F, W)
        Place in the texts, from 1; 0 where there is none.
    texts : list of str
    """
    column: Any = grid.table["change"].combine_chunks().dictionary_encode()
    texts = column.dictionary.to_pylist()
    of_row = np.asarray(column.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    codes = np.where(grid.row >= 0, of_row[grid.row], -1) if len(of_row) else np.full(grid.shape, -1)
    some = codes >= 0
    worst = np.full(len(texts), -1.0)
    np.maximum.at(worst, codes[some], np.nan_to_num(grid.severity[some], nan=-1.0))
    keys = pa.table({"worst": -worst, "text": column.dictionary})  # by text too: rows come in any order
    kept = pc.sort_indices(keys, sort_keys=[("worst", "ascending"), ("text", "ascending")]).to_numpy()
    kept = kept[:MAX_TEXTS]
    number = np.zeros(len(texts) + 1, "<u2")  # the last is of cells without a text
    number[kept] = np.arange(1, len(kept) + 1)
    return number[codes], [texts[place] for place in kept.tolist()]
