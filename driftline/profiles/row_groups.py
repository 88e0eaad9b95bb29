"""Rows of events that belong together: those of one segment and slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.segments import OTHER, PREFIX, labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_RADIX = 1 << 16  # keys below this sort as 16-bit integers, which numpy does by radix, ten times as fast


@dataclass(frozen=True, eq=False)
class RowGroups:
    """Which of n rows belong together: G groups of one segment and slice each.

    Parameters
    ----------
    order
        (n,) int64, brings each group's rows together; None if they are.
    bounds
        (G + 1,) int64, where each group starts in that order.
    segments
        G segment labels.
    starts
        G starts of slices, microseconds since the epoch.
    """

    order: NDArray[np.int64] | None
    bounds: NDArray[np.int64]
    segments: list[str]
    starts: list[int]

    @classmethod
    def of(cls, events: Any, monitored: frozenset[str] | None, slice_length: int) -> RowGroups:
        """Group events, at least one.

        Parameters
        ----------
        events
            Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`).
        monitored
            Labels of the segments to tell apart; rows of all others are of ``(other)``. None tells all apart.
        slice_length
            Length of a slice in microseconds; slices are aligned to the epoch.

        Returns
        -------
        RowGroups
        """
        codes, names = segment_codes(events, monitored)
        # Floor division: right for times before 1970 too.
        slices = events.column("time").to_numpy() // slice_length
        first, last = int(slices.min()), int(slices.max())
        if last - first < _RADIX:
            slices -= first
            starts = np.arange(first, last + 1) * slice_length
        else:
            starts, slices = np.unique(slices, return_inverse=True)
            starts = starts * slice_length
        keys = slices * len(names) + codes
        if len(starts) * len(names) <= _RADIX:
            keys = keys.astype(np.uint16)
        order: NDArray[np.int64] | None = None
        if (keys[1:] < keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
        opens = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        which, segment = np.divmod(keys[opens].astype(np.int64), len(names))
        named = names.take(pa.array(segment)).to_pylist()
        return cls(order, np.append(opens, len(keys)), named, starts[which].tolist())

    def arrange(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring values (n,) into the order of the groups."""
        return values if self.order is None else values[self.order]

    def rows(self) -> Iterator[NDArray[np.int64]]:
        """Give the rows of one group after the other, as places in the events."""
        order = self.order if self.order is not None else np.arange(self.bounds[-1])
        for start, end in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield order[start:end]


def segment_codes(events: Any, monitored: frozenset[str] | None) -> tuple[NDArray[np.int64], Any]:
    """Give each row's segment as a code, and the labels behind the codes.

    Parameters
    ----------
    events, monitored
        As for `RowGroups.of`.

    Returns
    -------
    ndarray of int64, pyarrow.StringArray
        Shape (n,), indices into the labels; the labels, of which not all need occur.
    """
    columns = [name.removeprefix(PREFIX) for name in events.schema.names if name.startswith(PREFIX)]
    encoded = labels(events, columns)
    codes, names = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary
    if monitored is None or not columns:
        return codes, names
    kept = pc.is_in(names, value_set=pa.array(sorted(monitored), names.type))
    mask = kept.to_numpy(zero_copy_only=False)
    if mask.all():
        return codes, names
    named = names.filter(kept)
    renumbered = np.where(mask, np.cumsum(mask) - 1, len(named))
    return renumbered[codes], pa.concat_arrays([named, pa.array([OTHER], names.type)])
