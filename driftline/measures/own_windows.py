"""Judge many windows of one feature at once, as they are kept beside a baseline."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.statistics import (
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    compare_categorical,
    compare_numeric,
)

if TYPE_CHECKING:
    from driftline.measures.window_histograms import WindowHistograms
    from driftline.statistics import BlockNull, Comparison


def compare_windows(
    windows: WindowHistograms, size: int, row: int, reference: Any, null: BlockNull
) -> Comparison:
    """Compare W windows of a feature with its reference, as if they were W features of one window.

    Parameters
    ----------
    windows
        Of a block of features.
    size
        Length of a window, microseconds.
    row
        Which feature of the block.
    reference
        `NumericReference` or `CategoricalReference` of the block.
    null
        Of the block.

    Returns
    -------
    Comparison
        Arrays over the windows.
    """
    count, when = len(windows.starts), windows.starts + size // 2
    counts, missing = windows.counts[:, row], windows.missing[:, row]
    invalid = np.zeros_like(missing) if windows.invalid is None else windows.invalid[:, row]
    known, repeated = _repeated(reference.counts, row, count), null.repeated(row, count)
    if isinstance(reference, CategoricalReference):
        return compare_categorical(
            CategoricalCounts(counts, missing, invalid=invalid), CategoricalReference(known), repeated, when
        )
    mean, variance = (None if each is None else each[:, row] for each in (windows.mean, windows.variance))
    current = NumericCounts(counts, missing, windows.nonfinite[:, row], mean, variance, invalid)
    return compare_numeric(current, replace(_repeated(reference, row, count), counts=known), repeated, when)


def _repeated(of: Any, row: int, times: int) -> Any:
    """Take one feature of counts or of a reference for so many."""
    arrays = {each.name: getattr(of, each.name) for each in fields(of)}
    taken = {
        name: np.broadcast_to(values[row], (times, *values.shape[1:]))
        for name, values in arrays.items()
        if isinstance(values, np.ndarray)
    }
    return replace(of, **taken)
