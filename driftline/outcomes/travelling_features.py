"""Features that travel with predictions to their labels: some bytes a row, of one width."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.outcomes.feature_inputs import Inputs, read_categories, read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]

FEATURES: Final = "features"
"""Column of predictions and outcomes; absent unless a learner needs it."""

HASHED_COLUMNS: Final = 256
"""How many columns categorical features are hashed to; part of the encoding."""

_ENCODING: Final = 1


@dataclass(frozen=True)
class FeatureLayout:
    """Which features travel, and how they are encoded.

    A row is 4 bytes that tell this layout from others, float64 for every numeric feature (NaN is missing),
    and int32 for every categorical one: the hashed column and sign of `read_categories`. All little-endian.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    @classmethod
    def of(cls, kinds: Mapping[str, str]) -> FeatureLayout:
        """Take the features of a configuration: for each name its kind, ``numeric`` or ``categorical``.

        Examples
        --------
        >>> FeatureLayout.of({"x": "numeric", "c": "categorical"}).width
        16
        """
        numeric = tuple(name for name, kind in kinds.items() if kind == "numeric")
        return cls(numeric, tuple(name for name in kinds if name not in numeric))

    @cached_property
    def width(self) -> int:
        """Bytes of a row."""
        return self._row.itemsize

    @cached_property
    def _row(self) -> np.dtype[Any]:
        fields = [
            ("mark", "<u4"),
            ("numbers", "<f8", (len(self.numeric),)),
            ("categories", "<i4", (len(self.categorical),)),
        ]
        return np.dtype(fields)

    @cached_property
    def _mark(self) -> int:
        """Number of this layout, never 0: so that rows without features have none."""
        text = json.dumps([_ENCODING, self.numeric, self.categorical, HASHED_COLUMNS])
        return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little") | 1

    def encode(self, events: Any) -> Any:
        """Encode the columns ``feature.NAME`` of n events: a `pyarrow.FixedSizeBinaryArray` of n rows."""
        names = [*self.numeric, *self.categorical]
        columns = [events.column(f"feature.{name}") for name in names]
        features = pa.RecordBatch.from_arrays(columns, names) if names else events
        rows = np.empty(events.num_rows, self._row)
        rows["mark"] = self._mark
        rows["numbers"] = read_numbers(features, self.numeric)
        rows["categories"] = read_categories(features, self.categorical, HASHED_COLUMNS)
        return as_column(rows.view(np.uint8).reshape(len(rows), self.width))

    def ours(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell which rows, (n, w) uint8, are of this layout, not of another one and not without features."""
        if rows.shape[1] < self.width:
            return np.zeros(len(rows), bool)
        marks: NDArray[np.bool_] = np.ascontiguousarray(rows[:, :4]).view("<u4")[:, 0] == self._mark
        return marks

    def decode(self, rows: Rows) -> Inputs:
        """Decode rows, (n, w) uint8, all of which are `ours`."""
        read = np.ascontiguousarray(rows[:, : self.width]).view(self._row)[:, 0]
        return Inputs(
            np.ascontiguousarray(read["numbers"], np.float64),
            np.ascontiguousarray(read["categories"], np.int32),
        )


def as_column(rows: Rows) -> Any:
    """Give encoded rows, (n, w) uint8, as a `pyarrow.FixedSizeBinaryArray`."""
    n, width = rows.shape
    data = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, data])


def features_of(batch: Any) -> Rows | None:
    """Encoded features, (n, w) uint8, of predictions or outcomes; None without the column."""
    if FEATURES not in batch.schema.names:
        return None
    column = batch.column(FEATURES)
    n, width = len(column), column.type.byte_width
    rows = np.frombuffer(column.buffers()[1], np.uint8, n * width, column.offset * width)
    return rows.reshape(n, width)


def without_features(batch: Any) -> Any:
    """Leave the features out of a batch of predictions or outcomes."""
    return batch.drop_columns([FEATURES]) if FEATURES in batch.schema.names else batch


def concatenate(parts: Sequence[Rows | None], lengths: Sequence[int]) -> Rows | None:
    """Put encoded rows one behind the other.

    Parameters
    ----------
    parts
        (n, w) uint8 each, or None for rows without features.

    Returns
    -------
    ndarray of uint8 or None
        As wide as the widest, the others with zeros behind; None if no part has any.

    Examples
    --------
    >>> concatenate([None, np.ones((1, 2), np.uint8)], [1, 1])
    array([[0, 0],
           [1, 1]], dtype=uint8)
    """
    width = max((part.shape[1] for part in parts if part is not None), default=0)
    if not width:
        return None
    rows = np.zeros((sum(lengths), width), np.uint8)
    at = 0
    for part, n in zip(parts, lengths, strict=True):
        if part is not None:
            rows[at : at + n, : part.shape[1]] = part
        at += n
    return rows
