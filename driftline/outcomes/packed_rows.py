"""How rows are packed in running state and between workers: some 30 bytes a row, and a tag and version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.framing import Arrays, check_head, frame, refuses_damage, unframe
from driftline.outcomes.row_arrays import Labels, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_VERSION: Final = 1

FEATURES_VERSION: Final = 2
"""Of a block of predictions with features; without them, it is written as ever."""

PREDICTIONS_TAG: Final = b"dJP"
LABELS_TAG: Final = b"dJL"
MARKS_TAG: Final = b"dJM"

_SHORT: Final = 1 << 32
_NULL: Final = 0xFFFFFFFF


class Block(NamedTuple):
    """A decoded block.

    Parameters
    ----------
    first
        Number of its first row among the rows of its side.
    """

    first: int
    rows: Any


class Marks(NamedTuple):
    """What has become of rows since they were packed.

    Parameters
    ----------
    side
        `PREDICTIONS_TAG` or `LABELS_TAG`.
    number
        (n,) int64, numbers of rows.
    status
        (n,) uint8, of `Status`.
    """

    side: bytes
    number: NDArray[np.int64]
    status: NDArray[np.uint8]


def encode_predictions(rows: Predictions, first: int = 0, *, bare: bool = False) -> bytes:
    """Pack predictions.

    Parameters
    ----------
    bare
        Leave out score and segment, which a prediction that waits no more does not need.

    Returns
    -------
    bytes
        Tag, version, JSON head; high, low, time, [score, segment, [features,]] [status].
    """
    head, columns = _packed(rows, first)
    version = BLOCK_VERSION
    if bare:
        head["bare"] = True
    else:
        used = np.flatnonzero(np.bincount(rows.segment, minlength=len(rows.names)))
        head["segments"] = [rows.names[code] for code in used.tolist()]
        code = np.searchsorted(used, rows.segment).astype(_segment_type(len(used)))
        columns[3:3] = [rows.score.astype("<f8", copy=False), code]
        if rows.features is not None:
            version, head["width"] = FEATURES_VERSION, rows.features.shape[1]
            columns.insert(5, rows.features)
    return frame(PREDICTIONS_TAG, version, head, b"".join(column.tobytes() for column in columns))


def encode_labels(rows: Labels, first: int = 0) -> bytes:
    """Pack labels.

    Returns
    -------
    bytes
        Tag, version, JSON head; high, low, time, label, lengths of the positions, [status,] positions.
    """
    head, columns = _packed(rows, first)
    where = rows.where.cast(pa.large_binary())
    _, offsets, text = where.buffers()
    bounds = np.frombuffer(offsets, "<i8", len(where) + 1, 8 * where.offset)
    lengths = np.diff(bounds).astype("<u4")
    if where.null_count == len(where):
        head["where"] = False
    else:
        lengths[where.is_null().to_numpy(zero_copy_only=False)] = _NULL
        columns.insert(3, lengths)
        columns.append(np.frombuffer(text, np.uint8)[bounds[0] : bounds[-1]])
    columns.insert(3, rows.label.astype("<f8", copy=False))
    return frame(LABELS_TAG, BLOCK_VERSION, head, b"".join(column.tobytes() for column in columns))


def encode_marks(side: bytes, number: NDArray[np.int64], status: NDArray[np.uint8]) -> bytes:
    """Pack what has become of rows, at least one: tag, version, JSON head; then 5 bytes a row."""
    head = {"side": side.decode(), "n": len(number)}
    return frame(MARKS_TAG, BLOCK_VERSION, head, number.astype("<u4").tobytes() + status.tobytes())


@refuses_damage("block of predictions or labels")
def decode_block(data: bytes) -> Block | Marks:
    """Read what one of the encoders wrote; other bytes raise UnreadableBytesError."""
    tag = bytes(data[:3])
    if tag == MARKS_TAG:
        head, payload = unframe(MARKS_TAG, BLOCK_VERSION, "block of marks", data)
        arrays, n = Arrays(payload, "block of marks"), head["n"]
        number, status = arrays.take("<u4", n).astype(np.int64), arrays.take("u1", n)
        arrays.done()
        return Marks(head["side"].encode(), number, status)
    if tag == LABELS_TAG:
        return _decoded_labels(data)
    return _decoded_predictions(data)


def first_time(data: bytes) -> int:
    """Read the earliest time of a block of rows without decoding it."""
    return span(data)[0]


@refuses_damage("block of predictions or labels")
def span(data: bytes) -> tuple[int, int]:
    """Earliest and latest time of a block of rows, undecoded; other bytes raise UnreadableBytesError."""
    labels = data[:3] == LABELS_TAG
    tag, version = (LABELS_TAG, BLOCK_VERSION) if labels else (PREDICTIONS_TAG, FEATURES_VERSION)
    head, _ = unframe(tag, version, "block of predictions or labels", data)
    check_head("block of predictions or labels", head, start=int, end=int)
    return head["start"], head["end"]


def _packed(rows: Predictions | Labels, first: int) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    start, end = int(rows.time.min()), int(rows.time.max())
    head: dict[str, Any] = {"n": len(rows), "start": start, "end": end}
    if first:
        head["first"] = first
    short = end - start < _SHORT
    columns: list[NDArray[Any]] = [
        rows.high.astype("<u8", copy=False),
        rows.low.astype("<u8", copy=False),
        (rows.time - start).astype("<u4") if short else rows.time.astype("<i8", copy=False),
    ]
    if rows.status.any():
        head["status"] = True
        columns.append(rows.status)
    return head, columns


def _keys(head: dict[str, Any], arrays: Arrays) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    n = head["n"]
    high, low = arrays.take("<u8", n), arrays.take("<u8", n)
    if head["end"] - head["start"] < _SHORT:
        return high, low, arrays.take("<u4", n).astype(np.int64) + head["start"]
    return high, low, arrays.take("<i8", n)


def _status(head: dict[str, Any], arrays: Arrays) -> NDArray[np.uint8]:
    return arrays.take("u1", head["n"]) if head.get("status") else np.zeros(head["n"], np.uint8)


def _decoded_predictions(data: bytes) -> Block:
    what = "block of predictions"
    head, payload = unframe(PREDICTIONS_TAG, FEATURES_VERSION, what, data)
    arrays, n = Arrays(payload, what), head["n"]
    width, features = head.get("width", 0), None
    if bool(width) != (data[3] == FEATURES_VERSION):
        raise arrays.damaged()
    high, low, time = _keys(head, arrays)
    if head.get("bare"):
        names = ("",)
        score, segment = np.full(n, np.nan), np.zeros(n, np.int32)
    else:
        names = tuple(head["segments"])
        score, segment = arrays.take("<f8", n), arrays.take(_segment_type(len(names)), n).astype(np.int32)
        if width:
            features = arrays.take("u1", n * width).reshape(n, width)
    status = _status(head, arrays)
    arrays.done()
    return Block(head.get("first", 0), Predictions(high, low, time, score, segment, names, status, features))


def _decoded_labels(data: bytes) -> Block:
    what = "block of labels"
    head, payload = unframe(LABELS_TAG, BLOCK_VERSION, what, data)
    arrays, n = Arrays(payload, what), head["n"]
    high, low, time = _keys(head, arrays)
    label = arrays.take("<f8", n)
    if head.get("where", True):
        lengths = arrays.take("<u4", n)
        status = _status(head, arrays)
        known = lengths != _NULL
        offsets = np.zeros(n + 1, np.int64)
        np.cumsum(np.where(known, lengths, 0), out=offsets[1:])
        text = arrays.take("u1", int(offsets[-1]))
        valid = pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
        buffers = [valid, pa.py_buffer(offsets.astype(np.int32).tobytes()), pa.py_buffer(text.tobytes())]
        where = pa.Array.from_buffers(pa.string(), n, buffers)
    else:
        status = _status(head, arrays)
        where = pa.nulls(n, pa.string())
    arrays.done()
    return Block(head.get("first", 0), Labels(high, low, time, label, where, status))


def _segment_type(n: int) -> str:
    return "u1" if n <= 1 << 8 else "<u2" if n <= 1 << 16 else "<u4"
