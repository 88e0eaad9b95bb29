"""Predictions and labels in memory: arrays side by side, each row with what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.outcomes.travelling_features import concatenate, features_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Status(IntEnum):
    """What has become of a row. The numbers are in running state: never change them."""

    UNSETTLED = 0  # its time has not come
    WAITING = 1  # for its label, or for its prediction
    MATCHED = 2  # a prediction that has its label: kept to recognise duplicates
    EXPIRED = 3  # a prediction whose deadline passed: kept to recognise labels after the deadline
    TOO_LATE = 4  # a label after the deadline of a prediction; waits for another one with this id
    GONE = 5  # a duplicate, or a label that is matched or given up


@dataclass(frozen=True)
class Predictions:
    """Predictions, n rows.

    Parameters
    ----------
    high, low
        (n,) uint64, the halves of the request id's hash.
    time
        (n,) int64, microseconds since the epoch.
    score
        (n,) float64.
    segment
        (n,) int32, indices into `names`.
    names
        Labels of segments, ascending.
    status
        (n,) uint8, of `Status`.
    features
        (n, w) uint8, encoded; None where no row has features.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    time: NDArray[np.int64]
    score: NDArray[np.float64]
    segment: NDArray[np.int32]
    names: tuple[str, ...]
    status: NDArray[np.uint8]
    features: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.high)

    @classmethod
    def of(cls, batch: Any) -> Predictions:
        """Take predictions from a batch with `PREDICTIONS` columns and no null ids."""
        coded = batch.column("segment").dictionary_encode()
        texts = np.array(coded.dictionary.to_pylist(), object)
        order = np.argsort(texts)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return cls(
            batch.column("id_high").to_numpy(),
            batch.column("id_low").to_numpy(),
            batch.column("time").to_numpy(),
            batch.column("score").to_numpy(zero_copy_only=False),  # null is NaN
            rank[coded.indices.to_numpy()],
            tuple(texts[order].tolist()),
            np.zeros(batch.num_rows, np.uint8),
            features_of(batch),
        )

    def take(self, rows: Any) -> Predictions:
        """Take rows by index, mask or slice."""
        return Predictions(
            self.high[rows],
            self.low[rows],
            self.time[rows],
            self.score[rows],
            self.segment[rows],
            self.names,
            self.status[rows],
            None if self.features is None else self.features[rows],
        )

    def with_status(self, status: NDArray[np.uint8]) -> Predictions:
        """Give the rows another status."""
        return replace(self, status=status)

    @staticmethod
    def concatenate(parts: Sequence[Predictions]) -> Predictions:
        """Put rows one behind the other."""
        if len(parts) == 1:
            return parts[0]
        names = sorted({name for part in parts for name in part.names})
        code = {name: index for index, name in enumerate(names)}
        codes = [np.array([code[name] for name in part.names], np.int32) for part in parts]
        segments = [
            codes[part.segment] if len(codes) else part.segment
            for part, codes in zip(parts, codes, strict=True)
        ]
        return Predictions(
            _joined([part.high for part in parts], np.uint64),
            _joined([part.low for part in parts], np.uint64),
            _joined([part.time for part in parts], np.int64),
            _joined([part.score for part in parts], np.float64),
            _joined(segments, np.int32),
            tuple(names),
            _joined([part.status for part in parts], np.uint8),
            concatenate([part.features for part in parts], [len(part) for part in parts]),
        )

    def segments(self) -> Any:
        """Give the segment of each row as an Arrow array."""
        return pa.array(self.names, pa.string()).take(pa.array(self.segment))


@dataclass(frozen=True)
class Labels:
    """Labels, n rows.

    Parameters
    ----------
    high, low
        (n,) uint64, the halves of the request id's hash.
    time
        (n,) int64, microseconds since the epoch.
    label
        (n,) float64.
    where
        `pyarrow.StringArray` of n positions in the source, null if unknown.
    status
        (n,) uint8, of `Status`.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    time: NDArray[np.int64]
    label: NDArray[np.float64]
    where: Any
    status: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.high)

    @classmethod
    def of(cls, batch: Any) -> Labels:
        """Take labels from a batch with `LABELS` columns and no null ids."""
        return cls(
            batch.column("id_high").to_numpy(),
            batch.column("id_low").to_numpy(),
            batch.column("time").to_numpy(),
            batch.column("label").to_numpy(zero_copy_only=False),  # null is NaN
            batch.column("where"),
            np.zeros(batch.num_rows, np.uint8),
        )

    def take(self, rows: NDArray[Any]) -> Labels:
        """Take rows by index or mask."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Labels(
            self.high[rows],
            self.low[rows],
            self.time[rows],
            self.label[rows],
            self.where.take(pa.array(rows)),
            self.status[rows],
        )

    def with_status(self, status: NDArray[np.uint8]) -> Labels:
        """Give the rows another status."""
        return replace(self, status=status)

    @staticmethod
    def concatenate(parts: Sequence[Labels]) -> Labels:
        """Put rows one behind the other."""
        if len(parts) == 1:
            return parts[0]
        return Labels(
            _joined([part.high for part in parts], np.uint64),
            _joined([part.low for part in parts], np.uint64),
            _joined([part.time for part in parts], np.int64),
            _joined([part.label for part in parts], np.float64),
            pa.concat_arrays([part.where for part in parts]) if parts else pa.array([], pa.string()),
            _joined([part.status for part in parts], np.uint8),
        )


def _joined(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(arrays).astype(dtype, copy=False) if arrays else np.empty(0, dtype)
